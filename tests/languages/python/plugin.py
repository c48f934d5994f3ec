"""The operators of the cases that every language passes; tests/plugins/case_* are the same in Rust."""

from __future__ import annotations

from dataclasses import dataclass

from tidemill_plugin import Reject, State, Timestamp, aggregate, cogroup, flat_map, map_with_state, reduce


@dataclass
class All:
    b: bool | None
    i: int | None
    f: float | None
    s: str | None
    y: bytes | None
    t: Timestamp | None


@dataclass
class Config:
    tag: str = ""


@flat_map
def all_types(
    b: bool | None, i: int | None, f: float | None, s: str | None, y: bytes | None, t: Timestamp | None, config: Config
) -> list[All]:
    if s == "refuse":
        raise Reject("the row is refused")
    if s == "fail":
        raise RuntimeError("the function fails")
    times = {"nothing": 0, "twice": 2}.get(s, 1)
    return [All(b, i, f, None if s is None else config.tag + s, y, t)] * times


@dataclass
class Values:
    least: int
    total: float
    first: str | None


@reduce
def combine(a: Values, b: Values) -> Values:
    if a.least == 13 and b.least == 13:
        raise Reject("13 twice")
    return Values(min(a.least, b.least), a.total + b.total, b.first if a.first is None else a.first)


@dataclass
class Span:
    first: Timestamp
    micros: int
    count: int


@aggregate
@dataclass
class Collected:
    first: Timestamp = Timestamp(0)
    last: Timestamp = Timestamp(0)
    count: int = 0

    def add(self, time: Timestamp) -> None:
        self.merge(Collected(time, time, 1))

    def merge(self, other: Collected) -> None:
        self.first = other.first if self.count == 0 else min(self.first, other.first)
        self.last = other.last if self.count == 0 else max(self.last, other.last)
        self.count += other.count

    def finish(self) -> Span:
        return Span(self.first, self.last - self.first, self.count)


@dataclass
class Value:
    n: int
    note: str | None


@dataclass
class Kept:
    sum: int
    last: str | None


@dataclass
class Sum:
    sum: int
    at: Timestamp


@dataclass
class Total:
    total: float
    note: str | None


def from_sum(sum: int) -> Kept:
    if sum < 0:
        raise Reject(f"the sum {sum} is negative")
    return Kept(sum, None)


def from_total(earlier: Total) -> Kept:
    return Kept(int(earlier.total), earlier.note)


@map_with_state(migrate=[from_sum, from_total])
def add_up(key: str, value: Value | None, state: State[Kept], now: Timestamp) -> Sum | None:
    before = state.get() or Kept(0, None)
    if value is None:
        return Sum(before.sum, now)
    if value.n == 0:
        state.remove()
        return None
    if value.n == 13:
        raise Reject(f"13 at {key}")
    total = before.sum + value.n
    state.update(Kept(total, before.last if value.note is None else value.note))
    return Sum(total, now)


@dataclass
class Pair:
    sum: int
    text: str | None


@cogroup
def beside(left: list[int], right: list[str]) -> list[Pair]:
    total = sum(left)
    return [Pair(total, text) for text in right or [None]]
