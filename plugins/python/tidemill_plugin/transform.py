"""`map`, `filter` and `flat_map`: a function of a row, whose arguments are columns by name."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, TypeVar, overload

from .columns import Batch
from .config import parse
from .errors import Failure, Reject
from .functions import Answer, arguments, attach, config_of
from .operators import Output, Plan, Transform
from .rows import cell
from .schema import Schema

F = TypeVar("F", bound=Callable)


@overload
def map(function: F, *, carry: bool = False) -> F: ...
@overload
def map(*, carry: bool = False) -> Callable[[F], F]: ...
def map(function: Callable | None = None, *, carry: bool = False) -> Any:  # noqa: A001
    """One row out for each row in.

    Arguments are input columns by name, and the config by its type. With `carry`, input columns stand before what is
    produced, but for those of the same name.

        @map(carry=True)
        def total(price: float, amount: int) -> Total:
            return Total(price * amount)
    """
    return _decorate(function, lambda function: _Rows(function, carry, is_map=True))


@overload
def flat_map(function: F, *, carry: bool = False) -> F: ...
@overload
def flat_map(*, carry: bool = False) -> Callable[[F], F]: ...
def flat_map(function: Callable | None = None, *, carry: bool = False) -> Any:
    """Any number of rows out for each row in: an iterator or list of rows, or a row or `None`.

    Arguments are input columns by name, and the config by its type. With `carry`, input columns stand before what is
    produced, but for those of the same name. What is put out before a `Reject` is taken back.

        @flat_map
        def split_words(line: str) -> Iterator[Word]:
            for word in line.split():
                yield Word(word, 1)
    """
    return _decorate(function, lambda function: _Rows(function, carry, is_map=False))


def filter(function: F) -> F:  # noqa: A001
    """Keeps the rows for which the function answers `True`, as they are.

    Arguments are input columns by name, and the config by its type.

        @filter
        def is_large(price: float) -> bool:
            return price > 100
    """
    return attach(function, _Filter(function))


def _decorate(function: Callable | None, operator: Callable) -> Any:
    def decorate(function: Callable) -> Callable:
        return attach(function, operator(function))

    return decorate if function is None else decorate(function)


class _OfRows(Transform):
    """A function that is called for each row."""

    def __init__(self, function: Callable):
        self.function = function

    def _open(self, config: str, input: Schema) -> list[int]:
        """Binds the arguments, and answers the columns that they read."""
        hints = arguments(self.function)
        self.config_name, hint = config_of(hints)
        self.config = parse(config, hint)
        self.cells = {name: cell(hint) for name, hint in hints.items() if name != self.config_name}
        self.names = list(hints)
        for name, found in self.cells.items():
            if found is None:
                raise Failure(f"the argument `{name}` is {hints[name]}, which is neither a column nor a config")
        return [input.want(name, found.data_type) for name, found in self.cells.items()]

    def _rows(self, batch: Batch) -> tuple[Iterator[tuple], dict[int, str]]:
        """The arguments for each row, and the rows that hold no value where one is needed."""
        lists, refused = {}, {}
        for (name, found), column in zip(self.cells.items(), batch.columns):
            values = lists[name] = found.read(column)
            if column.valid is not None and not found.nullable and None in values:
                nulls = [row for row, value in enumerate(values) if value is None]
                refused |= {row: f"column `{name}` holds no value" for row in nulls if row not in refused}
        given = [repeat(self.config) if name == self.config_name else lists[name] for name in self.names]
        if not lists:
            return repeat((self.config,) if self.config_name else (), batch.rows), refused
        return zip(*given), refused


class _Rows(_OfRows):
    """What `map` and `flat_map` make of a function."""

    def __init__(self, function: Callable, carry: bool, is_map: bool):
        super().__init__(function)
        self.carry, self.is_map = carry, is_map

    def open(self, config: str, input: Schema) -> Plan:
        reads, self.answer = self._open(config, input), Answer(self.function)
        if self.is_map and self.answer.is_many:
            raise Failure(f"{self.function.__name__} answers any number of rows; use `@flat_map`")
        carries = input.all_but(self.answer.fields) if self.carry else []
        return Plan(reads, carries, self.answer.fields)

    def process(self, input: Batch) -> Output:
        function, add = self.function, self.answer.add
        rows, origins, rejects = [], [], []
        arguments, refused = self._rows(input)
        for row, given in enumerate(arguments):
            if row in refused:
                rejects.append((row, refused[row]))
                continue
            try:
                if self.is_map:
                    rows.append(function(*given))
                    origins.append(row)
                else:
                    add(function(*given), rows)
                    origins.extend(repeat(row, len(rows) - len(origins)))
            except Reject as reject:
                rejects.append((row, str(reject)))
        is_one_to_one = self.is_map and not rejects
        return Output(self.answer.batch(rows), None if is_one_to_one else origins, rejects)


class _Filter(_OfRows):
    """What `filter` makes of a function."""

    def open(self, config: str, input: Schema) -> Plan:
        if typing.get_type_hints(self.function).get("return") is not bool:
            raise Failure(f"{self.function.__name__} has to answer a bool; write `-> bool`")
        return Plan(self._open(config, input), input.all_but([]), [])

    def process(self, input: Batch) -> Output:
        origins, rejects = [], []
        arguments, refused = self._rows(input)
        for row, given in enumerate(arguments):
            if row in refused:
                rejects.append((row, refused[row]))
                continue
            try:
                if self.function(*given):
                    origins.append(row)
            except Reject as reject:
                rejects.append((row, str(reject)))
        return Output(Batch(len(origins), []), origins, rejects)
