"""One background thread with an event loop, so that the same coroutines serve synchronous cells and ``space.aio``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """An event loop on a daemon thread. Cells wait on it without touching the kernel's own loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="openspace-widget", daemon=True).start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start ``work``; the future belongs to the calling thread's side."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` to its end. An interrupt (Ctrl-C, the stop button) cancels it and is raised here."""
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


@cache
def background() -> BackgroundLoop:
    """The loop all sessions of this process share."""
    return BackgroundLoop()
