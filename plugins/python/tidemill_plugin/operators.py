"""The operators on columns: what the decorators make of functions, and what is written by hand for speed.

Each is opened with its config (JSON, `null` where the manifest gives none) and schemas, and answers a plan. After
that it is called with batches. A `Failure` that one raises is told as it is, any other exception with its line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from .columns import Batch
from .schema import Field, Schema


@dataclass
class Plan:
    """What a transform does with the columns of its input."""

    reads: list[int]
    carries: list[int]
    produces: list[Field]


@dataclass
class Output:
    """What became of a batch. Without origins, output row i comes from input row i."""

    batch: Batch
    origins: list[int] | None = None
    rejects: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class UpdateInput:
    """Keys with their new values and states. Values `ends[i - 1]` to `ends[i]` belong to key i."""

    keys: Batch
    ends: list[int]
    values: Batch
    states: Batch
    known: list[bool]
    timed_out: list[bool]
    now: int


@dataclass
class UpdateOutput:
    """The states of the keys, which of them are kept, and rows with the key that each belongs to."""

    states: Batch
    kept: list[bool]
    batch: Batch
    origins: list[int]


class Operator:
    """What a plugin holds one of, for each interface."""

    #: The interface of the contract, as `wit/` names it.
    interface: ClassVar[str]
    #: The folder of the plugin's own code, where the line of an exception is looked for.
    home: str | None = None

    @property
    def interfaces(self) -> list[str]:
        """What a component with it exports."""
        return [self.interface]


class Transform(Operator):
    """Looks at one row at a time, given a batch of them."""

    interface = "transform"

    def open(self, config: str, input: Schema) -> Plan:
        """Called once an instance, before anything else."""
        raise NotImplementedError

    def process(self, input: Batch) -> Output:
        """Called for each block of rows, with the columns of `plan.reads` in that order."""
        raise NotImplementedError


class Reduce(Operator):
    """Combines the values of each key; what comes out may go in again."""

    interface = "reduce"
    #: Whether `subtract` takes values back out.
    invertible = False

    @property
    def interfaces(self) -> list[str]:
        return ["reduce", "inverse"] if self.invertible else ["reduce"]

    def open(self, config: str, values: Schema) -> None:
        """Called once an instance, before anything else."""
        raise NotImplementedError

    def reduce(self, ends: list[int], values: Batch) -> Batch:
        """Answers a row a key, with the schema of the values. No key is without rows."""
        raise NotImplementedError

    def subtract(self, totals: Batch, ends: list[int], values: Batch) -> Batch:
        """Takes the values of key i out of row i of `totals`."""
        raise NotImplementedError


class Aggregate(Operator):
    """Collects the values of each key in an accumulator of another type."""

    interface = "aggregate"

    def open(self, config: str, values: Schema) -> tuple[list[Field], list[Field]]:
        """Answers the columns of accumulators, and those that come out in the end."""
        raise NotImplementedError

    def accumulate(self, ends: list[int], values: Batch) -> Batch:
        """Answers an accumulator a key."""
        raise NotImplementedError

    def merge(self, ends: list[int], accumulators: Batch) -> Batch:
        """Answers an accumulator a key."""
        raise NotImplementedError

    def finish(self, accumulators: Batch) -> Batch:
        """Answers an output row for each accumulator."""
        raise NotImplementedError


class UpdateState(Operator):
    """Keeps something of each key from batch to batch, in the host."""

    interface = "update-state"

    def open(self, config: str, key: Schema, values: Schema) -> tuple[list[Field], list[Field]]:
        """Answers the columns of states, and those of the rows put out."""
        raise NotImplementedError

    def update(self, input: UpdateInput) -> UpdateOutput:
        """Called for blocks of keys."""
        raise NotImplementedError


class Cogroup(Operator):
    """Sees the rows of two streams side by side, key by key."""

    interface = "cogroup"

    def open(self, config: str, key: Schema, left: Schema, right: Schema) -> list[Field]:
        """Answers the columns of the rows put out."""
        raise NotImplementedError

    def process(
        self, keys: Batch, left_ends: list[int], left: Batch, right_ends: list[int], right: Batch
    ) -> tuple[Batch, list[int]]:
        """Answers rows, and the key that each belongs to."""
        raise NotImplementedError


def groups(ends: list[int]) -> zip:
    """Where the rows of each key begin and end."""
    return zip([0, *ends], ends)
