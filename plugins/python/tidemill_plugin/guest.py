"""The plugin inside its component: what the host calls, and what it hears. Imported in WebAssembly alone.

Columns cross as they are; nothing here looks at rows. No exception may leave as a trap, which loses its words.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from componentize_py_types import Err
from wit_world.imports import host as wit_host
from wit_world.imports import types

from . import host, operators, preload  # noqa: F401
from .columns import Batch, Column, Varlen
from .errors import explain
from .export import operators_of
from .schema import DataType, Field, Schema

_TYPES = {kind: getattr(types.DataType, kind.name) for kind in DataType}
_KINDS = {theirs: ours for ours, theirs in _TYPES.items()}
_VALUES = {kind: getattr(types, f"Values_{kind.name.capitalize()}") for kind in DataType}
_KIND_OF = {theirs: ours for ours, theirs in _VALUES.items()}

_exported: dict[str, operators.Operator] = {}


class _Host:
    def log(self, level: host.Level, message: str) -> None:
        wit_host.log(getattr(wit_host.Level, level.name), message)

    def count(self, name: str, delta: int) -> None:
        wit_host.count(name, delta)


def install(module: ModuleType) -> None:
    """Makes `module` the plugin."""
    _exported.update(operators_of(module))


def _answer(interface: str, act: Callable[[Any], Any]) -> Any:
    operator = _exported[interface]
    try:
        return act(operator)
    except BaseException as error:
        # Such as SystemExit too, which would end the instance.
        raise Err(explain(error, operator.home)) from None


def _open(interface: str, act: Callable[[Any], Any]) -> Any:
    host.connect(_Host())
    return _answer(interface, act)


def _schema(fields: list) -> Schema:
    return Schema(Field(field.name, _KINDS[field.data_type], field.nullable) for field in fields)


def _fields(fields: list[Field]) -> list:
    return [types.Field(field.name, _TYPES[field.data_type], field.nullable) for field in fields]


def _take(batch: Any) -> Batch:
    return Batch(batch.rows, [_take_column(column) for column in batch.columns])


def _take_column(column: Any) -> Column:
    kind, values = _KIND_OF[type(column.values)], column.values.value
    if kind in (DataType.UTF8, DataType.BINARY):
        values = Varlen(values.offsets, values.data)
    return Column(kind, values, column.valid)


def _give(batch: Batch) -> Any:
    return types.Batch(batch.rows, [_give_column(column) for column in batch.columns])


def _give_column(column: Column) -> Any:
    values = column.values
    if isinstance(values, Varlen):
        values = types.Varlen(list(values.offsets), bytes(values.data))
    return types.Column(_VALUES[column.data_type](values), column.valid)


class Transform:
    def open(self, config, input):
        from wit_world.exports.transform import Plan

        plan = _open("transform", lambda operator: operator.open(config, _schema(input)))
        return Plan(plan.reads, plan.carries, _fields(plan.produces))

    def process(self, input):
        from wit_world.exports.transform import Output

        output = _answer("transform", lambda operator: operator.process(_take(input)))
        rejects = [types.Reject(row, reason) for row, reason in output.rejects]
        return Output(_give(output.batch), output.origins, rejects)


class Reduce:
    def open(self, config, value):
        _open("reduce", lambda operator: operator.open(config, _schema(value)))

    def reduce(self, ends, values):
        return _give(_answer("reduce", lambda operator: operator.reduce(ends, _take(values))))


class Inverse:
    def subtract(self, totals, ends, values):
        return _give(_answer("inverse", lambda operator: operator.subtract(_take(totals), ends, _take(values))))


class Aggregate:
    def open(self, config, value):
        from wit_world.exports.aggregate import Plan

        kept, output = _open("aggregate", lambda operator: operator.open(config, _schema(value)))
        return Plan(_fields(kept), _fields(output))

    def accumulate(self, ends, values):
        return _give(_answer("aggregate", lambda operator: operator.accumulate(ends, _take(values))))

    def merge(self, ends, accumulators):
        return _give(_answer("aggregate", lambda operator: operator.merge(ends, _take(accumulators))))

    def finish(self, accumulators):
        return _give(_answer("aggregate", lambda operator: operator.finish(_take(accumulators))))


class UpdateState:
    def open(self, config, key, value):
        from wit_world.exports.update_state import Plan

        kept, output = _open("update-state", lambda operator: operator.open(config, _schema(key), _schema(value)))
        return Plan(_fields(kept), _fields(output))

    def update(self, input):
        from wit_world.exports.update_state import Output

        given = operators.UpdateInput(
            _take(input.keys), input.ends, _take(input.values), _take(input.states), input.known, input.timed_out, input.now
        )
        output = _answer("update-state", lambda operator: operator.update(given))
        return Output(_give(output.states), output.kept, _give(output.batch), output.origins)


class MigrateState:
    def migrate(self, earlier, states):
        return _give(_answer("migrate-state", lambda operator: operator.migrate(_schema(earlier), _take(states))))


class Cogroup:
    def open(self, config, key, left, right):
        schemas = [_schema(part) for part in (key, left, right)]
        return _fields(_open("cogroup", lambda operator: operator.open(config, *schemas)))

    def process(self, keys, left_ends, left, right_ends, right):
        from wit_world.exports.cogroup import Output

        batch, origins = _answer(
            "cogroup",
            lambda operator: operator.process(_take(keys), left_ends, _take(left), right_ends, _take(right)),
        )
        return Output(_give(batch), origins)
