"""Thread that makes calls of users' functions in order."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

log = logging.getLogger(__name__)


class CallThread:
    """A daemon thread that makes calls one after the other, in order. What one raises is logged."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether this is that thread."""
        return threading.current_thread() is self._thread

    def call(self, function: Callable[[], Any]) -> None:
        """Call ``function`` after those that wait already; returns at once."""
        self._calls.put(function)

    def _run(self) -> None:
        while True:
            function = self._calls.get()
            try:
                function()
            except BaseException:
                log.exception("a call on the thread %s failed", self._thread.name)
            del function  # an idle thread keeps no object alive
