"""Long work on the draw thread, in parts between which frames can be drawn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest

from openspace_server.instance.drawing.time_slices import SLICE, in_parts


class Loop:
    """A draw loop that runs commands at once, and counts them."""

    def __init__(self) -> None:
        self.commands = 0

    async def call(self, command: Callable[[Any, float], Any]) -> Any:
        self.commands += 1
        await asyncio.sleep(0)
        return command("engine", 1.0)


def parts(count: int, seconds: float, ended: list[bool]) -> Generator[None, None, str]:
    try:
        for _ in range(count):
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                pass
            yield
        return "done"
    finally:
        ended.append(True)


@pytest.mark.parametrize(("count", "seconds", "commands"), [(50, 0.0, 1), (3, 2 * SLICE, 4)])
def test_parts_run_together_as_far_as_they_fit_into_a_slice(count: int, seconds: float, commands: int) -> None:
    loop = Loop()
    assert asyncio.run(in_parts(loop, lambda engine, now: parts(count, seconds, []))) == "done"  # type: ignore[arg-type]
    assert loop.commands == commands


def test_what_a_part_raises_is_raised() -> None:
    def broken() -> Generator[None, None, str]:
        yield
        raise ValueError("no such camera")

    with pytest.raises(ValueError, match="no such camera"):
        asyncio.run(in_parts(Loop(), lambda engine, now: broken()))  # type: ignore[arg-type]


def test_work_that_is_cancelled_is_closed() -> None:
    ended: list[bool] = []

    class Held(Loop):
        calls: list[Callable[[Any, float], Any]] = []  # noqa: RUF012

        def call(self, command: Callable[[Any, float], Any]) -> Any:
            self.calls.append(command)
            if len(self.calls) == 1:
                return super().call(command)
            return asyncio.get_running_loop().create_future()

    async def scenario() -> None:
        loop = Held()
        work = asyncio.create_task(in_parts(loop, lambda engine, now: parts(9, 2 * SLICE, ended)))  # type: ignore[arg-type]
        while len(loop.calls) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.wait([work])
        assert not ended
        loop.calls[-1]("engine", 2.0)

    asyncio.run(scenario())
    assert ended == [True]
