"""What the hints of a plugin's function say: its arguments, and the rows that it answers."""

from __future__ import annotations

import collections.abc
import inspect
import os
import typing
from collections.abc import Callable, Iterable
from typing import Any

from .columns import Batch
from .config import is_config
from .errors import Failure, Reject
from .operators import Operator
from .rows import RowType, field_names, strip_optional
from .schema import Field

_MANY = (list, tuple, collections.abc.Iterable, collections.abc.Iterator, collections.abc.Generator,
         collections.abc.Sequence, collections.abc.Collection)


def attach(thing: Any, operator: Operator) -> Any:
    """Marks a function or class as a plugin; it stays what it is. The build looks for the mark."""
    code = getattr(thing, "__code__", None)
    file = code.co_filename if code else getattr(inspect.getmodule(thing), "__file__", None)
    operator.home = os.path.dirname(file) if file else None
    thing.__tidemill__ = operator
    return thing


def arguments(function: Callable) -> dict[str, Any]:
    """The hints of a function's arguments, by name."""
    hints = typing.get_type_hints(function)
    names = list(inspect.signature(function).parameters)
    for name in names:
        if name not in hints:
            raise Failure(f"the argument `{name}` of {function.__name__} has no type; write `{name}: int`, for example")
    return {name: hints[name] for name in names}


def config_of(hints: dict[str, Any], named: Iterable[str] = ()) -> tuple[str | None, Any]:
    """The argument that is the config, beside those `named`, and its hint."""
    found = [(name, hint) for name, hint in hints.items() if name not in named and is_config(hint)]
    if len(found) > 1:
        raise Failure(f"`{found[0][0]}` and `{found[1][0]}` are both configs; a function takes one")
    return found[0] if found else (None, None)


class Answer:
    """The rows that a function answers: their type, and how many there are."""

    def __init__(self, function: Callable):
        hint = typing.get_type_hints(function).get("return")
        what = f"what {function.__name__} answers"
        plain, _ = strip_optional(hint)
        self.is_many = typing.get_origin(plain) in _MANY
        if self.is_many:
            plain = typing.get_args(plain)[0]
        if field_names(plain) is None:
            raise Failure(f"{what} is no row; write `-> R` or `-> Iterator[R]`, where R is a dataclass")
        self.row = RowType.of(plain, what)

    @property
    def fields(self) -> list[Field]:
        """The columns."""
        return self.row.fields

    def add(self, answer: Any, rows: list) -> None:
        """Appends what the function answered to `rows`; nothing of it where it is refused half way."""
        if answer is None:
            return
        if not self.is_many:
            rows.append(answer)
            return
        mark = len(rows)
        try:
            rows.extend(answer)
        except Reject:
            del rows[mark:]
            raise

    def batch(self, rows: list) -> Batch:
        """The batch of all rows."""
        return Batch(len(rows), self.row.build(rows))
