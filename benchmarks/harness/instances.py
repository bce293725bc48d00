"""An instance process for the streaming benchmarks, and processor time of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import psutil

from tests.instance.harness import Bulk, Process, bulk, running

SIZE = (1280, 720)
ENDLESS = 3600
"""Seconds of a flight, so that the picture moves all the time."""


@contextlib.asynccontextmanager
async def moving(engine: str, **more: Any) -> AsyncIterator[tuple[Process, Bulk]]:
    """An instance of 1280x720 whose camera flies as long as the context lasts, and its owner's socket."""
    settings = {"width": SIZE[0], "height": SIZE[1], **more}
    async with running(engine, **settings) as instance, bulk(instance) as owner:
        targets = [target["identifier"] for target in (await owner.ask("targets"))]
        owner.request("fly_to", target="Moon" if "Moon" in targets else targets[0], duration=ENDLESS)
        yield instance, owner


class Meter:
    """Processor time of one process, in percent of a core since the last look."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.look()

    def look(self) -> float:
        times = self._process.cpu_times()
        now, used = time.monotonic(), times.user + times.system
        share = 100 * (used - self._used) / (now - self._at) if hasattr(self, "_at") else 0.0
        self._at, self._used = now, used
        return share
