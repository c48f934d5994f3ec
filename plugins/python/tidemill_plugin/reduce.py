"""`reduce`: a function of two values that answers one, associative and commutative."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable
from typing import Any, TypeVar, overload

from .columns import Batch
from .config import parse
from .errors import Failure
from .functions import arguments, attach
from .operators import Reduce, groups
from .rows import RowType
from .schema import Schema


F = TypeVar("F", bound=Callable)


@overload
def reduce(function: F, *, inverse: Callable | None = None) -> F: ...
@overload
def reduce(*, inverse: Callable | None = None) -> Callable[[F], F]: ...
def reduce(function: Callable | None = None, *, inverse: Callable | None = None) -> Any:
    """Combines two values of a key, plain ones or rows of the same columns; it has to be associative and commutative.

    `inverse` takes a value out of a total again, so that a window that slides costs what enters and leaves it. Both may
    take the config as their last argument.

        @reduce
        def add(a: int, b: int) -> int:
            return a + b
    """

    def decorate(function: Callable) -> Callable:
        return attach(function, _Reduction(function, inverse))

    return decorate if function is None else decorate(function)


class _Reduction(Reduce):
    def __init__(self, function: Callable, inverse: Callable | None):
        self.function, self.inverse = function, inverse
        self.invertible = inverse is not None

    def open(self, config: str, values: Schema) -> None:
        hints = list(arguments(self.function).values())
        answer = typing.get_type_hints(self.function).get("return")
        if len(hints) not in (2, 3) or not hints[0] == hints[1] == answer:
            name = self.function.__name__
            raise Failure(f"{name} has to take two values of a type and answer one: `def {name}(a: int, b: int) -> int`")
        self.config = parse(config, hints[2] if len(hints) == 3 else None)
        self.row = RowType.of(hints[0], "a value")
        self.order = self.row.bind(values)
        spare = [field.name for index, field in enumerate(values.fields) if index not in self.order]
        if spare:
            raise Failure(f"the reducer has no field for column `{spare[0]}`")
        self.fields = [values.fields[index] for index in self.order]
        self.takes_config = len(hints) == 3

    def reduce(self, ends: list[int], values: Batch) -> Batch:
        rows, combine = self.row.read(values, self.order), self._with_config(self.function)
        return self._batch([functools.reduce(combine, rows[start:end]) for start, end in groups(ends)])

    def subtract(self, totals: Batch, ends: list[int], values: Batch) -> Batch:
        rows, take_out = self.row.read(values, self.order), self._with_config(self.inverse)
        totals = self.row.read(totals, self.order)
        parts = (rows[start:end] for start, end in groups(ends))
        return self._batch([functools.reduce(take_out, part, total) for total, part in zip(totals, parts)])

    def _with_config(self, function: Callable) -> Callable:
        if not self.takes_config:
            return function
        return lambda a, b: function(a, b, self.config)

    def _batch(self, rows: list) -> Batch:
        columns = self.row.build(rows, self.fields)
        places = sorted(zip(self.order, range(len(columns))))
        return Batch(len(rows), [columns[index] for _, index in places])
