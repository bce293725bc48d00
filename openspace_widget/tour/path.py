"""Paths of the camera: continuous in velocity, logarithmic in distance, spherical in direction, and clear of bodies.

Between two bodies it is the path of van Wijk and Nuij (Smooth and efficient zooming and panning, 2003): the point
looked at moves from one body to the other while the camera backs off as far as it takes and comes near again. Around
one body it is a spline of direction and of the logarithm of the altitude.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openspace_server.geometry import quaternions as quat
from openspace_widget.tour import geometry as geo
from openspace_widget.tour.body_positions import Bodies, BodyPositions
from openspace_widget.tour.poses import Pose

_RHO = 1.4
"""How van Wijk and Nuij weigh zooming against panning."""
_CLEARANCE = 1.06
"""Radii to keep from the centre of a body that is passed by."""


@dataclass(frozen=True)
class View:
    """A camera: ``position`` metres from the body in row ``anchor``, and its orientation, in galactic axes."""

    anchor: int
    position: np.ndarray
    orientation: np.ndarray


class Glide:
    """Around one body, through ``poses`` at ``times`` (all of them in the same axes), at rest at both ends."""

    def __init__(self, times: Sequence[float], poses: Sequence[Pose], bodies: Bodies, easing: str) -> None:
        self.begin, self.end = times[0], times[-1]
        self._bodies, self._easing = bodies, easing
        self._poses = list(poses)
        heights = [math.log(pose.altitude) for pose in poses]
        looks = [quat.look(-pose.direction, quat.matrix(pose.orientation)[:, 2]) for pose in poses]
        offs = [quat.multiply(quat.inverse(q), p.orientation) for q, p in zip(looks, poses, strict=True)]
        for row in (looks, offs):
            for i in range(1, len(row)):
                row[i] = quat.near(row[i], row[i - 1])
        self._heights = heights
        self._turns = [[pose.direction for pose in poses], looks, offs]
        self._height = geo.Spline(times, heights)
        self._splines = [geo.SphereSpline(times, row) for row in self._turns]

    def __call__(self, time: float, at: BodyPositions) -> View:
        anchor, fixed = self._poses[0].anchor, self._poses[0].fixed
        if len(self._poses) == 2 and self._easing != "smooth":
            t = geo.ease((time - self.begin) / max(self.end - self.begin, 1e-9), self._easing)
            height = (1 - t) * self._heights[0] + t * self._heights[1]
            direction, look, off = (quat.slerp(row[0], row[1], t) for row in self._turns)
        else:
            height = self._height(time)
            direction, look, off = (spline(time) for spline in self._splines)
        orientation = quat.multiply(_turned_to(look, -direction), off)
        there = Pose(anchor, math.exp(height), direction, orientation, fixed)
        position, orientation = there.in_world(at, float(self._bodies.radii[anchor]))
        share = (time - self.begin) / max(self.end - self.begin, 1e-9)
        position = clear(position, anchor, (anchor,), at, self._bodies, _window(share))
        return View(anchor, position, orientation)


class Leap:
    """From a pose over one body to a pose over another one."""

    def __init__(self, begin: float, end: float, start: Pose, finish: Pose, bodies: Bodies, easing: str) -> None:
        self.begin, self.end = begin, end
        self._start, self._finish, self._bodies = start, finish, bodies
        self._easing = easing

    def __call__(self, time: float, at: BodyPositions) -> View:
        share = min(max((time - self.begin) / max(self.end - self.begin, 1e-9), 0.0), 1.0)
        t = geo.ease(share, self._easing)
        a, b = self._start, self._finish
        radii = float(self._bodies.radii[a.anchor]), float(self._bodies.radii[b.anchor])
        (from_a, look_a), (from_b, look_b) = a.in_world(at, radii[0]), b.in_world(at, radii[1])
        apart = at.positions[b.anchor] - at.positions[a.anchor]
        k, height = zoom(a.altitude, b.altitude, math.sqrt(float(apart @ apart)), t)
        direction = quat.slerp(quat.unit(from_a), quat.unit(from_b), geo.ease(t))
        away = direction * (height + (1 - k) * radii[0] + k * radii[1])
        centred = [quat.look(-off, quat.matrix(look)[:, 2]) for off, look in ((from_a, look_a), (from_b, look_b))]
        centred[1] = quat.near(centred[1], centred[0])
        offs = [quat.multiply(quat.inverse(q), look) for q, look in zip(centred, (look_a, look_b), strict=True)]
        offs[1] = quat.near(offs[1], offs[0])
        smooth = geo.ease(t)
        base = _turned_to(quat.slerp(centred[0], centred[1], smooth), -direction)
        orientation = quat.multiply(base, quat.slerp(offs[0], offs[1], smooth))
        # Relative to the nearer end, where digits matter.
        ends = ((a.anchor, k * apart + away), (b.anchor, (k - 1) * apart + away))
        anchor, position = min(ends, key=lambda end: float(end[1] @ end[1]))
        lows = {a.anchor: a.altitude, b.anchor: b.altitude}
        position = clear(position, anchor, (), at, self._bodies, _window(share), lows)
        return View(anchor, position, orientation)

    @staticmethod
    def length(start: Pose, finish: Pose, apart: float) -> float:
        """How long the way is, in the units of van Wijk and Nuij: about 10 from planet to planet."""
        return _arcs(start.altitude, finish.altitude, apart)[2]


def _turned_to(q: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """``q`` after the smallest rotation that makes it look along the unit vector ``forward``."""
    return quat.multiply(quat.between(forward, quat.matrix(q)[:, 1]), q)


def _arcs(low: float, high: float, apart: float) -> tuple[float, float, float]:
    """``(r0, r1, S)`` of van Wijk and Nuij, from altitude ``low`` to ``high``."""
    four = _RHO**4 * apart * apart
    ends = []
    for width, sign in ((low, 1.0), (high, -1.0)):
        b = (high * high - low * low + sign * four) / (2 * width * _RHO * _RHO * apart)
        ends.append(-math.asinh(b))
    return ends[0], ends[1], (ends[1] - ends[0]) / _RHO


def zoom(low: float, high: float, apart: float, t: float) -> tuple[float, float]:
    """How far along the way between the bodies one looks (0..1), and from what altitude, at ``t`` in 0..1."""
    if t <= 0 or t >= 1:
        return (0.0, low) if t <= 0 else (1.0, high)
    r0, _, length = _arcs(low, high, apart)
    if length < 1e-6:  # as good as one point
        return t, math.exp((1 - t) * math.log(low) + t * math.log(high))
    r = r0 + _RHO * length * t
    height = low * _cosh_ratio(r0, r)
    # cosh(r0) * tanh(r) - sinh(r0) = sinh(r - r0) / cosh(r)
    k = low / (_RHO * _RHO * apart) * _sinh_ratio(r - r0, r)
    return min(max(k, 0.0), 1.0), height


def _cosh_ratio(a: float, b: float) -> float:
    """cosh(a) / cosh(b) where either may be too large for a float."""
    a, b = abs(a), abs(b)
    return math.exp(a - b) * (1 + math.exp(-2 * a)) / (1 + math.exp(-2 * b))


def _sinh_ratio(a: float, b: float) -> float:
    """sinh(a) / cosh(b), a >= 0."""
    b = abs(b)
    return math.exp(a - b) * (1 - math.exp(-2 * a)) / (1 + math.exp(-2 * b))


def _window(t: float) -> float:
    """0 at both ends of a way, 1 on it, smoothly: stops are where they say, whatever is near."""
    t = min(max(t, 0.0), 1.0)
    return 1.0 - (2.0 * t - 1.0) ** 8


def clear(
    position: np.ndarray,
    anchor: int,
    but: Sequence[int],
    at: BodyPositions,
    bodies: Bodies,
    window: float,
    lows: dict[int, float] | None = None,
) -> np.ndarray:
    """``position``, metres off ``anchor``, moved out of every body that it comes too near to, smoothly.

    Args:
        but: bodies to leave alone.
        lows: altitudes from which the camera starts or where it ends, which are no lower than allowed.
    """
    if window <= 0:
        return position
    offsets = position + at.positions[anchor] - at.positions
    offsets[anchor] = position
    away = np.sqrt(np.einsum("ij,ij->i", offsets, offsets))
    for row in np.nonzero(away < 3 * bodies.radii)[0].tolist():
        radius = float(bodies.radii[row])
        if row in but or radius <= 0:
            continue
        room = (_CLEARANCE - 1) * radius
        if lows and row in lows:
            room = min(room, 0.25 * lows[row])
        distance, least, soft = float(away[row]), radius + room, 0.4 * room
        excess = (distance - least) / soft
        if excess < 30:
            pushed = least + soft * (math.log1p(math.exp(excess)) if excess > -30 else 0.0)
            out = offsets[row] / distance if distance > 1e-6 * radius else geo.NORTH
            position = position + out * ((pushed - distance) * window)
    return position
