"""Write Tidemill operators as Python functions.

A plugin is a module with a function and a decorator that says of what: of a row (`map`, `filter`, `flat_map`), of
two values to combine (`reduce`), of a key with its values and what is kept of it (`update_state`,
`map_with_state`), of the rows of two streams that share a key (`cogroup`); or it is a class that collects values
(`aggregate`). Arguments are matched to input columns by name, the fields of a dataclass become output columns.
The function stays as it is, so that any test can call it.

    from collections.abc import Iterator
    from dataclasses import dataclass
    from tidemill_plugin import flat_map

    @dataclass
    class Word:
        word: str
        n: int

    @flat_map
    def split_words(line: str) -> Iterator[Word]:
        for word in line.split():
            yield Word(word, 1)
"""

from .aggregate import aggregate
from .cogroup import cogroup
from .columns import Batch, Column, Timestamp, Varlen
from .errors import Failure, Reject
from .export import export
from .host import Level, count, log
from .operators import Aggregate, Cogroup, Operator, Output, Plan, Reduce, Transform, UpdateInput, UpdateOutput, UpdateState
from .reduce import reduce
from .schema import DataType, Field, Schema
from .state import State, map_with_state, update_state
from .transform import filter, flat_map, map

__all__ = [
    "Aggregate", "Batch", "Cogroup", "Column", "DataType", "Failure", "Field", "Level", "Operator", "Output", "Plan",
    "Reduce", "Reject", "Schema", "State", "Timestamp", "Transform", "UpdateInput", "UpdateOutput", "UpdateState",
    "Varlen", "aggregate", "cogroup", "count", "export", "filter", "flat_map", "log", "map", "map_with_state",
    "reduce", "update_state",
]
