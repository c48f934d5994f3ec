"""Which operators a module exports: those that the decorators marked, one for each interface."""

from __future__ import annotations

from types import ModuleType
from typing import Any, TypeVar

from .errors import Failure
from .functions import attach
from .operators import Operator

O = TypeVar("O", bound=Operator)


def export(kind: type[O]) -> type[O]:
    """Makes a plugin of a class that implements `Transform`, `Reduce`, `Aggregate`, `UpdateState` or `Cogroup` on columns.

        @export
        class Even(Transform):
            def open(self, config, input):
                return Plan([input.want("n", DataType.INT64)], input.all_but([]), [])

            def process(self, input):
                kept = [row for row, n in enumerate(input.columns[0].values) if n % 2 == 0]
                return Output(Batch(len(kept), []), kept)
    """
    return attach(kind, kind())


def operator_of(thing: Any) -> Operator:
    """The operator that a decorator made of a function or class."""
    operator = getattr(thing, "__tidemill__", None)
    if not isinstance(operator, Operator):
        raise Failure(f"{getattr(thing, '__name__', thing)} is no plugin; a decorator such as `@map` makes it one")
    return operator


def operators_of(module: ModuleType) -> dict[str, Operator]:
    """The operators that a module defines, by interface."""
    found: dict[str, Operator] = {}
    for name, thing in vars(module).items():
        operator = getattr(thing, "__tidemill__", None)
        if not isinstance(operator, Operator) or getattr(thing, "__module__", None) != module.__name__:
            continue
        if operator in found.values():
            continue
        for interface in operator.interfaces:
            if interface in found:
                raise Failure(f"{name} is the second {interface} of {module.__name__}; put it into a module of its own")
            found[interface] = operator
    if not found:
        raise Failure(f"{module.__name__} holds no plugin; put a decorator such as `@map` on a function of it")
    return found
