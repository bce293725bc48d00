"""The log that scripts and API clients see: bounded, for ``errorLog``, and passed on to Python's logging."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

LEVELS = ("All", "Trace", "Debug", "Info", "Warning", "Error", "Fatal", "None")
"""OpenSpace's levels in order; the first and the last are thresholds only."""
MAX_MESSAGE = 4000
MAX_UNREAD = 1000

_PYTHON_LEVELS = {"Trace": 5, "Debug": 10, "Info": 20, "Warning": 30, "Error": 40, "Fatal": 50}


@dataclass(frozen=True)
class LogEntry:
    """One line of the log; ``level`` is one of "Trace" … "Fatal"."""

    level: str
    category: str
    message: str
    time: datetime


class Logbook:
    """May be written to from any thread. Lines that are not collected are dropped, oldest first."""

    def __init__(self) -> None:
        self._unread: deque[LogEntry] = deque(maxlen=MAX_UNREAD)
        self._lock = threading.Lock()

    def write(self, level: str, category: str, message: str) -> None:
        """Add a line; an over-long message is cut."""
        if len(message) > MAX_MESSAGE:
            message = message[: MAX_MESSAGE - 1] + "…"
        with self._lock:
            self._unread.append(LogEntry(level, category, message, datetime.now()))
        logging.getLogger(f"openspace.{category}").log(_PYTHON_LEVELS[level], "%s", message.replace("\n", "\\n"))

    def info(self, category: str, message: str) -> None:
        self.write("Info", category, message)

    def warning(self, category: str, message: str) -> None:
        self.write("Warning", category, message)

    def error(self, category: str, message: str) -> None:
        self.write("Error", category, message)

    @property
    def unread(self) -> bool:
        return bool(self._unread)

    def collect(self) -> list[LogEntry]:
        """Everything since the last call."""
        with self._lock:
            entries = list(self._unread)
            self._unread.clear()
        return entries


def reaches(level: str, threshold: str) -> bool:
    """Whether a line of ``level`` is shown where ``threshold`` and above is asked for."""
    return LEVELS.index(level) >= LEVELS.index(threshold)
