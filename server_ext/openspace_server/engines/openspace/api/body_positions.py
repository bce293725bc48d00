"""Interpolation of body positions over time.

OpenSpace knows positions at its own time only, so it is sampled at a few times. What moves as planets and moons do is
smooth: polynomials through Chebyshev's points are as exact as the sampled positions after a few of them (Trefethen,
Approximation Theory and Approximation Practice, 2013). The points are doubled until the new ones agree with the
polynomial through the old ones; what is not smooth enough for that is sampled at every single time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from datetime import datetime, timedelta

import numpy as np

Sample = Callable[[Sequence[str]], Generator[None, None, np.ndarray]]
"""Returns values float ``(times, …)`` at some times, as OpenSpace takes them: UTC without a zone, in milliseconds."""

FEW = 5
"""Times up to which each one is sampled."""
MOST_POINTS = 129
EXACT_POSITION = 1e-9
"""Of the distance from the origin: 150 m at 1 AU."""
EXACT_METRES = 1.0
EXACT_TURN = 1e-8
"""Radians: 6 cm on the Earth's ground."""


def interpolate(sample: Sample, times: Sequence[str]) -> Generator[None, None, np.ndarray]:
    """Rows of 12 numbers (position, rotation matrix) of each body at ``times``: float ``(times, bodies, 12)``."""
    start = datetime.fromisoformat(times[0])
    offsets = np.array([round((datetime.fromisoformat(time) - start) / timedelta(milliseconds=1)) for time in times])

    def sampled(at: np.ndarray) -> Generator[None, None, np.ndarray]:
        moments = [(start + timedelta(milliseconds=int(each))).isoformat(timespec="milliseconds") for each in at]
        return (yield from sample(moments))

    every, back = np.unique(offsets, return_inverse=True)
    if len(every) <= FEW:
        return (yield from sampled(every))[back]
    points = _points(every[0], every[-1], 3)
    values = yield from sampled(points)
    while 2 * len(points) - 1 < min(len(every), MOST_POINTS + 1):
        finer = _points(every[0], every[-1], 2 * len(points) - 1)
        new = np.setdiff1d(finer, points)
        if len(new) == 0:
            break
        found = yield from sampled(new)
        expected = _interpolated(points, values, new)
        points, values = _merged(points, values, new, found)
        if _alike(expected, found):
            return _interpolated(points, values, every)[back]
    return (yield from sampled(every))[back]


def _points(begin: int, end: int, count: int) -> np.ndarray:
    """Chebyshev's points of the second kind, in whole milliseconds."""
    share = (1 - np.cos(np.linspace(0, math.pi, count))) / 2
    return np.unique(np.round(begin + (end - begin) * share).astype(np.int64))


def _merged(
    points: np.ndarray, values: np.ndarray, new: np.ndarray, found: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    both = np.concatenate((points, new))
    order = np.argsort(both)
    return both[order], np.concatenate((values, found))[order]


def _interpolated(points: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The polynomial through ``values`` at ``points``, at other points: the barycentric formula (Berrut and Trefethen,
    2004)."""
    if len(points) == 1:
        return np.repeat(values, len(at), axis=0)
    half = (points[-1] - points[0]) / 4  # so that the weights stay within the range of floats
    apart = (points[:, None] - points[None, :]) / half
    np.fill_diagonal(apart, 1.0)
    weights = 1 / apart.prod(axis=1)
    gaps = (at[:, None] - points[None, :]).astype(float)
    rows, columns = np.nonzero(gaps == 0)
    gaps[rows] = 1.0
    shares = weights / gaps
    shares[rows] = 0.0
    shares[rows, columns] = 1.0
    shares /= shares.sum(axis=1, keepdims=True)
    # About the middle value, so that no digits are lost.
    middle = values[len(values) // 2]
    flat = (values - middle).reshape(len(values), -1)
    found: np.ndarray = middle + (shares @ flat).reshape(len(at), *values.shape[1:])
    return found


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    off = np.abs(one - other)
    room = np.maximum(EXACT_METRES, EXACT_POSITION * np.linalg.norm(other[..., :3], axis=-1, keepdims=True))
    return bool((off[..., :3] <= room).all() and (off[..., 3:] <= EXACT_TURN).all())
