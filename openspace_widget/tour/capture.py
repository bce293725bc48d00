"""Capture of a flight by hand as a tour."""

from __future__ import annotations

import asyncio
from typing import Any

from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import run
from openspace_widget.errors import ArgumentError
from openspace_widget.tour.simplify import check_tolerance, simplify
from openspace_widget.tour.stops import Stop
from openspace_widget.tour.tour import Tour
from openspace_widget.units import seconds as seconds_of

RATE = 20.0
"""Looks at the camera per second."""
LONGEST = 3600.0
Sample = dict[str, Any]
"""Camera and simulation time, and seconds since the capture began (``at``)."""


def capture(client: Client, seconds: Any, tolerance: float) -> Tour:
    """See :meth:`OpenSpace.capture_tour`."""
    samples: list[Sample] = []
    try:
        run(sample(client, seconds, tolerance, samples))
    except KeyboardInterrupt:
        if len(samples) < 2:
            raise
    return made_of(list(samples), tolerance)


async def capture_async(client: Client, seconds: Any, tolerance: float) -> Tour:
    """As :func:`capture`, on the background loop; a cancelled one is lost."""
    samples: list[Sample] = []
    await sample(client, seconds, tolerance, samples)
    return await asyncio.to_thread(made_of, samples, tolerance)


async def sample(client: Client, seconds: Any, tolerance: float, samples: list[Sample]) -> None:
    """Add a sample 20 times per second until ``seconds`` are over. Raises ArgumentError before the first."""
    length = LONGEST if seconds is None else seconds_of(seconds, "seconds")
    if not 0 < length <= LONGEST:
        raise ArgumentError(f"seconds: expected a duration up to {LONGEST:g} s, got {seconds!r}")
    check_tolerance(tolerance)
    clock = asyncio.get_running_loop().time
    begun = clock()
    while (now := clock() - begun) <= length:
        samples.append(await _look(client) | {"at": now})
        await asyncio.sleep(begun + len(samples) / RATE - clock())


async def _look(client: Client) -> dict[str, Any]:
    camera, state = await asyncio.gather(client.ask("camera"), client.ask("state"))
    return {"camera": {name: value for name, value in camera.items() if name != "Timestamp"}, "time": state["time"]}


def made_of(samples: list[Sample], tolerance: float) -> Tour:
    """The tour that passes through ``samples``, without those that are not needed."""
    stops: list[Stop] = []
    before = 0.0
    for each in samples:
        way = None if not stops else round(each["at"] - before, 3)
        stops.append(Stop(camera=each["camera"], time=each["time"], seconds=way))
        before = each["at"]
    return Tour(simplify(stops, tolerance))
