"""Lines of a server's log as requests, and which visitors come back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from tidemill_plugin import Reject, State, map, map_with_state

LINE = re.compile(r'(?P<host>\S+) \S+ \S+ \[(?P<time>[^]]+)\] "(?P<method>\S+) (?P<path>\S+) [^"]*" (?P<status>\d+) (?P<bytes>\d+|-)')


@dataclass
class Request:
    host: str
    at: datetime
    path: str
    status: int
    bytes: int | None


@map
def parse(line: str) -> Request:
    found = LINE.fullmatch(line)
    if not found:
        raise Reject("not a line of a log")
    size = None if found["bytes"] == "-" else int(found["bytes"])
    at = datetime.strptime(found["time"], "%d/%b/%Y:%H:%M:%S %z")
    return Request(found["host"], at, found["path"], int(found["status"]), size)


@dataclass
class Visit:
    at: datetime


@dataclass
class Return:
    visits: int
    seconds: float


@dataclass
class Visitor:
    visits: int
    last: datetime


@map_with_state
def returns(value: Visit | None, state: State[Visitor]) -> Return | None:
    before = state.get()
    if value is None:
        return None
    state.update(Visitor(before.visits + 1 if before else 1, value.at))
    if before is None:
        return None
    return Return(before.visits + 1, (value.at - before.last).total_seconds())
