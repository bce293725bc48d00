"""Simplification of tours: leave out the stops that the path passes through anyway."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from openspace_widget.errors import ArgumentError
from openspace_widget.tour.poses import orientation_of
from openspace_widget.tour.stops import Stop
from openspace_widget.units import seconds as seconds_of

SAME = 1e-6
"""Below this nothing has moved."""


def check_tolerance(tolerance: float) -> None:
    """Raises ArgumentError."""
    if not 0 < tolerance <= 1:
        raise ArgumentError(f"tolerance: expected a number above 0 to 1, got {tolerance!r}")


def simplify(stops: Sequence[Stop], tolerance: float) -> list[Stop]:
    """See :meth:`Tour.simplified`. Raises ArgumentError."""
    check_tolerance(tolerance)
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
    return kept


def _timed(stop: Stop, way: float | None) -> Stop:
    fields = stop.as_json()
    fields.pop("seconds", None)
    return Stop.from_json(fields if way is None else {**fields, "seconds": way})


def _alike(a: Stop, b: Stop) -> bool:
    """Whether their cameras are relative to the same body in the same axes."""
    if a.camera is None or b.camera is None:
        return False
    names = ("Anchor", "ReferenceFrame", "Aim")
    return all(a.camera.get(name) == b.camera.get(name) for name in names)


def _does_more(stop: Stop) -> bool:
    plain = Stop(camera=stop.camera, time=stop.time, seconds=stop.seconds) if stop.camera is not None else None
    return stop != plain


def _thin(stops: Sequence[Stop], at: np.ndarray, first: int, last: int, tolerance: float, keep: set[int]) -> None:
    """Keep what its neighbours do not imply (Ramer, Douglas and Peucker), in direction, distance and view."""
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
