"""Interpolation of numbers, directions and rotations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from openspace_server.geometry import world
from openspace_server.geometry.quaternions import perpendicular, slerp

NORTH = world.GALACTIC @ world.NORTH
"""North of the ecliptic in OpenSpace's world axes."""


def ease(t: float, shape: str = "smooth") -> float:
    """0..1 to 0..1. ``smooth`` and ``smoother`` start and end at rest, ``linear`` does neither."""
    t = min(max(t, 0.0), 1.0)
    if shape == "linear":
        return t
    return t * t * t * (t * (6 * t - 15) + 10) if shape == "smoother" else t * t * (3 - 2 * t)


EASINGS = ("smooth", "smoother", "linear")


# ---- unit vectors of any dimension: directions (3) and quaternions (4)


def towards(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The tangent at ``a`` that leads to ``b``; its length is the angle between them."""
    cosine = float(np.clip(a @ b, -1.0, 1.0))
    across = b - cosine * a
    length = math.sqrt(float(across @ across))
    if length < 1e-12:
        return np.zeros(len(a)) if cosine > 0 else math.pi * perpendicular(a)
    return across * (math.acos(cosine) / length)


def along(a: np.ndarray, tangent: np.ndarray) -> np.ndarray:
    """The point that ``tangent`` leads to from ``a``."""
    angle = math.sqrt(float(tangent @ tangent))
    return a if angle < 1e-15 else math.cos(angle) * a + math.sin(angle) * tangent / angle


def curve(points: Sequence[np.ndarray], t: float) -> np.ndarray:
    """The spherical Bézier curve of four unit vectors."""
    row = list(points)
    while len(row) > 1:
        row = [slerp(a, b, t) for a, b in pairwise(row)]
    return row[0]


class SphereSpline:
    """Through unit vectors at given times, with continuous velocity, at rest at both ends."""

    def __init__(self, times: Sequence[float], points: Sequence[np.ndarray]) -> None:
        self._times, self._points = list(times), list(points)
        self._speeds = [np.zeros(len(points[0])) for _ in points]
        for i in range(1, len(points) - 1):
            before, after = times[i] - times[i - 1], times[i + 1] - times[i]
            if before > 0 and after > 0:
                come, go = -towards(points[i], points[i - 1]) / before, towards(points[i], points[i + 1]) / after
                self._speeds[i] = (come * after + go * before) / (before + after)

    def __call__(self, time: float) -> np.ndarray:
        i, t, span = _segment(self._times, time)
        if span == 0:
            return self._points[i]
        a, b = self._points[i], self._points[i + 1]
        first, last = along(a, self._speeds[i] * span / 3), along(b, -self._speeds[i + 1] * span / 3)
        return curve((a, first, last, b), t)


class Spline:
    """Through numbers at given times, with continuous velocity and without overshooting, at rest at both ends."""

    def __init__(self, times: Sequence[float], values: Sequence[float]) -> None:
        self._times, self._values = list(times), list(values)
        self._slopes = [0.0] * len(values)
        for i in range(1, len(values) - 1):
            before, after = times[i] - times[i - 1], times[i + 1] - times[i]
            if before <= 0 or after <= 0:
                continue
            come, go = (values[i] - values[i - 1]) / before, (values[i + 1] - values[i]) / after
            if come * go > 0:  # weighted harmonic mean (Fritsch and Butland)
                one, two = 2 * after + before, after + 2 * before
                self._slopes[i] = (one + two) / (one / come + two / go)

    def __call__(self, time: float) -> float:
        i, t, span = _segment(self._times, time)
        if span == 0:
            return self._values[i]
        return hermite(self._values[i], self._values[i + 1], self._slopes[i] * span, self._slopes[i + 1] * span, t)


def hermite(a: float, b: float, slope_a: float, slope_b: float, t: float) -> float:
    """From ``a`` to ``b`` with these slopes (per whole way) at the ends."""
    u = 1 - t
    return (1 + 2 * t) * u * u * a + t * u * u * slope_a + t * t * (3 - 2 * t) * b - t * t * u * slope_b


def _segment(times: Sequence[float], time: float) -> tuple[int, float, float]:
    """Index of the segment, how far in it 0..1, and its length; length 0 outside."""
    if time <= times[0] or len(times) == 1:
        return 0, 0.0, 0.0
    if time >= times[-1]:
        return len(times) - 1, 0.0, 0.0
    i = int(np.searchsorted(times, time, "right")) - 1
    return i, (time - times[i]) / (times[i + 1] - times[i]), times[i + 1] - times[i]
