"""`update_state` and `map_with_state`: a function of a key, its new values, and what is kept of it."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .columns import Batch, Timestamp
from .config import parse
from .errors import Failure
from .functions import Answer, arguments, attach, config_of
from .operators import UpdateInput, UpdateOutput, UpdateState, groups
from .rows import Cell, RowType, cell, strip_optional
from .schema import Field, Schema

S = TypeVar("S")


class State(Generic[S]):
    """What is kept of a key, in a `map_with_state` function, which leaves it as it is unless it says otherwise."""

    def __init__(self, value: S | None = None, is_timing_out: bool = False):
        self._value, self._removed = value, False
        #: Whether the key had no data for too long. It is forgotten after the call.
        self.is_timing_out = is_timing_out

    def get(self) -> S | None:
        """What it is, if there is one."""
        return self._value

    def exists(self) -> bool:
        """Whether there is one."""
        return self._value is not None

    def update(self, value: S) -> None:
        """Makes it `value` from now on."""
        self._check("updated")
        self._value = value

    def remove(self) -> None:
        """Forgets it."""
        self._check("removed")
        self._value, self._removed = None, True

    def _check(self, act: str) -> None:
        if self.is_timing_out:
            raise Failure(f"the state is {act} while its key times out")
        if self._removed:
            raise Failure(f"the state is {act} after it was removed")


def update_state(function: Callable) -> Callable:
    """Answers the state of a key from its new `values` and its `state`; `None` removes it.

    Arguments by name: `values`, `state`, `key`, `now`, and the config by its type.
    """
    return attach(function, _Update(function))


def map_with_state(function: Callable) -> Callable:
    """Called for each record of a key, and once without a value where the key timed out.

    Arguments by name: `value`, `state: State[S]`, `key`, `now`, and the config by its type.
    """
    return attach(function, _Mapping(function))


class _Keyed(UpdateState):
    """What the two have in common: arguments by name, and states on their way out."""

    #: The name of the argument with values.
    value_name: str

    def __init__(self, function: Callable):
        self.function = function

    def _open(self, config: str, key: Schema, values: Schema) -> None:
        hints = self.hints = arguments(self.function)
        named = (self.value_name, "state", "key", "now")
        self.config_name, hint = config_of(hints, named)
        self.config = parse(config, hint)
        for name in hints:
            if name not in named and name != self.config_name:
                known = ", ".join(f"`{name}`" for name in named)
                raise Failure(f"`{name}` is no argument of {self.function.__name__}; there are {known} and the config")
        if "state" not in hints:
            raise Failure(f"{self.function.__name__} has to take `state`")
        self.key = RowType.of(hints["key"], "the key") if "key" in hints else None
        self.key_order = self.key.bind(key, "the key") if self.key else []
        self.value = RowType.of(self._value_hint(), "the value") if self.value_name in hints else None
        self.value_order = self.value.bind(values, "the value") if self.value else []
        self.state = RowType.of(self._state_hint(), "the state")
        now, _ = strip_optional(hints.get("now"))
        self.now: Cell | None = cell(now) if "now" in hints else None

    def _value_hint(self) -> Any:
        raise NotImplementedError

    def _state_hint(self) -> Any:
        raise NotImplementedError

    def _begin(self, input: UpdateInput) -> None:
        self.keys = self.key.read(input.keys, self.key_order) if self.key else [None] * input.keys.rows
        self.values = self.value.read(input.values, self.value_order) if self.value else [None] * input.values.rows
        states = Batch(input.states.rows, [_of_known(column, input.known) for column in input.states.columns])
        self.states = [state if known else None for state, known in zip(self.state.read(states), input.known)]
        self.time = Timestamp(input.now)
        if self.now and self.now.hint is not Timestamp:
            self.time = self.time.datetime()

    def _call(self, key: Any, values: Any, state: Any) -> Any:
        given = {self.value_name: values, "state": state, "key": key, "now": self.time, self.config_name: self.config}
        return self.function(**{name: given[name] for name in self.hints})

    def _finish(self, states: list, batch: Batch, origins: list[int]) -> UpdateOutput:
        kept = [state is not None for state in states]
        self.state.check([state for state in states if state is not None])
        # Built column by column around rows that mean nothing.
        blank = self.state.blank()
        rows = [blank if state is None else state for state in states]
        columns = _Unchecked(self.state).build(rows)
        return UpdateOutput(Batch(len(rows), columns), kept, batch, origins)


class _Unchecked(RowType):
    """The same columns, for rows that were looked at already."""

    def __init__(self, row: RowType):
        super().__init__(row.hint, row.make, row.names, row.cells)

    def check(self, rows: list) -> None:
        pass


def _of_known(column: Any, known: list[bool]) -> Any:
    """A column of states whose rows without a state are not looked at for nulls."""
    if column.valid is None:
        return column
    valid = [valid or not known for valid, known in zip(column.valid, known)]
    return type(column)(column.data_type, column.values, valid)


class _Update(_Keyed):
    value_name = "values"

    def open(self, config: str, key: Schema, values: Schema) -> tuple[list[Field], list[Field]]:
        self._open(config, key, values)
        return self.state.fields, []

    def _value_hint(self) -> Any:
        parts = typing.get_args(self.hints["values"])
        if not parts:
            raise Failure("`values` are any number; write for example `values: list[int]`")
        return parts[0]

    def _state_hint(self) -> Any:
        return strip_optional(self.hints["state"])[0]

    def update(self, input: UpdateInput) -> UpdateOutput:
        self._begin(input)
        states = []
        for index, (start, end) in enumerate(groups(input.ends)):
            if input.timed_out[index] and start == end:
                states.append(None)
            else:
                states.append(self._call(self.keys[index], self.values[start:end], self.states[index]))
        return self._finish(states, Batch(0, []), [])


class _Mapping(_Keyed):
    value_name = "value"

    def open(self, config: str, key: Schema, values: Schema) -> tuple[list[Field], list[Field]]:
        self._open(config, key, values)
        self.answer = Answer(self.function)
        return self.state.fields, self.answer.fields

    def _value_hint(self) -> Any:
        # Without a value is a key that timed out, not a null.
        return strip_optional(self.hints["value"])[0]

    def _state_hint(self) -> Any:
        parts = typing.get_args(self.hints["state"])
        if typing.get_origin(self.hints["state"]) is not State:
            raise Failure("`state` has to be a `State`; write for example `state: State[int]`")
        return parts[0]

    def update(self, input: UpdateInput) -> UpdateOutput:
        self._begin(input)
        states, rows, origins = [], [], []
        for index, (start, end) in enumerate(groups(input.ends)):
            key, kept = self.keys[index], self.states[index]
            if input.timed_out[index] and start == end:
                self.answer.add(self._call(key, None, State(kept, is_timing_out=True)), rows)
                kept = None
            for value in self.values[start:end]:
                state = State(kept)
                self.answer.add(self._call(key, value, state), rows)
                kept = state.get()
            origins.extend([index] * (len(rows) - len(origins)))
            states.append(kept)
        return self._finish(states, self.answer.batch(rows), origins)
