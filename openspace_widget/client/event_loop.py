"""Background event loop, and the bridges to it from cells and from other event loops.

Sessions, sockets and requests live on the background loop. Synchronous methods use :func:`run` and :func:`iterate`,
those of ``space.aio`` :func:`elsewhere` and :func:`iterate_elsewhere`; both sides share the coroutines. Users'
functions never run on the loop, since they may wait for it: observers of traits have a thread of their own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

from openspace_widget.client.call_thread import CallThread

T = TypeVar("T")


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


@cache
def background() -> BackgroundLoop:
    """The loop all sessions of this process share."""
    return BackgroundLoop()


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, run on the background loop while this thread waits."""
    return background().run(work)


async def elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, run on the background loop while the caller's loop continues."""
    return await asyncio.wrap_future(background().submit(work))


def iterate(source: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """The items of ``source``, produced on the background loop; it is closed when the iteration is."""
    try:
        while True:
            try:
                item = run(_next(source))
            except StopAsyncIteration:
                return
            yield item
    finally:
        run(_close(source))


async def iterate_elsewhere(source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The items of ``source``, produced on the background loop; it is closed when the iteration is."""
    try:
        while True:
            try:
                item = await elsewhere(_next(source))
            except StopAsyncIteration:
                return
            yield item
    finally:
        # Also when the caller's loop is ending: nothing of it is needed for this.
        background().submit(_close(source))


async def _next(source: AsyncGenerator[T, None]) -> T:
    return await anext(source)


async def _close(source: AsyncGenerator[T, None]) -> None:
    await source.aclose()
