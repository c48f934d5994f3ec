"""The mean of prices, through a sum and a count."""

from __future__ import annotations

from dataclasses import dataclass

from tidemill_plugin import aggregate


@dataclass
class Answer:
    mean: float


@aggregate
@dataclass
class Mean:
    sum: float = 0.0
    count: int = 0

    def add(self, price: float) -> None:
        self.sum += price
        self.count += 1

    def merge(self, other: Mean) -> None:
        self.sum += other.sum
        self.count += other.count

    def finish(self) -> Answer:
        return Answer(self.sum / self.count)
