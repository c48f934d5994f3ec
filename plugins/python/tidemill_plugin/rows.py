"""Rows by type hints: what columns a class or a plain type stands for, read from columns and built into them.

A row is a dataclass or a `NamedTuple`, a field a column. Plain values are read like rows of one column, so that a
reducer may combine numbers.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from .columns import Batch, Column, Timestamp, build, to_datetimes
from .errors import Failure
from .schema import DataType, Field, Schema

_PLAIN = {
    bool: DataType.BOOLEAN,
    int: DataType.INT64,
    float: DataType.FLOAT64,
    str: DataType.UTF8,
    bytes: DataType.BINARY,
    datetime: DataType.TIMESTAMP,
    Timestamp: DataType.TIMESTAMP,
}


def strip_optional(hint: Any) -> tuple[Any, bool]:
    """A hint without its `| None`, and whether it had one."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        others = [part for part in typing.get_args(hint) if part is not type(None)]
        if len(others) == 1:
            return others[0], True
    return hint, False


@dataclasses.dataclass(frozen=True)
class Cell:
    """What one column holds, as a hint says it."""

    hint: Any
    data_type: DataType
    nullable: bool

    def read(self, column: Column) -> list:
        """The column's values, `None` where there is none."""
        values = column.to_list()
        if self.hint is datetime:
            return to_datetimes(values)
        if self.hint is Timestamp:
            return [None if value is None else Timestamp(value) for value in values]
        return values


def cell(hint: Any) -> Cell | None:
    """What a column is to hold by this hint; none where it stands for no column."""
    plain, nullable = strip_optional(hint)
    try:
        data_type = _PLAIN.get(plain)
    except TypeError:
        return None
    return data_type and Cell(plain, data_type, nullable)


class RowType:
    """A class whose fields are columns, or a plain type that is one column."""

    def __init__(self, hint: Any, make: Callable | None, names: Sequence[str], cells: Sequence[Cell]):
        self.hint, self.make = hint, make
        self.names, self.cells = list(names), list(cells)

    @staticmethod
    def of(hint: Any, what: str) -> RowType:
        """Of a hint; `what` says in an error what it is the hint of."""
        plain = cell(hint)
        if plain:
            return RowType(hint, None, ["state"], [plain])
        names = field_names(hint)
        if names is None:
            kinds = "bool, int, float, str, bytes, datetime"
            raise Failure(f"{what} is {_shown(hint)}; take a dataclass, or one of {kinds}")
        hints = typing.get_type_hints(hint)
        cells = [cell(hints.get(name)) for name in names]
        for name, found in zip(names, cells):
            if found is None:
                raise Failure(f"the field `{name}` of {hint.__name__} is {_shown(hints.get(name))}, which no column holds")
        return RowType(hint, hint, names, cells)

    @property
    def fields(self) -> list[Field]:
        """The columns."""
        return [Field(name, cell.data_type, cell.nullable) for name, cell in zip(self.names, self.cells)]

    @property
    def is_plain(self) -> bool:
        """Whether it is a single value rather than a row."""
        return self.make is None

    def bind(self, schema: Schema, what: str = "") -> list[int]:
        """Where its columns stand in `schema`; a single value's may have any name."""
        try:
            if not self.is_plain:
                return [schema.want(name, cell.data_type) for name, cell in zip(self.names, self.cells)]
            wanted = self.cells[0].data_type
            if [field.data_type for field in schema.fields] != [wanted]:
                raise Failure(f"one column of type {wanted} is wanted; {schema}")
            return [0]
        except Failure as failure:
            raise Failure(f"{what}: {failure}" if what else str(failure)) from None

    def read(self, batch: Batch, order: Sequence[int] | None = None) -> list:
        """The rows of a batch whose columns for the fields stand at `order`."""
        columns = [batch.columns[index] for index in (range(len(self.cells)) if order is None else order)]
        lists = [cell.read(column) for cell, column in zip(self.cells, columns)]
        for cell, column, values in zip(self.cells, columns, lists):
            if column.valid is not None and not cell.nullable and None in values:
                raise Failure(f"row {values.index(None)} holds no value")
        if self.make is None:
            return lists[0]
        return list(map(self.make, *lists)) if lists else [self.make() for _ in range(batch.rows)]

    def build(self, rows: list, fields: Sequence[Field] | None = None) -> list[Column]:
        """The columns of these rows; `fields` are theirs where they aren't those of the hints."""
        self.check(rows)
        fields = self.fields if fields is None else fields
        if self.make is None:
            return [build(fields[0], rows)]
        return [build(field, list(map(attrgetter(name), rows))) for name, field in zip(self.names, fields)]

    def check(self, rows: list) -> None:
        """Whether these are rows of this type at all."""
        if self.make is None:
            return
        for kind in set(map(type, rows)):
            if not issubclass(kind, self.make):
                raise Failure(f"a row of type {self.make.__name__} was agreed, but {kind.__name__} came")

    def blank(self) -> Any:
        """A row that means nothing, to stand where there is none."""
        plain = [_BLANK[cell.data_type] for cell in self.cells]
        values = [None if cell.nullable else value for cell, value in zip(self.cells, plain)]
        return values[0] if self.make is None else _Blank(zip(self.names, values))


class _Blank:
    """Has the attributes of a row without being made by its class."""

    def __init__(self, values):
        self.__dict__.update(values)


_BLANK = {
    DataType.BOOLEAN: False,
    DataType.INT64: 0,
    DataType.FLOAT64: 0.0,
    DataType.UTF8: "",
    DataType.BINARY: b"",
    DataType.TIMESTAMP: Timestamp(0),
}


def field_names(hint: Any) -> list[str] | None:
    """The fields of a dataclass or `NamedTuple`; none where it is neither."""
    if not isinstance(hint, type):
        return None
    if dataclasses.is_dataclass(hint):
        return [field.name for field in dataclasses.fields(hint) if field.init]
    if issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return list(hint._fields)
    return None


def _shown(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
