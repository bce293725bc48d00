"""Flights: paths from an offset from one body to an offset from another, while both move. Pure geometry.

The distance to the nearer end changes by equal factors in equal times, so that leaving an orbit, crossing the solar
system and arriving take about the same time each. A flight first spirals out from where it starts, then spirals in on
its target; where that would pass through a body it bends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from openspace_server.geometry import quaternions as quat
from openspace_server.geometry.world import NORTH

_CLEARANCE = 1.03  # radii
_BENDS = tuple((size, turn) for size in (0.0, 0.15, 0.3, 0.6, 1.0) for turn in range(1 if size == 0 else 6))


def ease(t: float) -> float:
    """0..1 to 0..1, starting and ending at rest."""
    t = min(max(t, 0.0), 1.0)
    return t * t * t * (t * (6 * t - 15) + 10)


def _spiral(a: np.ndarray, b: np.ndarray, t: float, turn: float, bend: np.ndarray) -> np.ndarray:
    """From offset ``a`` to offset ``b``: distance by equal factors with ``t``, direction along a great circle with
    ``turn``."""
    ra, rb = quat.length(a), quat.length(b)
    direction = quat.slerp(a / ra, b / rb, turn) + bend * (4 * turn * (1 - turn))
    return direction * (math.exp((1 - t) * math.log(ra) + t * math.log(rb)) / quat.length(direction))


def _length(a: np.ndarray, b: np.ndarray) -> float:
    ra, rb = np.linalg.norm(a), np.linalg.norm(b)
    return abs(math.log(rb / ra)) + float(np.arccos(np.clip(a @ b / (ra * rb), -1, 1))) + 1e-9


@dataclass
class Path:
    """A path from offset ``start`` from body ``origin`` to offset ``end`` from body ``target``: metres, indices."""

    origin: int
    target: int
    start: np.ndarray
    end: np.ndarray
    bend: tuple[float, int] = field(default=(0.0, 0))

    def offset_at(self, t: float, positions: np.ndarray) -> np.ndarray:
        """Offset from the target's centre in metres at ``t`` in 0..1, the bodies being at ``positions`` ``(n, 3)``."""
        if t <= 0:
            return positions[self.origin] - positions[self.target] + self.start
        if t >= 1:
            return self.end.copy()
        between = positions[self.target] - positions[self.origin]
        apart = quat.length(between)
        near, far = quat.length(self.start), quat.length(self.end)
        size, turn = self.bend
        if self.origin == self.target or near >= 0.5 * apart:
            start = self.start - between
            turned = ease(t)
            offset = _spiral(start, self.end, t, turned, self._sideways(start, size, turn))
            if self.origin == self.target:
                # Along the ground a flight rises, as high as it goes far.
                cosine = start @ self.end / (near * far)
                offset = offset * (1 + 0.6 * math.acos(max(-1.0, min(1.0, cosine))) * turned * (1 - turned))
            return offset
        out = between / apart
        share = 0.5 if far < 0.5 * apart else min(0.5, max(3 * near / apart, 0.1))
        middle = between * share + self._sideways(out, size, turn) * (apart * share)
        first, second = _length(self.start, middle), _length(middle - between, self.end)
        part = first / (first + second)
        none = np.zeros(3)
        if t < part:
            u = t / part
            return _spiral(self.start, middle, u, ease(u / 0.8), none) - between
        u = (t - part) / (1 - part)
        return _spiral(middle - between, self.end, u, ease((u - 0.2) / 0.8), none)

    @staticmethod
    def _sideways(along: np.ndarray, size: float, turn: int) -> np.ndarray:
        if size == 0:
            return np.zeros(3)
        along = along / np.linalg.norm(along)
        one = NORTH - (NORTH @ along) * along
        one = one / np.linalg.norm(one) if np.linalg.norm(one) > 1e-3 else quat.perpendicular(along)
        angle = turn * math.pi / 3
        return size * (math.cos(angle) * one + math.sin(angle) * np.cross(along, one))

    def clearance(self, positions: np.ndarray, radii: np.ndarray) -> float:
        """Least distance from any body's centre on the way, in units of what that body needs."""
        times = np.concatenate(([0.0], np.linspace(0.01, 0.99, 120), [1.0]))
        track = np.array([self.offset_at(float(t), positions) for t in times]) + positions[self.target]
        steps = np.diff(track, axis=0)
        worst = math.inf
        for centre, radius in zip(positions, radii, strict=True):
            # Nearest point of every leg, so that a fast leg cannot jump over a body.
            offset = track[:-1] - centre
            along = np.clip(
                -np.einsum("ij,ij->i", offset, steps) / np.maximum(np.einsum("ij,ij->i", steps, steps), 1e-9), 0, 1
            )
            least = float(np.min(np.linalg.norm(offset + along[:, None] * steps, axis=1)))
            ends = min(np.linalg.norm(track[0] - centre), np.linalg.norm(track[-1] - centre))
            worst = min(worst, least / min(_CLEARANCE * radius, 0.995 * float(ends)))
        return worst

    def avoid(self, positions: np.ndarray, radii: np.ndarray) -> None:
        """Choose the smallest bend that keeps clear of every body."""
        best = -math.inf
        for bend in _BENDS:
            candidate = Path(self.origin, self.target, self.start, self.end, bend)
            room = candidate.clearance(positions, radii)
            if room > best:
                best, self.bend = room, bend
            if room >= 1:
                return


def arrival(approach: np.ndarray, to_sun: np.ndarray) -> np.ndarray:
    """Unit vector from a body towards a good viewpoint of it: near ``approach``, on the sunlit side, a little
    north."""
    sun = to_sun / np.linalg.norm(to_sun)
    side = approach / np.linalg.norm(approach)
    side = side - (side @ NORTH) * NORTH
    size = float(np.linalg.norm(side))
    side = side / size if size > 1e-6 else quat.perpendicular(NORTH)
    flat = sun - (sun @ NORTH) * NORTH
    flat = flat / np.linalg.norm(flat)
    angle = math.atan2(float(quat.cross(flat, side) @ NORTH), float(flat @ side))
    angle = math.copysign(min(max(abs(angle), math.radians(25)), math.radians(52)), angle)
    out = math.cos(angle) * flat + math.sin(angle) * np.cross(NORTH, flat)
    out = out + math.tan(math.radians(14)) * NORTH
    return out / np.linalg.norm(out)


@dataclass
class Flight:
    """A :class:`Path` flown from wall time ``begin`` for ``duration`` seconds, looking at the target once under way.

    Where the target does not stay in the middle at the end, ``final`` is the orientation to end with. A ``fixed``
    flight has ``path.end``, ``up`` and ``final`` in the target's own axes, so that it ends over a point on the ground.
    A flight that ``keeps_view`` does not turn.
    """

    path: Path
    begin: float
    duration: float
    orientation: np.ndarray
    up: np.ndarray
    final: np.ndarray | None = None
    fixed: bool = False
    keeps_view: bool = False
    paused_after: float | None = None
    """Seconds flown when it was paused."""

    def __post_init__(self) -> None:
        self._end = self.path.end

    def flown(self, now: float) -> float:
        """Seconds."""
        return self.paused_after if self.paused_after is not None else max(now - self.begin, 0.0)

    def pause(self, paused: bool, now: float) -> None:
        """Pause or continue."""
        if paused:
            self.paused_after = self.flown(now)
        elif self.paused_after is not None:
            self.begin, self.paused_after = now - self.paused_after, None

    def pose(
        self, now: float, positions: np.ndarray, radii: np.ndarray, turn: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """Offset from the target in metres, camera quaternion, and whether the flight is over. ``turn`` are the axes
        of the target now; only a fixed flight needs them."""
        raw = self.flown(now) / self.duration if self.duration > 0 else 1.0
        done = raw >= 1
        t = ease(raw)
        up, final = self.up, self.final
        if self.fixed and turn is not None:
            self.path.end, up = turn @ self._end, turn @ up
            final = quat.multiply(quat.from_matrix(turn), final) if final is not None else None
        offset = self.path.offset_at(t, positions)
        if not done:
            offset = self._outside_bodies(offset, positions, radii)
        if self.keeps_view:
            return offset, self.orientation, done
        up = quat.slerp(quat.matrix(self.orientation)[:, 2], up, t)
        tracking = quat.look(-offset, up)
        if final is not None:
            tracking = quat.interpolated(tracking, final, ease((t - 0.5) / 0.5))
        return offset, quat.interpolated(self.orientation, tracking, ease(t / 0.5)), done

    def _outside_bodies(self, offset: np.ndarray, positions: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """``offset`` outside of all bodies, which move while a flight is under way (time may run fast)."""
        target, origin = self.path.target, self.path.origin
        from_each = offset + positions[target] - positions
        squares = np.einsum("ij,ij->i", from_each, from_each)
        least = 1.01 * radii
        # Where it starts or ends lower, it may be lower near there.
        least[origin] = min(least[origin], quat.length(self.path.start))
        least[target] = min(least[target], quat.length(self.path.end))
        inside = np.nonzero(squares < (least * (1 - 1e-9)) ** 2)[0]
        if not len(inside):
            return offset
        body = int(inside[0])
        distance = math.sqrt(squares[body])
        way = from_each[body] / distance if distance > 0 else np.array([0.0, 0.0, 1.0])
        return positions[body] - positions[target] + way * least[body]
