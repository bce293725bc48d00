"""Rendering of tours frame by frame: as arrays, and into files."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np

from openspace_server.protocols.frame_request import FrameRequest
from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import iterate
from openspace_widget.errors import ArgumentError
from openspace_widget.frames.frame import AHEAD, Frame, grab
from openspace_widget.frames.requests import frame_request
from openspace_widget.frames.video import Quality, Target, Video, open_writer
from openspace_widget.tour.playback import arrive
from openspace_widget.tour.route import Moment, Route
from openspace_widget.units import iso

AT_ONCE = 120
"""Frames whose cameras are found together."""


@dataclass(frozen=True)
class RenderSettings:
    """Which frames a rendering has. A value is valid once it exists.

    Attributes:
        fps: frames per second.
        size: ``(width, height)`` in pixels; None for the live view's.
        antialias: samples per pixel.

    Raises:
        ArgumentError: naming the argument that is wrong.
    """

    fps: float
    size: tuple[int, int] | None
    antialias: int

    def __post_init__(self) -> None:
        fps: Any = self.fps
        if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps <= 240:
            raise ArgumentError(f"fps: expected frames per second, above 0 to 240, got {fps!r}")
        object.__setattr__(self, "fps", float(fps))
        object.__setattr__(self, "size", self._request().size)

    def request(self, moment: Moment, format: str) -> FrameRequest:
        """The request for the frame at ``moment``."""
        return replace(self._request(), time=iso(moment.time), camera=moment.camera, format=format)

    def _request(self) -> FrameRequest:
        return frame_request(self.size, self.antialias)


async def frames(client: Client, route: Route, settings: RenderSettings) -> AsyncGenerator[Frame, None]:
    """The frames along ``route``, some of them asked for ahead."""
    async with aclosing(drawn(client, route, settings, "rgb")) as source:
        async for header, pixels in source:
            yield Frame(pixels, header)


async def drawn(
    client: Client, route: Route, settings: RenderSettings, format: str
) -> AsyncGenerator[tuple[dict[str, Any], np.ndarray], None]:
    """Header and pixels of each frame. What a stop does on arrival is done between the frames before and after."""
    pending: deque[asyncio.Task[tuple[np.ndarray, dict[str, Any]]]] = deque()
    times, reached = route.times(settings.fps), 0
    try:
        for begin in range(0, len(times), AT_ONCE):
            for moment in await route.moments(client, times[begin : begin + AT_ONCE]):
                while reached < len(route.stops) and route.schedule.arrive[reached] <= moment.seconds + 1e-9:
                    stop = route.stops[reached]
                    reached += 1
                    if stop.properties or stop.lua:
                        while pending:
                            pixels, header = await pending.popleft()
                            yield header, pixels
                        await arrive(client.api, stop)
                pending.append(asyncio.create_task(grab(client, settings.request(moment, format))))
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
    client: Client, route: Route, settings: RenderSettings, to: Target, quality: Quality, progress: bool, stop: Event
) -> Video:
    """See :meth:`Tour.render`. Encodes on the calling thread, while the next frames are drawn and sent."""
    assert settings.size is not None, "a file has one"
    count = len(route.times(settings.fps))
    source = iterate(drawn(client, route, settings, to.pixels))
    with open_writer(to, settings.fps, settings.size, quality) as writer, _bar(count, to.path.name, progress) as bar:
        try:
            for _, pixels in source:
                writer.add(pixels)
                bar.update()
                if stop.is_set():
                    raise KeyboardInterrupt
        finally:
            source.close()
    return Video(to.path, count, settings.fps, settings.size)


def _bar(count: int, name: str, shown: bool) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=count, desc=name, unit="frame", disable=not shown)
