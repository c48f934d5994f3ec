"""The higher of two prices; associative and commutative, as a reducer has to be."""

from tidemill_plugin import reduce


@reduce
def highest(a: float, b: float) -> float:
    return max(a, b)
