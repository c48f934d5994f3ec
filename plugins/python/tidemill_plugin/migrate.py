"""`migrate`: functions that make a state of one that an earlier version of the plugin kept.

Each is bound to the columns that were kept by the type of its argument; the first that has exactly these is called for
every state.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from typing import Any

from .columns import Batch
from .errors import Failure
from .functions import arguments
from .rows import RowType, strip_optional
from .schema import Schema


class Migrations:
    """The functions of earlier states that a plugin has."""

    def __init__(self, given: Callable | Sequence[Callable]):
        self.functions = [given] if callable(given) else list(given)

    def __bool__(self) -> bool:
        return bool(self.functions)

    def open(self, state: Any) -> None:
        """Finds out what each takes; all have to answer `state`."""
        self.earlier = []
        for function in self.functions:
            hints, name = list(arguments(function).values()), function.__name__
            answer, _ = strip_optional(typing.get_type_hints(function).get("return"))
            if len(hints) != 1 or answer != state:
                shown = getattr(state, "__name__", state)
                raise Failure(f"{name} has to take an earlier state and answer one of now: `def {name}(state: int) -> {shown}`")
            self.earlier.append((RowType.of(hints[0], f"the state that {name} takes"), function))

    def migrate(self, earlier: Schema, states: Batch, row: RowType) -> Batch:
        """Answers a state of the type `row` for each of `states`, whose columns are `earlier`."""
        for kind, function in self.earlier:
            try:
                order = kind.bind(earlier)
            except Failure:
                continue
            if len(order) == len(earlier.fields):
                migrated = [function(state) for state in kind.read(states, order)]
                return Batch(len(migrated), row.build(migrated))
        raise Failure(f"no earlier version is known with this state; {earlier}")
