"""The host's log and metrics. Natively, lines go to Python's `logging` and counts to `counts`."""

from __future__ import annotations

import logging
from collections import Counter
from enum import Enum

#: What was counted natively, by name.
counts: Counter[str] = Counter()


class Level(Enum):
    """How much a line of the log matters: `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR`."""

    TRACE = 5
    DEBUG = logging.DEBUG
    INFO = logging.INFO
    WARN = logging.WARNING
    ERROR = logging.ERROR


class _Native:
    """What stands for the host where there is none."""

    def log(self, level: Level, message: str) -> None:
        logging.getLogger("tidemill").log(level.value, "%s", message)

    def count(self, name: str, delta: int) -> None:
        counts[name] += delta


host = _Native()


def log(level: Level, message: str) -> None:
    """Writes a line to the host's log. Python's `logging` and `print` do so as well.

        log(Level.WARN, "no price for tea")
    """
    host.log(level, message)


def count(name: str, delta: int = 1) -> None:
    """Adds `delta` to the counter `name` of this operator in the host's metrics."""
    host.count(name, delta)


def connect(to) -> None:
    """Lets another host hear, and Python's `logging` with it."""
    global host
    host = to
    root = logging.getLogger()
    root.handlers[:] = [_Handler()]
    root.setLevel(logging.DEBUG)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        reached = [level for level in Level if level.value <= record.levelno]
        host.log(reached[-1] if reached else Level.TRACE, self.format(record))
