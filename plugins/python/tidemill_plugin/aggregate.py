"""`aggregate`: a class whose objects collect the values of a key, and that is a row itself."""

from __future__ import annotations

import typing
from typing import Any, TypeVar

from .columns import Batch
from .config import is_config, parse
from .errors import Failure
from .functions import Answer, attach
from .operators import Aggregate, groups
from .rows import RowType, field_names
from .schema import Field, Schema


C = TypeVar("C", bound=type)


def aggregate(kind: C) -> C:
    """Collects the values of a key in an accumulator, of which the row that comes out is made.

    On a dataclass with defaults and methods `add(value)`, `merge(other)` and `finish() -> Row`, each of which may take the
    config as its last argument.

        @aggregate
        @dataclass
        class Mean:
            sum: float = 0.0
            count: int = 0

            def add(self, value: float) -> None: ...
            def merge(self, other: "Mean") -> None: ...
            def finish(self) -> Answer: ...
    """
    return attach(kind, _Aggregation(kind))


class _Aggregation(Aggregate):
    def __init__(self, kind: type):
        self.kind = kind

    def open(self, config: str, values: Schema) -> tuple[list[Field], list[Field]]:
        kind = self.kind
        if field_names(kind) is None:
            raise Failure(f"{kind.__name__} is no row; put `@dataclass` below `@aggregate`")
        missing = [name for name in ("add", "merge", "finish") if not hasattr(kind, name)]
        if missing:
            raise Failure(f"{kind.__name__} has no method `{missing[0]}`")
        self.taking = {name: self._config_hint(name) for name in ("add", "merge", "finish")}
        hints = [hint for hint in self.taking.values() if hint is not None]
        self.config = parse(config, hints[0] if hints else None)
        given = [hint for name, hint in self._hints("add").items()][:1]
        if not given:
            raise Failure(f"the method `add` of {kind.__name__} has to take a value")
        self.value = RowType.of(given[0], "a value")
        self.order = self.value.bind(values)
        self.row, self.answer = RowType.of(kind, "an accumulator"), Answer(kind.finish)
        return self.row.fields, self.answer.fields

    def accumulate(self, ends: list[int], values: Batch) -> Batch:
        rows, extra = self.value.read(values, self.order), self._extra("add")
        accumulators = []
        for start, end in groups(ends):
            accumulator = self.kind()
            add = accumulator.add
            for row in rows[start:end]:
                add(row, *extra)
            accumulators.append(accumulator)
        return Batch(len(accumulators), self.row.build(accumulators))

    def merge(self, ends: list[int], accumulators: Batch) -> Batch:
        rows, extra = self.row.read(accumulators), self._extra("merge")
        merged = []
        for start, end in groups(ends):
            first, *others = rows[start:end]
            for other in others:
                first.merge(other, *extra)
            merged.append(first)
        return Batch(len(merged), self.row.build(merged))

    def finish(self, accumulators: Batch) -> Batch:
        extra = self._extra("finish")
        return self.answer.batch([row.finish(*extra) for row in self.row.read(accumulators)])

    def _hints(self, method: str) -> dict[str, Any]:
        function = getattr(self.kind, method)
        hints = typing.get_type_hints(function, localns={self.kind.__name__: self.kind})
        names = list(function.__code__.co_varnames[1 : function.__code__.co_argcount])
        return {name: hints.get(name) for name in names}

    def _config_hint(self, method: str) -> Any:
        hints = list(self._hints(method).values())
        at = 0 if method == "finish" else 1
        return hints[at] if len(hints) > at and is_config(hints[at]) else None

    def _extra(self, method: str) -> tuple:
        return () if self.taking[method] is None else (self.config,)


