"""Schemas: the names and types of the columns a plugin is opened on.

In comes what the host knows about a stream. Out go column indices, or a sentence that tells the author of a
manifest which column is missing or of the wrong type, and what there is instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from .errors import Failure


class DataType(Enum):
    """The types that a column may have.

    `BOOLEAN` (`bool`), `INT64` (`int`), `FLOAT64` (`float`), `UTF8` (`str`), `BINARY` (`bytes`) and `TIMESTAMP`
    (`datetime` or `Timestamp`). Nested values travel as JSON in a `UTF8` column.
    """

    BOOLEAN = "boolean"
    INT64 = "int64"
    FLOAT64 = "float64"
    UTF8 = "utf8"
    BINARY = "binary"
    TIMESTAMP = "timestamp"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Field:
    """A column of a schema: its `name`, its `data_type`, and whether it is `nullable`: a row may have no value there."""

    name: str
    data_type: DataType
    nullable: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.data_type}{'?' if self.nullable else ''}"


class Schema:
    """The columns of a stream: its `fields`, in order. Names are unique."""

    def __init__(self, fields: Iterable[Field]):
        self.fields = list(fields)

    @staticmethod
    def parse(text: str) -> Schema:
        """A schema as the command line has it.

        >>> print(Schema.parse("word: utf8, n: int64?"))
        the columns are: word: utf8, n: int64?
        """
        fields = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, written = part.partition(":")
            plain = written.strip().removesuffix("?")
            try:
                data_type = DataType(plain)
            except ValueError:
                known = ", ".join(map(str, DataType))
                raise Failure(f"`{part}` has no type; write a name and one of {known}, as in `n: int64?`") from None
            fields.append(Field(name.strip(), data_type, written.strip().endswith("?")))
        return Schema(fields)

    def index_of(self, name: str) -> int | None:
        """Where the column `name` stands, if there is one."""
        return next((index for index, field in enumerate(self.fields) if field.name == name), None)

    def want(self, name: str, data_type: DataType) -> int:
        """Where the column `name` stands, which must be of this type."""
        index = self.index_of(name)
        if index is None:
            raise Failure(f"there is no column `{name}` of type {data_type}; {self}")
        found = self.fields[index].data_type
        if found != data_type:
            raise Failure(f"column `{name}` is {found}, but {data_type} is wanted; {self}")
        return index

    def all_but(self, replaced: Iterable[Field]) -> list[int]:
        """The indices of all columns but those that one of `replaced` names, for `Plan.carries`."""
        names = {field.name for field in replaced}
        return [index for index, field in enumerate(self.fields) if field.name not in names]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.fields == other.fields

    def __str__(self) -> str:
        if not self.fields:
            return "there are no columns"
        return "the columns are: " + ", ".join(map(str, self.fields))
