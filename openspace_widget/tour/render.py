"""A tour frame by frame: as arrays, and encoded into a file."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from os import PathLike
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from openspace_widget.client.event_loop import background
from openspace_widget.client.mixin import pulled
from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.client.session import Session
from openspace_widget.errors import ArgumentError
from openspace_widget.frames import frame as pictures
from openspace_widget.frames.frame import AHEAD, Frame
from openspace_widget.frames.mixin import checked_size
from openspace_widget.frames.video import Quality, Video, open_writer, target
from openspace_widget.tour.playback import arrive
from openspace_widget.tour.route import Route

if TYPE_CHECKING:
    from openspace_widget.tour.tour import Tour

AT_ONCE = 120
"""Frames whose cameras are found together."""


def checked_rate(fps: Any) -> float:
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps <= 240:
        raise ArgumentError(f"fps: expected frames per second, above 0 to 240, got {fps!r}")
    return float(fps)


async def frames(
    session: Session,
    program: OpenSpaceApi,
    tour: Tour,
    fps: float,
    size: tuple[int, int] | None,
    antialias: int,
    format: str,
) -> AsyncGenerator[Frame, None]:
    """The frames of ``tour``, some of them asked for ahead."""
    size = None if size is None else checked_size(size)
    route = await tour.planned(session)
    async with aclosing(drawn(session, program, route, checked_rate(fps), size, antialias, format)) as source:
        async for header, pixels in source:
            yield Frame(pixels, header)


async def drawn(
    session: Session,
    program: OpenSpaceApi,
    route: Route,
    fps: float,
    size: tuple[int, int] | None,
    antialias: int,
    format: str,
) -> AsyncGenerator[tuple[dict[str, Any], np.ndarray], None]:
    """Header and pixels of each frame. What a stop does on arrival is done between the frames before and after."""
    pending: deque[asyncio.Task[tuple[np.ndarray, dict[str, Any]]]] = deque()
    times, reached = route.times(fps), 0
    try:
        for begin in range(0, len(times), AT_ONCE):
            for moment in await route.moments(session, times[begin : begin + AT_ONCE]):
                while reached < len(route.stops) and route.schedule.arrive[reached] <= moment.seconds + 1e-9:
                    stop = route.stops[reached]
                    reached += 1
                    if stop.properties or stop.lua:
                        while pending:
                            pixels, header = await pending.popleft()
                            yield header, pixels
                        await arrive(program, stop)
                wanted = pictures.request(size, antialias, moment.time, moment.camera, format=format)
                pending.append(asyncio.create_task(pictures.grab(session, wanted)))
                if len(pending) >= AHEAD:
                    pixels, header = await pending.popleft()
                    yield header, pixels
        while pending:
            pixels, header = await pending.popleft()
            yield header, pixels
    finally:
        for task in pending:
            task.cancel()


def render(
    session: Session,
    program: OpenSpaceApi,
    tour: Tour,
    path: str | PathLike[str],
    fps: float,
    size: tuple[int, int],
    antialias: int,
    quality: Quality,
    progress: bool,
    overwrite: bool,
    stop: Event,
) -> Video:
    """See :meth:`Tour.render`. Encodes on the calling thread, while the next frames are drawn and sent."""
    rate, size = checked_rate(fps), checked_size(size)
    pictures.request(size, antialias)  # refuses what cannot be before anything is written
    to = target(path, size, overwrite)
    route = background().run(tour.planned(session))
    count = len(route.times(rate))
    source = pulled(drawn(session, program, route, rate, size, antialias, to.pixels))
    with open_writer(to, rate, size, quality) as writer, _bar(count, to.path.name, progress) as bar:
        try:
            for _, pixels in source:
                writer.add(pixels)
                bar.update()
                if stop.is_set():
                    raise KeyboardInterrupt
        finally:
            source.close()
    return Video(to.path, count, rate, size)


def _bar(count: int, name: str, shown: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=count, desc=name, unit="frame", disable=not shown)
