"""`update_state` and `map_with_state`: a function of a key, its new values, and what is kept of it."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, overload

from .columns import Batch, Timestamp
from .config import parse
from .errors import Failure
from .functions import Answer, arguments, attach, config_of
from .migrate import Migrations
from .operators import UpdateInput, UpdateOutput, UpdateState, groups
from .rows import Cell, RowType, cell, strip_optional
from .schema import Field, Schema

S = TypeVar("S")
F = TypeVar("F", bound=Callable)
Earlier = Callable | Sequence[Callable]


class State(Generic[S]):
    """What is kept of a key, in a `map_with_state` function, which leaves it as it is unless it says otherwise.

    A test makes one as it likes: `State(3)` is that of a key that has one, `State()` that of a new key.
    """

    def __init__(self, value: S | None = None, is_timing_out: bool = False):
        self._value, self._removed, self._is_timing_out = value, False, is_timing_out

    @property
    def is_timing_out(self) -> bool:
        """Whether the key had no data for too long: its state may not be changed, and is gone afterwards."""
        return self._is_timing_out

    def get(self) -> S | None:
        """What it is, `None` where there is none."""
        return self._value

    def exists(self) -> bool:
        """Whether there is one."""
        return self._value is not None

    def update(self, value: S) -> None:
        """Makes it `value` from now on."""
        self._check("updated")
        self._value = value

    def remove(self) -> None:
        """Forgets the key."""
        self._check("removed")
        self._value, self._removed = None, True

    def _check(self, act: str) -> None:
        if self._is_timing_out:
            raise Failure(f"the state is {act} while its key times out")
        if self._removed:
            raise Failure(f"the state is {act} after it was removed")


@overload
def update_state(function: F, *, migrate: Earlier = ()) -> F: ...
@overload
def update_state(*, migrate: Earlier = ()) -> Callable[[F], F]: ...
def update_state(function: Callable | None = None, *, migrate: Earlier = ()) -> Any:
    """Called for each key with its new values and its state; answers the state, `None` to forget the key.

    Arguments by name: `values`, `state`, `key`, `now` (the batch's time), and the config by its type. `migrate` is a
    function, or several, that makes a state of one that an earlier version of the plugin kept: plain, or a row of
    exactly the columns that were kept. It is called for each state when a running pipeline is swapped to this version;
    an exception refuses the swap.

        @update_state
        def running_sum(values: Iterable[int], state: int | None) -> int | None:
            return (state or 0) + sum(values)
    """
    return _decorate(function, lambda function: _Update(function, migrate))


@overload
def map_with_state(function: F, *, migrate: Earlier = ()) -> F: ...
@overload
def map_with_state(*, migrate: Earlier = ()) -> Callable[[F], F]: ...
def map_with_state(function: Callable | None = None, *, migrate: Earlier = ()) -> Any:
    """Called for each value of a key, and once without a value where the key timed out.

    It answers any number of rows. Arguments by name: `value`, `state: State[S]`, `key`, `now` (the batch's time), and the
    config by its type. `migrate` is as of `update_state`.

        @map_with_state
        def visits(key: str, value: str | None, state: State[int]) -> Seen | None:
            if state.is_timing_out:
                return None
            state.update((state.get() or 0) + 1)
            return Seen(key, state.get())
    """
    return _decorate(function, lambda function: _Mapping(function, migrate))


def _decorate(function: Callable | None, operator: Callable) -> Any:
    def decorate(function: Callable) -> Callable:
        return attach(function, operator(function))

    return decorate if function is None else decorate(function)


class _Keyed(UpdateState):
    """What the two have in common: arguments by name, and states on their way out."""

    #: The name of the argument with values.
    value_name: str

    def __init__(self, function: Callable, migrate: Earlier):
        self.function, self.migrations = function, Migrations(migrate)
        self.migrates = bool(self.migrations)

    def migrate(self, earlier: Schema, states: Batch) -> Batch:
        return self.migrations.migrate(earlier, states, self.state)

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
        self.migrations.open(self._state_hint())
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
