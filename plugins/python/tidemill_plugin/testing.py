"""Runs plugins natively on rows, schema checks and all: rows are dictionaries, columns are named as on the
command line.

    answer = testing.transform(is_large, "price: float64?, item: utf8", [{"price": 99.5, "item": "tea"}])
    assert answer.rows == [{"price": 99.5, "item": "tea"}]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .columns import Batch, build
from .export import operator_of
from .operators import UpdateInput
from .schema import Field, Schema


@dataclass
class Answer:
    """What became of rows: the `rows` that come out, and `rejects`, the input rows that are refused with the reason."""

    rows: list[dict]
    rejects: list[tuple[int, str]]


@dataclass
class Updated:
    """What became of keys: `states`, `None` where the key is forgotten, and `rows` that come out, with their keys."""

    states: list
    rows: list[dict]


def transform(plugin: Any, columns: str, rows: Iterable[dict], config: Any = None) -> Answer:
    """Runs a `map`, `filter` or `flat_map` on rows with these columns."""
    operator, schema, rows = operator_of(plugin), Schema.parse(columns), list(rows)
    plan = operator.open(json.dumps(config), schema)
    batch = _batch(schema.fields, rows)
    output = operator.process(Batch(batch.rows, [batch.columns[index] for index in plan.reads]))
    produced = _rows(plan.produces, output.batch)
    origins = range(len(rows)) if output.origins is None else output.origins
    names = [schema.fields[index].name for index in plan.carries]
    carried = [{name: rows[row].get(name) for name in names} for row in origins]
    return Answer([before | after for before, after in zip(carried, produced)], output.rejects)


def reduce(plugin: Any, columns: str, groups: Iterable[Sequence[dict]], config: Any = None) -> list[dict]:
    """Runs a `reduce` on groups of rows, each of which becomes one."""
    operator, schema = operator_of(plugin), Schema.parse(columns)
    operator.open(json.dumps(config), schema)
    ends, batch = _groups(schema, groups)
    return _rows(schema.fields, operator.reduce(ends, batch))


def subtract(plugin: Any, columns: str, totals: list[dict], groups: Iterable[Sequence[dict]], config: Any = None) -> list[dict]:
    """Runs the inverse of a `reduce`: takes each group of rows out of a total."""
    operator, schema = operator_of(plugin), Schema.parse(columns)
    operator.open(json.dumps(config), schema)
    ends, batch = _groups(schema, groups)
    return _rows(schema.fields, operator.subtract(_batch(schema.fields, totals), ends, batch))


def aggregate(plugin: Any, columns: str, groups: Iterable[Sequence[dict]], config: Any = None) -> list[dict]:
    """Runs an `aggregate`: collects each group of rows in two halves, merges these, and answers what came of it."""
    operator, schema = operator_of(plugin), Schema.parse(columns)
    kept, output = operator.open(json.dumps(config), schema)
    halves, counts = [], []
    for group in groups:
        middle = len(group) // 2
        parts = [part for part in (group[:middle], group[middle:]) if part]
        halves += parts
        counts.append(len(parts))
    ends, batch = _groups(schema, halves)
    collected = operator.accumulate(ends, batch)
    total = operator.merge(_ends(counts), collected)
    return _rows(output, operator.finish(total))


def update_state(
    plugin: Any,
    key: str,
    values: str,
    keys: dict[Any, Sequence[dict]],
    states: dict[Any, Any] | None = None,
    timed_out: Iterable[Any] = (),
    now: int = 0,
    config: Any = None,
) -> Updated:
    """Runs an `update_state` or `map_with_state` on keys with their new rows, by the value of the one key column.

    `states` has the states of keys as `Updated.states` has them, `timed_out` the keys that had no data for too long, and
    `now` is the batch's time, in microseconds since 1970, UTC.
    """
    operator, key_schema, value_schema = operator_of(plugin), Schema.parse(key), Schema.parse(values)
    kept, output = operator.open(json.dumps(config), key_schema, value_schema)
    ends, batch = _groups(value_schema, keys.values())
    name, states, timed_out = key_schema.fields[0].name, states or {}, set(timed_out)
    known = [states.get(value) is not None for value in keys]
    answered = operator.update(
        UpdateInput(
            _batch(key_schema.fields, [{name: value} for value in keys]),
            ends,
            batch,
            _batch([Field(f.name, f.data_type, True) for f in kept], [states.get(value) or {} for value in keys]),
            known,
            [value in timed_out for value in keys],
            now,
        )
    )
    rows = _rows(output, answered.batch)
    order = list(keys)
    return Updated(
        [row if kept else None for row, kept in zip(_rows(kept, answered.states), answered.kept)],
        [{name: order[origin]} | row for origin, row in zip(answered.origins, rows)],
    )


def migrate(
    plugin: Any, key: str, values: str, columns: str, states: Sequence[dict], config: Any = None
) -> list[dict]:
    """Runs the `migrate` of an `update_state` or `map_with_state` on states with these columns, of an earlier version."""
    operator, earlier = operator_of(plugin), Schema.parse(columns)
    kept, _ = operator.open(json.dumps(config), Schema.parse(key), Schema.parse(values))
    return _rows(kept, operator.migrate(earlier, _batch(earlier.fields, states)))


def cogroup(
    plugin: Any, key: str, left: str, right: str, keys: dict[Any, tuple[Sequence[dict], Sequence[dict]]], config: Any = None
) -> list[dict]:
    """Runs a `cogroup` on keys with their rows of both sides, by the value of the one key column."""
    operator = operator_of(plugin)
    schemas = [Schema.parse(text) for text in (key, left, right)]
    fields = operator.open(json.dumps(config), *schemas)
    name = schemas[0].fields[0].name
    left_ends, left_batch = _groups(schemas[1], [sides[0] for sides in keys.values()])
    right_ends, right_batch = _groups(schemas[2], [sides[1] for sides in keys.values()])
    key_batch = _batch(schemas[0].fields, [{name: value} for value in keys])
    batch, origins = operator.process(key_batch, left_ends, left_batch, right_ends, right_batch)
    order = list(keys)
    return [{name: order[origin]} | row for origin, row in zip(origins, _rows(fields, batch))]


def _batch(fields: list[Field], rows: Sequence[dict]) -> Batch:
    return Batch(len(rows), [build(field, [row.get(field.name) for row in rows]) for field in fields])


def _groups(schema: Schema, groups: Iterable[Sequence[dict]]) -> tuple[list[int], Batch]:
    groups = [list(group) for group in groups]
    return _ends(map(len, groups)), _batch(schema.fields, [row for group in groups for row in group])


def _ends(counts: Iterable[int]) -> list[int]:
    ends, end = [], 0
    for count in counts:
        end += count
        ends.append(end)
    return ends


def _rows(fields: list[Field], batch: Batch) -> list[dict]:
    lists = [column.to_list() for column in batch.columns]
    names = [field.name for field in fields]
    return [dict(zip(names, values)) for values in zip(*lists)] if lists else [{} for _ in range(batch.rows)]
