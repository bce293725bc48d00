"""A flight by hand, written down as a tour."""

from __future__ import annotations

import asyncio
import math
import time as clock
from typing import Any

import numpy as np

from openspace_widget.client.event_loop import background
from openspace_widget.client.session import Session
from openspace_widget.errors import ArgumentError
from openspace_widget.tour.places import orientation_of
from openspace_widget.tour.stops import Stop
from openspace_widget.tour.tour import Tour
from openspace_widget.units import seconds as seconds_of

RATE = 20.0
"""Looks at the camera per second."""
LONGEST = 3600.0
SAME = 1e-6
"""Below this nothing has moved."""


def capture(session: Session, seconds: Any, tolerance: float) -> Tour:
    """Look at the camera until ``seconds`` are over or the cell is interrupted."""
    length = LONGEST if seconds is None else seconds_of(seconds, "seconds")
    if not 0 < length <= LONGEST:
        raise ArgumentError(f"seconds: expected a duration up to {LONGEST:g} s, got {seconds!r}")
    seen: list[dict[str, Any]] = []
    begun = clock.monotonic()
    try:
        while (now := clock.monotonic() - begun) <= length:
            seen.append(background().run(_look(session)) | {"at": now})
            clock.sleep(max(0.0, begun + len(seen) / RATE - clock.monotonic()))
    except KeyboardInterrupt:
        if len(seen) < 2:
            raise
    return simplified(_tour(seen), tolerance)


async def _look(session: Session) -> dict[str, Any]:
    camera, state = await asyncio.gather(session.ask("camera"), session.ask("state"))
    return {"camera": {name: value for name, value in camera.items() if name != "Timestamp"}, "time": state["time"]}


def _tour(seen: list[dict[str, Any]]) -> Tour:
    stops: list[Stop] = []
    before = 0.0
    for each in seen:
        way = None if not stops else round(each["at"] - before, 3)
        stops.append(Stop(camera=each["camera"], time=each["time"], seconds=way))
        before = each["at"]
    return Tour(stops)


def simplified(tour: Tour, tolerance: float) -> Tour:
    """See :meth:`Tour.simplified`."""
    if not 0 < tolerance <= 1:
        raise ArgumentError(f"tolerance: expected a number above 0 to 1, got {tolerance!r}")
    stops = tour.stops
    ways = [seconds_of(stop.seconds or 0, "seconds") for stop in stops]
    at = np.cumsum(ways)
    keep = {0, len(stops) - 1}
    begin = 0
    for i in range(1, len(stops)):
        if i == len(stops) - 1 or not _alike(stops[i - 1], stops[i]) or _does_more(stops[i]):
            keep |= {begin, i}
            if _alike(stops[begin], stops[i]) and stops[begin].camera is not None:
                _thin(stops, at, begin, i, tolerance, keep)
            elif i - 1 > begin and stops[begin].camera is not None:
                keep.add(i - 1)
                _thin(stops, at, begin, i - 1, tolerance, keep)
            begin = i
    kept: list[Stop] = []
    last = 0.0
    for i in sorted(keep):
        kept.append(_timed(stops[i], None if not kept else round(float(at[i]) - last, 3)))
        last = float(at[i])
    return Tour(kept, start=tour.start, name=tour.name)


def _timed(stop: Stop, way: float | None) -> Stop:
    told = stop.as_json()
    told.pop("seconds", None)
    return Stop.from_json(told if way is None else {**told, "seconds": way})


def _alike(a: Stop, b: Stop) -> bool:
    """Whether their cameras are told relative to the same body in the same axes."""
    if a.camera is None or b.camera is None:
        return False
    names = ("Anchor", "ReferenceFrame", "Aim")
    return all(a.camera.get(name) == b.camera.get(name) for name in names)


def _does_more(stop: Stop) -> bool:
    plain = Stop(camera=stop.camera, time=stop.time, seconds=stop.seconds) if stop.camera is not None else None
    return stop != plain


def _thin(stops: tuple[Stop, ...], at: np.ndarray, first: int, last: int, tolerance: float, keep: set[int]) -> None:
    """Keep what cannot be told from its neighbours (Ramer, Douglas and Peucker), in direction, distance and view."""
    features = np.array([_feature(stop) for stop in stops[first : last + 1]])
    for i in range(1, len(features)):
        if features[i, 4:] @ features[i - 1, 4:] < 0:
            features[i, 4:] *= -1
    work = [(0, len(features) - 1)]
    while work:
        a, b = work.pop()
        if b - a < 2:
            continue
        times = at[first + a : first + b + 1]
        span = float(times[-1] - times[0]) or 1.0
        share = ((times - times[0]) / span)[:, None]
        # Splines go through the kept stops at rest only at the ends, so compare with their shape between two.
        eased = share * share * (3 - 2 * share) if b - a == len(features) - 1 else share
        off = np.abs(features[a : b + 1] - (features[a] * (1 - eased) + features[b] * eased)).max(axis=1)
        worst = int(np.argmax(off))
        if off[worst] > max(tolerance, SAME) and 0 < worst < b - a:
            keep.add(first + a + worst)
            work += [(a, a + worst), (a + worst, b)]


def _feature(stop: Stop) -> list[float]:
    """Logarithm of the distance, direction, orientation."""
    assert stop.camera is not None
    position = np.array(stop.camera["Position"], float)
    distance = math.sqrt(float(position @ position))
    return [math.log(distance), *(position / distance).tolist(), *orientation_of(stop.camera).tolist()]
