"""Smooth ways between numbers, directions and rotations.

Quaternions are ``(w, x, y, z)`` and turn camera axes (x right, y forward, z up) into the axes of the world, which are
OpenSpace's (galactic).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

NORTH = np.array([-0.09647662617061452, 0.8622858750989375, 0.497147191723695])
"""North of the ecliptic in galactic axes."""
FROM_ICRF = np.array(
    [
        [-0.05487556041621537, -0.8734370902348852, -0.48383501554871305],
        [0.4941094278755836, -0.44482962996001096, 0.746982244497219],
        [-0.8676661490190047, -0.19807637343120157, 0.4559837761750669],
    ]
)
"""Rotation matrix from ICRF to galactic axes."""


def unit(vector: np.ndarray) -> np.ndarray:
    """``vector`` with length 1."""
    return vector / math.sqrt(float(vector @ vector))


def ease(t: float, shape: str = "smooth") -> float:
    """0..1 to 0..1. ``smooth`` and ``smoother`` start and end at rest, ``linear`` does neither."""
    t = min(max(t, 0.0), 1.0)
    if shape == "linear":
        return t
    return t * t * t * (t * (6 * t - 15) + 10) if shape == "smoother" else t * t * (3 - 2 * t)


EASINGS = ("smooth", "smoother", "linear")


# ---- unit vectors of any dimension: directions (3) and quaternions (4)


def slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """Along the great circle from unit vector ``a`` to ``b``; opposite ones go around by a fixed third direction."""
    cosine = float(np.clip(a @ b, -1.0, 1.0))
    if cosine > 1 - 1e-12:
        return unit(a + t * (b - a))
    if cosine < -1 + 1e-9:
        side = aside(a)
        return math.cos(math.pi * t) * a + math.sin(math.pi * t) * side
    angle = math.acos(cosine)
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


def aside(a: np.ndarray) -> np.ndarray:
    """A unit vector at right angles to ``a``, always the same one."""
    least = np.zeros(len(a))
    least[int(np.argmin(np.abs(a)))] = 1.0
    return unit(least - (least @ a) * a)


def towards(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The tangent at ``a`` that leads to ``b``; its length is the angle between them."""
    cosine = float(np.clip(a @ b, -1.0, 1.0))
    across = b - cosine * a
    length = math.sqrt(float(across @ across))
    if length < 1e-12:
        return np.zeros(len(a)) if cosine > 0 else math.pi * aside(a)
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


# ---- rotations


def matrix(q: np.ndarray) -> np.ndarray:
    """Rotation matrix; its columns are right, forward and up of the camera."""
    w, x, y, z = q.tolist()
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion(m: np.ndarray) -> np.ndarray:
    """Of a rotation matrix."""
    # The largest of the four components keeps the digits.
    squares = [1 + m[0, 0] + m[1, 1] + m[2, 2], 1 + m[0, 0] - m[1, 1] - m[2, 2]]
    squares += [1 - m[0, 0] + m[1, 1] - m[2, 2], 1 - m[0, 0] - m[1, 1] + m[2, 2]]
    s = 2 * math.sqrt(max(squares))
    match int(np.argmax(squares)):
        case 0:
            q = (s / 4, (m[2, 1] - m[1, 2]) / s, (m[0, 2] - m[2, 0]) / s, (m[1, 0] - m[0, 1]) / s)
        case 1:
            q = ((m[2, 1] - m[1, 2]) / s, s / 4, (m[0, 1] + m[1, 0]) / s, (m[0, 2] + m[2, 0]) / s)
        case 2:
            q = ((m[0, 2] - m[2, 0]) / s, (m[0, 1] + m[1, 0]) / s, s / 4, (m[1, 2] + m[2, 1]) / s)
        case _:
            q = ((m[1, 0] - m[0, 1]) / s, (m[0, 2] + m[2, 0]) / s, (m[1, 2] + m[2, 1]) / s, s / 4)
    return unit(np.array(q))


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The rotation ``b`` followed by ``a``."""
    aw, ax, ay, az = a.tolist()
    bw, bx, by, bz = b.tolist()
    return np.array(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        )
    )


def inverse(q: np.ndarray) -> np.ndarray:
    """The rotation back."""
    w, x, y, z = q.tolist()
    return np.array((w, -x, -y, -z))


def look(forward: np.ndarray, up: np.ndarray) -> np.ndarray:
    """The camera's quaternion that looks along ``forward`` with ``up`` upwards."""
    ahead = unit(forward)
    right = np.cross(ahead, up)
    size = math.sqrt(float(right @ right))
    right = right / size if size > 1e-9 * math.sqrt(float(up @ up)) else aside(ahead)
    return quaternion(np.array([right, ahead, np.cross(right, ahead)]).T)


def turned_to(q: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """``q`` after the smallest rotation that makes it look along the unit vector ``forward``."""
    ahead = matrix(q)[:, 1]
    cosine = float(ahead @ forward)
    if cosine < -1 + 1e-9:
        return multiply(np.concatenate(([0.0], aside(ahead))), q)
    half = np.concatenate(([1 + cosine], np.cross(ahead, forward)))
    return multiply(unit(half), q)


def near(q: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``q`` or ``-q``, the same rotation: the one that is nearer to ``other``."""
    return q if float(q @ other) >= 0 else -q


def yaw_pitch(yaw: float, pitch: float) -> np.ndarray:
    """Camera axes after turning right by ``yaw``, then up by ``pitch`` (radians), in the axes of the level camera, as
    OpenSpace's navigation states mean them."""
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return np.array([[cy, sy * cp, -sy * sp], [-sy, cy * cp, -cy * sp], [0, sp, cp]])
