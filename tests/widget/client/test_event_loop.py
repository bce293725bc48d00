"""Bridges to the background loop: results, errors, cancellation, and iteration from both sides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator

import pytest

from openspace_widget.client.event_loop import background, elsewhere, iterate, iterate_elsewhere, run


async def thread_name() -> str:
    return threading.current_thread().name


async def fail() -> None:
    raise LookupError("no such thing")


class Numbers:
    """An asynchronous source that knows whether it was closed, and where it ran."""

    def __init__(self) -> None:
        self.threads: set[str] = set()
        self.closed = threading.Event()

    async def upto(self, count: int) -> AsyncGenerator[int, None]:
        try:
            for number in range(count):
                self.threads.add(await thread_name())
                yield number
        finally:
            self.closed.set()


def test_both_bridges_run_on_the_background_thread() -> None:
    assert run(thread_name()) == "openspace-widget"
    assert asyncio.run(elsewhere(thread_name())) == "openspace-widget"


def test_both_bridges_raise_what_the_work_raises() -> None:
    with pytest.raises(LookupError, match="no such thing"):
        run(fail())
    with pytest.raises(LookupError, match="no such thing"):
        asyncio.run(elsewhere(fail()))


def test_cancelling_the_caller_cancels_the_work() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def scenario() -> None:
        task = asyncio.create_task(elsewhere(work()))
        assert await asyncio.to_thread(begun.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert cancelled.wait(10)


def test_iteration_ends_with_the_source() -> None:
    numbers = Numbers()
    assert list(iterate(numbers.upto(3))) == [0, 1, 2]
    assert numbers.threads == {"openspace-widget"}
    assert numbers.closed.is_set()


def test_leaving_an_iteration_closes_the_source() -> None:
    numbers = Numbers()
    source = iterate(numbers.upto(3))
    assert next(source) == 0
    assert not numbers.closed.is_set()
    source.close()
    assert numbers.closed.is_set()


def test_asynchronous_iteration_does_the_same() -> None:
    numbers, left = Numbers(), Numbers()

    async def scenario() -> list[int]:
        async for number in iterate_elsewhere(left.upto(3)):
            assert number == 0
            break
        return [number async for number in iterate_elsewhere(numbers.upto(3))]

    assert asyncio.run(scenario()) == [0, 1, 2]
    assert numbers.threads == {"openspace-widget"}
    assert numbers.closed.wait(10)
    assert left.closed.wait(10)


def test_waiting_on_the_loops_own_thread_is_refused() -> None:
    async def wait_for_itself() -> None:
        run(thread_name())

    with pytest.raises(RuntimeError) as refused:
        background().submit(wait_for_itself()).result(10)
    assert str(refused.value) == (
        "this call would wait for itself: it was made on the thread that has to answer it. "
        "Make it on another thread, or await the same call of `space.aio`."
    )
