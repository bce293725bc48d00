"""Playback of a series of frames at a rate. Background loop only."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from openspace_server.protocols.points import ALL, LATEST
from openspace_widget.errors import PointsError
from openspace_widget.points import inputs
from openspace_widget.points.cloud import Cloud, Sent
from openspace_widget.points.encode import Prepared

_END = object()
IN_FLIGHT = 2
"""Frames under way at a time: one in transit, one being drawn."""


@dataclass(frozen=True)
class Played:
    """Outcome of a playback. ``late`` frames began more than one interval after their time; ``dropped`` ones were
    replaced by newer ones; ``hz`` is the rate that was reached."""

    frames: int
    shown: int
    dropped: int
    late: int
    seconds: float
    hz: float


async def play(cloud: Cloud, frames: Any, hz: float, keep: str) -> Played:
    """One frame every ``1 / hz`` seconds. See :meth:`Points.play`."""
    if keep not in (ALL, LATEST):
        raise PointsError(f"keep: expected {ALL!r} or {LATEST!r}, got {keep!r}")
    if not 0 < hz <= 1000:
        raise PointsError(f"hz: expected frames per second, above 0, got {hz!r}")
    room = asyncio.Semaphore(IN_FLIGHT)
    under_way: set[asyncio.Task[Sent]] = set()
    shown = overtaken = late = count = 0
    began = time.monotonic()
    waiting: Any = None

    async def one(prepared: Prepared) -> Sent:
        try:
            return await cloud.send(prepared)
        finally:
            room.release()

    def tally() -> None:
        """Count the frames that are done. Raises the problem of one that failed."""
        nonlocal shown, overtaken
        for task in [task for task in under_way if task.done()]:
            under_way.discard(task)
            if task.result().shown:
                shown += 1
            else:
                overtaken += 1

    try:
        # On a thread: the source may take its time, or call the session.
        source = await asyncio.to_thread(inputs.each_frame, frames)
        while (item := await asyncio.to_thread(next, source, _END)) is not _END:
            due = began + count / hz
            count += 1
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if keep == LATEST and room.locked():
                overtaken, waiting = overtaken + 1, item
                continue
            await room.acquire()
            late += time.monotonic() > due + 1 / hz
            prepared = await asyncio.to_thread(_prepare, cloud, item, keep)
            waiting = None
            under_way.add(cloud.start(one(prepared)))
            tally()
        if waiting is not None:
            # The last frame is the one to end with.
            await room.acquire()
            overtaken -= 1
            under_way.add(cloud.start(one(await asyncio.to_thread(_prepare, cloud, waiting, keep))))
        if under_way:
            await asyncio.wait(under_way)
        tally()
    finally:
        for task in under_way:
            task.cancel()
    seconds = max(time.monotonic() - began, 1 / hz)
    return Played(count, shown, overtaken, late, seconds, shown / seconds)


def _prepare(cloud: Cloud, item: Any, keep: str) -> Prepared:
    xyz, values, colors = _columns(item)
    return cloud.prepare(xyz, values, colors, keep)


def _columns(item: Any) -> tuple[Any, Any, Any]:
    """``xyz``, ``(xyz, values)`` or ``{"xyz", "values", "colors"}``."""
    if isinstance(item, dict):
        unknown = set(item) - {"xyz", "values", "colors"}
        if unknown:
            raise PointsError(f"frames: expected xyz, values and colors, got {', '.join(map(repr, sorted(unknown)))}")
        return item.get("xyz"), item.get("values"), item.get("colors")
    if isinstance(item, tuple) and len(item) == 2:
        return item[0], item[1], None
    return item, None, None
