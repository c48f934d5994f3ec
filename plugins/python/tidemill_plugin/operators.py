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
    """What a transform does with the columns of its input.

    `reads` are the input columns that `process` is given, and `carries` those that stand in the output before what is
    produced, both by index. `produces` are the columns that `process` answers.
    """

    reads: list[int]
    carries: list[int]
    produces: list[Field]


@dataclass
class Output:
    """What became of a batch.

    `batch` holds the rows that come out. `origins` has the input row that each comes from; without, output row i comes
    from input row i. `rejects` are the input rows that are refused, each with its reason.
    """

    batch: Batch
    origins: list[int] | None = None
    rejects: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class UpdateInput:
    """Keys to update, with their new values and their states.

    `keys` has a row a key. Rows `ends[i - 1]` to `ends[i]` of `values` (from 0 where i is 0) are the new values of key
    i, of which there may be none; `ends` has an entry a key. `states` has a row a key, which means nothing where `known` is
    false. `timed_out` says whether a key had no data for too long. `now` is the batch's time, in microseconds since 1970,
    UTC.
    """

    keys: Batch
    ends: list[int]
    values: Batch
    states: Batch
    known: list[bool]
    timed_out: list[bool]
    now: int


@dataclass
class UpdateOutput:
    """What became of keys.

    `states` has a row a key, which means nothing where `kept` is false: that key is forgotten. `batch` holds the rows
    that come out, `origins` the key that each belongs to, by its index.
    """

    states: Batch
    kept: list[bool]
    batch: Batch
    origins: list[int]


class Operator:
    """What a plugin has one of each kind of at most: the base of `Transform`, `Reduce` and so on."""

    #: The interface of the contract, as `wit/` names it.
    interface: ClassVar[str]
    #: The folder of the plugin's own code, where the line of an exception is looked for.
    home: str | None = None

    @property
    def interfaces(self) -> list[str]:
        """What a component with it exports."""
        return [self.interface]


class Transform(Operator):
    """A transform on whole columns: any number of rows out for each row in."""

    interface = "transform"

    def open(self, config: str, input: Schema) -> Plan:
        """Called once, before anything else, with the config as JSON and the columns of the stream."""
        raise NotImplementedError

    def process(self, input: Batch) -> Output:
        """Called for each block of rows, with the columns of `plan.reads` in that order."""
        raise NotImplementedError


class Reduce(Operator):
    """A reduce on whole columns: combines the values of each key to one. What comes out may go in again."""

    interface = "reduce"
    #: Whether `subtract` takes values back out.
    invertible = False

    @property
    def interfaces(self) -> list[str]:
        return ["reduce", "inverse"] if self.invertible else ["reduce"]

    def open(self, config: str, values: Schema) -> None:
        """Called once, before anything else, with the config as JSON and the columns of the values."""
        raise NotImplementedError

    def reduce(self, ends: list[int], values: Batch) -> Batch:
        """Answers a row a key, with the columns of the values, of which each key has one at least.

        Rows `ends[i - 1]` to `ends[i]` of `values` (from 0 where i is 0) belong to key i.
        """
        raise NotImplementedError

    def subtract(self, totals: Batch, ends: list[int], values: Batch) -> Batch:
        """Takes the values of key i out of row i of `totals` again; called where `invertible` is true."""
        raise NotImplementedError


class Aggregate(Operator):
    """An aggregation on whole columns: collects the values of each key in an accumulator, of which a row is made."""

    interface = "aggregate"

    def open(self, config: str, values: Schema) -> tuple[list[Field], list[Field]]:
        """Called once, before anything else; answers the columns of accumulators, and those that come out."""
        raise NotImplementedError

    def accumulate(self, ends: list[int], values: Batch) -> Batch:
        """Answers an accumulator a key, of rows `ends[i - 1]` to `ends[i]` of `values`."""
        raise NotImplementedError

    def merge(self, ends: list[int], accumulators: Batch) -> Batch:
        """Answers an accumulator a key, of rows `ends[i - 1]` to `ends[i]` of `accumulators`."""
        raise NotImplementedError

    def finish(self, accumulators: Batch) -> Batch:
        """Answers the row that comes out for each accumulator."""
        raise NotImplementedError


class UpdateState(Operator):
    """Keyed state on whole columns: the host keeps the state of each key from batch to batch."""

    interface = "update-state"
    #: Whether `migrate` takes over the states of earlier versions.
    migrates = False

    @property
    def interfaces(self) -> list[str]:
        return ["update-state", "migrate-state"] if self.migrates else ["update-state"]

    def open(self, config: str, key: Schema, values: Schema) -> tuple[list[Field], list[Field]]:
        """Called once, before anything else; answers the columns of states, and those that come out."""
        raise NotImplementedError

    def update(self, input: UpdateInput) -> UpdateOutput:
        """Called for blocks of keys; answers what became of each."""
        raise NotImplementedError

    def migrate(self, earlier: Schema, states: Batch) -> Batch:
        """Answers a state for each of `states`, which an earlier version kept with the columns `earlier`.

        Called where `migrates` is true, when a running pipeline is swapped to this version; an exception refuses the swap.
        """
        raise NotImplementedError


class Cogroup(Operator):
    """A cogroup on whole columns: keys with their rows of two streams, either of which may have none."""

    interface = "cogroup"

    def open(self, config: str, key: Schema, left: Schema, right: Schema) -> list[Field]:
        """Called once, before anything else; answers the columns that come out."""
        raise NotImplementedError

    def process(
        self, keys: Batch, left_ends: list[int], left: Batch, right_ends: list[int], right: Batch
    ) -> tuple[Batch, list[int]]:
        """Answers the rows that come out, and the key that each belongs to, by its index.

        Rows `left_ends[i - 1]` to `left_ends[i]` of `left` (from 0 where i is 0) belong to key i, and likewise of `right`.
        """
        raise NotImplementedError


def groups(ends: list[int]) -> zip:
    """Where the rows of each key begin and end."""
    return zip([0, *ends], ends)
