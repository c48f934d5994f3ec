"""Columns and batches, and the way between a column and a list of Python values.

A column holds a list of values, or for texts and bytes one `bytes` object with offsets. What must stay true: a
column that is built fits its field, whatever a plugin put into the list.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from typing import Any

from .errors import Failure
from .schema import DataType, Field

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=timezone.utc) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // _MICROSECOND


class Timestamp(int):
    """Microseconds since 1970, UTC: all that a timestamp column can hold.

    `datetime` is more at hand, but knows the years 1 to 9999 only.

    >>> Timestamp(1_500_000).datetime()
    datetime.datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=datetime.timezone.utc)
    """

    def datetime(self) -> datetime:
        """The same point in time."""
        return _EPOCH + timedelta(microseconds=self)

    @staticmethod
    def of(time: datetime) -> Timestamp:
        """The microseconds of a point in time; one without a zone is taken for UTC."""
        return Timestamp(_micros(time))


@dataclass
class Varlen:
    """Texts, as UTF-8, or bytes, one after the other.

    Value i is what stands in `data` from `offsets[i]` to `offsets[i + 1]`; `offsets` has one entry more than
    there are values.
    """

    offsets: Sequence[int]
    data: bytes


@dataclass
class Column:
    """The values of a column of a batch.

    `data_type` says what `values` are: a `Varlen` of texts and bytes, else a list of `bool`, `int` (of timestamps
    microseconds since 1970, UTC) or `float`. `valid` has a flag a row, false where there is no value; `None` where no
    value is missing.
    """

    data_type: DataType
    values: Any
    valid: list[bool] | None = None

    def __len__(self) -> int:
        return len(self.values.offsets) - 1 if isinstance(self.values, Varlen) else len(self.values)

    def to_list(self) -> list:
        """The values as Python has them, `None` where there is none. Timestamps are microseconds since 1970, UTC."""
        if isinstance(self.values, Varlen):
            values = _texts(self.values) if self.data_type is DataType.UTF8 else _bytes(self.values)
        else:
            values = list(self.values)
        if self.valid is None:
            return values
        return [value if valid else None for value, valid in zip(values, self.valid)]


@dataclass
class Batch:
    """Rows, column by column: how many `rows` there are, and their `columns` in the order of the schema."""

    rows: int
    columns: list[Column]


def build(field: Field, values: list) -> Column:
    """The column of `field` that holds these values. One that doesn't fit raises `Failure`."""
    valid = None
    if None in values:
        if not field.nullable:
            row = values.index(None)
            raise Failure(f"column `{field.name}` got no value in row {row}; write its type as `… | None`")
        valid = [value is not None for value in values]
        blank = _BLANK[field.data_type]
        values = [blank if value is None else value for value in values]
    try:
        return Column(field.data_type, _BUILD[field.data_type](values), valid)
    except (TypeError, ValueError, OverflowError, AttributeError):
        _blame(field, values)
        raise


def _texts(varlen: Varlen) -> list[str]:
    data, offsets = varlen.data, varlen.offsets
    text = data.decode()
    if len(text) == len(data):
        return [text[start:end] for start, end in zip(offsets, offsets[1:])]
    return [data[start:end].decode() for start, end in zip(offsets, offsets[1:])]


def _bytes(varlen: Varlen) -> list[bytes]:
    return [varlen.data[start:end] for start, end in zip(varlen.offsets, varlen.offsets[1:])]


def _build_texts(values: list[str]) -> Varlen:
    text = "".join(values)
    data = text.encode()
    if len(data) == len(text):
        return Varlen(list(accumulate(map(len, values), initial=0)), data)
    return _build_bytes([value.encode() for value in values])


def _build_bytes(values: list[bytes]) -> Varlen:
    return Varlen(list(accumulate(map(len, values), initial=0)), b"".join(values))


def _build_booleans(values: list) -> list[bool]:
    if set(map(type, values)) - {bool}:
        raise TypeError
    return values


def _build_ints(values: list) -> list[int]:
    return array("q", values).tolist()


def _build_floats(values: list) -> list[float]:
    return array("d", values).tolist()


def _build_times(values: list) -> list[int]:
    return array("q", map(_micros, values)).tolist()


def _micros(time: datetime | int) -> int:
    if isinstance(time, int):
        return time
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    return (time - _EPOCH) // _MICROSECOND


def to_datetimes(micros: list) -> list:
    """The points in time of these microseconds, `None` where there is none."""
    for value in micros:
        if value is not None and not _FIRST <= value <= _LAST:
            raise Failure(f"the timestamp {value} is beyond the years 1 to 9999; take `Timestamp` for `datetime`")
    return [None if value is None else _EPOCH + timedelta(microseconds=value) for value in micros]


_BLANK = {
    DataType.BOOLEAN: False,
    DataType.INT64: 0,
    DataType.FLOAT64: 0.0,
    DataType.UTF8: "",
    DataType.BINARY: b"",
    DataType.TIMESTAMP: 0,
}

_BUILD = {
    DataType.BOOLEAN: _build_booleans,
    DataType.INT64: _build_ints,
    DataType.FLOAT64: _build_floats,
    DataType.UTF8: _build_texts,
    DataType.BINARY: _build_bytes,
    DataType.TIMESTAMP: _build_times,
}


def _blame(field: Field, values: list) -> None:
    """Finds the value that doesn't fit, one at a time, and says so."""
    for value in values:
        try:
            _BUILD[field.data_type]([value])
        except (TypeError, ValueError, OverflowError, AttributeError):
            shown = repr(value)
            shown = shown if len(shown) <= 80 else shown[:80] + "…"
            raise Failure(f"column `{field.name}` is {field.data_type}, which {shown} doesn't fit") from None
