"""Live playback of a tour."""

from __future__ import annotations

import asyncio
import contextlib

from openspace_widget.client.client import Client
from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.errors import ArgumentError, OpenSpaceError
from openspace_widget.scripting import properties
from openspace_widget.tour.route import Route
from openspace_widget.tour.stops import Stop
from openspace_widget.units import iso

SMOOTH = 60.0
"""Camera positions per second."""


async def arrive(api: OpenSpaceApi, stop: Stop) -> None:
    """Do what a stop does on arrival. Raises UnknownPropertyError, LuaError."""
    for uri, value in stop.properties.items():
        await properties.put(api, uri, value)
    if stop.lua:
        await api.lua(stop.lua)


def check_speed(speed: float) -> None:
    """Raises ArgumentError."""
    if not 0 < speed <= 1000:
        raise ArgumentError(f"speed: expected how many times as fast, above 0 to 1000, got {speed!r}")


async def play(client: Client, route: Route, speed: float) -> bool:
    """See :meth:`Tour.play`."""
    moments = await route.moments(client, route.times(SMOOTH / max(1.0, speed)))
    # The tour's own clock moves the camera and time; it follows the wall clock, however long each step takes.
    was = await client.ask("state")
    await client.ask("set_paused", paused=True)
    loop = asyncio.get_running_loop()
    begun, reached = loop.time(), 0
    try:
        for i, moment in enumerate(moments):
            while reached < len(route.stops) and route.schedule.arrive[reached] <= moment.seconds:
                await arrive(client.api, route.stops[reached])
                reached += 1
            late = loop.time() - begun - moment.seconds / speed
            if late > 1 / SMOOTH and i + 1 < len(moments):
                continue
            await asyncio.sleep(-late)
            result = await client.ask("place", camera=moment.camera, time=iso(moment.time), begin=i == 0)
            if not result["undisturbed"]:
                return False
        return True
    finally:
        with contextlib.suppress(OpenSpaceError):
            rate = route.schedule.rates[-1] if reached == len(route.stops) else was["rate"]
            await client.ask("set_rate", rate=rate)
            await client.ask("set_paused", paused=bool(was["paused"]))
