"""`cogroup`: a function of a key and its rows of two streams."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import TypeVar

from .columns import Batch
from .config import parse
from .errors import Failure
from .functions import Answer, arguments, attach, config_of
from .operators import Cogroup, groups
from .rows import RowType
from .schema import Field, Schema


F = TypeVar("F", bound=Callable)


def cogroup(function: F) -> F:
    """Called for each key with its rows of two streams, either of which may have none.

    It answers any number of rows. Arguments by name: `left`, `right`, `key`, and the config by its type.

        @cogroup
        def open_bills(left: list[float], right: list[float]) -> Open | None:
            rest = sum(left) - sum(right)
            return Open(rest) if rest > 0 else None
    """
    return attach(function, _Cogroup(function))


class _Cogroup(Cogroup):
    def __init__(self, function: Callable):
        self.function = function

    def open(self, config: str, key: Schema, left: Schema, right: Schema) -> list[Field]:
        self.hints = hints = arguments(self.function)
        named = ("left", "right", "key")
        self.config_name, hint = config_of(hints, named)
        self.config = parse(config, hint)
        for name in hints:
            if name not in named and name != self.config_name:
                raise Failure(f"`{name}` is no argument of {self.function.__name__}; there are `left`, `right`, `key` and the config")
        self.sides = {}
        for name, schema, what in (("key", key, "the key"), ("left", left, "the left side"), ("right", right, "the right side")):
            if name in hints:
                row = RowType.of(hints[name] if name == "key" else _item(name, hints[name]), what)
                self.sides[name] = (row, row.bind(schema, what))
        self.answer = Answer(self.function)
        return self.answer.fields

    def process(
        self, keys: Batch, left_ends: list[int], left: Batch, right_ends: list[int], right: Batch
    ) -> tuple[Batch, list[int]]:
        batches = {"key": keys, "left": left, "right": right}
        read = {name: row.read(batches[name], order) for name, (row, order) in self.sides.items()}
        rows, origins = [], []
        for index, (on_left, on_right) in enumerate(zip(groups(left_ends), groups(right_ends))):
            given = {self.config_name: self.config}
            for name, value in read.items():
                start, end = on_left if name == "left" else on_right
                given[name] = value[index] if name == "key" else value[start:end]
            self.answer.add(self.function(**{name: given[name] for name in self.hints}), rows)
            origins.extend([index] * (len(rows) - len(origins)))
        return self.answer.batch(rows), origins


def _item(name: str, hint: object) -> object:
    parts = typing.get_args(hint)
    if not parts:
        raise Failure(f"`{name}` are any number; write for example `{name}: list[int]`")
    return parts[0]
