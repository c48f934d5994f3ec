"""The word count of the benchmarks, in Python: split, as rows, and a sum."""

from collections.abc import Iterator
from typing import NamedTuple

from tidemill_plugin import flat_map, reduce


class Word(NamedTuple):
    word: str
    n: int


@flat_map
def split_words(line: str) -> Iterator[Word]:
    for word in line.split():
        yield Word(word, 1)


@reduce
def add(a: int, b: int) -> int:
    return a + b
