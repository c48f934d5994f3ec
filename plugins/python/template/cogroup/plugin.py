"""What is open of the prices on one side, less the amounts on the other."""

from dataclasses import dataclass

from tidemill_plugin import cogroup


@dataclass
class Open:
    open: float


@cogroup
def open_orders(left: list[float], right: list[float]) -> Open | None:
    rest = sum(left) - sum(right)
    return Open(rest) if rest > 0 else None
