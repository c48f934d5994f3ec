"""One operator of each kind, for the tests beside it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tidemill_plugin import (
    Reject,
    State,
    aggregate,
    cogroup,
    filter,
    flat_map,
    map,
    map_with_state,
    reduce,
    update_state,
)


@dataclass
class Word:
    word: str
    n: int


@dataclass
class Limits:
    most: int = 64


@flat_map
def split_words(line: str, limits: Limits) -> Iterator[Word]:
    for word in line.split():
        if len(word) > limits.most:
            raise Reject(f"a word has {len(word)} characters, at most {limits.most} are allowed")
        yield Word(word, 1)


class Total(NamedTuple):
    total: float


@map(carry=True)
def total(price: float, amount: int | None) -> Total:
    if amount is None:
        raise Reject("no amount")
    return Total(price * amount)


@filter
def is_large(price: float, config: dict) -> bool:
    return price > config["limit"]


def subtract(total: int, b: int) -> int:
    return total - b


@reduce(inverse=subtract)
def add(a: int, b: int) -> int:
    return a + b


@dataclass
class Span:
    last: int
    first: int


@reduce
def widen(a: Span, b: Span) -> Span:
    return Span(first=min(a.first, b.first), last=max(a.last, b.last))


@dataclass
class Answer:
    mean: float


@aggregate
@dataclass
class Mean:
    sum: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.sum += value
        self.count += 1

    def merge(self, other: "Mean") -> None:
        self.sum += other.sum
        self.count += other.count

    def finish(self) -> Answer:
        return Answer(self.sum / self.count)


@update_state
def running_sum(values: Iterable[int], state: int | None) -> int | None:
    total = (state or 0) + sum(values)
    return total or None


@dataclass
class Stats:
    sum: int
    count: int


@dataclass
class OldStats:
    total: int
    note: str | None


def from_sum(sum: int) -> Stats:
    if sum < 0:
        raise Reject(f"the sum {sum} is negative")
    return Stats(sum, 1)


def from_old(old: OldStats) -> Stats:
    return Stats(old.total, 0 if old.note is None else 1)


@update_state(migrate=[from_sum, from_old])
def stats(values: Iterable[int], state: Stats | None) -> Stats | None:
    before = state or Stats(0, 0)
    return Stats(before.sum + sum(values), before.count + 1)


@dataclass
class Seen:
    visits: int
    at: datetime


@map_with_state
def visits(key: str, value: str | None, state: State[int], now: datetime) -> Seen | None:
    times = (state.get() or 0) + 1
    if state.is_timing_out or key == "robot":
        return None
    if value == "/logout":
        state.remove()
    else:
        state.update(times)
    return Seen(times, now)


@dataclass
class Open:
    open: float


@cogroup
def open_bills(left: list[float], right: list[float]) -> Open | None:
    rest = sum(left) - sum(right)
    return Open(rest) if rest > 0 else None
