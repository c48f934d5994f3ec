"""The words of a line."""

from collections.abc import Iterator
from dataclasses import dataclass

from tidemill_plugin import Reject, flat_map


@dataclass
class Word:
    word: str


@flat_map
def split_words(line: str) -> Iterator[Word]:
    for word in line.split():
        if len(word) > 64:
            raise Reject(f"a word has {len(word)} characters, at most 64 are allowed")
        yield Word(word.lower())
