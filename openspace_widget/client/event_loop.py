"""One background thread with an event loop, so that the same coroutines serve synchronous cells and ``space.aio``.

Users' functions never run on it: they may wait for what it does. Observers of traits have a thread of their own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import cache
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


class BackgroundLoop:
    """An event loop on a daemon thread. Cells wait on it without touching the kernel's own loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.observers = CallThread("openspace-observers")
        self._thread = threading.Thread(target=self.loop.run_forever, name="openspace-widget", daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether this is the loop's own thread."""
        return threading.current_thread() is self._thread

    def check_may_wait(self) -> None:
        """Raises RuntimeError on the loop's own thread, where a call would never end."""
        if self.is_current:
            raise RuntimeError(
                "this call would wait for itself: it was made on the thread that has to answer it. "
                "Make it on another thread, or await the same call of `space.aio`."
            )

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start ``work``; the future belongs to the calling thread's side."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` to its end. An interrupt (Ctrl-C, the stop button) cancels it and is raised here.

        Raises:
            RuntimeError: called on the loop's own thread.
        """
        try:
            self.check_may_wait()
        except RuntimeError:
            work.close()
            raise
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


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


class Latest:
    """Values by name on their way to the observers' thread: of several with one name only the last one arrives."""

    def __init__(self, use: Callable[[dict[str, Any]], None]) -> None:
        self._use = use
        self._waiting: dict[str, Any] = {}
        self._outdated = Counter[str]()
        self._is_due = False
        self._changing = threading.Lock()
        self._using = threading.RLock()

    def put(self, values: dict[str, Any]) -> None:
        """Let ``values`` be used soon; returns at once."""
        with self._changing:
            self._waiting.update({name: value for name, value in values.items() if not self._outdated[name]})
            is_new, self._is_due = not self._is_due, True
        if is_new:
            background().observers.call(self.flush)

    def flush(self) -> None:
        """Use what waits, on this thread."""
        with self._using:
            with self._changing:
                values, self._waiting, self._is_due = self._waiting, {}, False
            if values:
                self._use(values)

    def outdate(self, name: str) -> None:
        """Drop what waits and comes under this name until :meth:`renew` was called as often."""
        with self._changing:
            self._outdated[name] += 1
            self._waiting.pop(name, None)

    def renew(self, name: str) -> None:
        """Take values of this name again."""
        with self._changing:
            self._outdated[name] -= 1

    def is_outdated(self, name: str) -> bool:
        """Whether values of this name are dropped."""
        return self._outdated[name] > 0


@cache
def background() -> BackgroundLoop:
    """The loop all sessions of this process share."""
    return BackgroundLoop()
