"""The orbital camera: float64 metres relative to its focus, input with inertia. Knows nothing of drawing."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from openspace_server.geometry import quaternions as quat

FIELD_OF_VIEW = math.radians(45.0)
"""Vertical, radians."""
VIEW_HEIGHT = 2 * math.tan(FIELD_OF_VIEW / 2)
"""Height of the view at distance 1."""

FARTHEST = 1e27
"""Metres from the focus: beyond the most distant galaxies."""
LOWEST = 10.0
"""Least altitude above a body's surface, metres."""

_FASTEST_ORBIT = 3.0  # radians for one view height dragged, far from the body
_COAST = 0.22  # time constant of OpenSpace's default friction after release, seconds
_START = 0.15  # time constant over which a joystick takes effect, seconds
_SPREAD = 0.055  # time constant over which a single push (a wheel notch, a key) is spread, seconds
_AT_ONCE = 0.35  # the part of such a push that shows in the next frame
_MEMORY = 0.10  # motion of this many seconds before release decides how fast the camera coasts
_STALE = 0.06  # a hand that rested this long before release leaves the camera at rest
_REST = {
    "orbitX": 0.002,
    "orbitY": 0.002,
    "zoom": 0.004,
    "roll": 0.004,
    "globalRoll": 0.004,
    "lookX": 0.002,
    "lookY": 0.002,
}  # units per second


@dataclass(frozen=True)
class Ground:
    """The focus' surface: a spheroid with its ``pole`` (unit vector, ICRF); radii in metres."""

    equatorial: float
    polar: float
    pole: np.ndarray

    def radius(self, position: np.ndarray) -> float:
        """From the centre to the surface below ``position``, metres."""
        if self.equatorial == self.polar:
            return self.equatorial
        sine = float(position @ self.pole) / quat.length(position)
        squared = sine * sine
        return self.equatorial * self.polar / math.sqrt(self.polar**2 * (1 - squared) + self.equatorial**2 * squared)


def ball(radius: float) -> Ground:
    """A sphere."""
    return Ground(radius, radius, np.array([0.0, 0.0, 1.0]))


@dataclass
class Friction:
    """How motion comes to rest after release: per kind whether it does at all, and ``strength`` 0..1."""

    rotation: bool = True
    zoom: bool = True
    roll: bool = True
    strength: float = 0.5

    def time(self, axis: str) -> float:
        """Time constant for ``axis``, seconds; infinite without friction."""
        on = {"zoom": self.zoom, "roll": self.roll, "globalRoll": self.roll}.get(axis, self.rotation)
        return _COAST * 0.5 / self.strength if on and self.strength > 0 else math.inf


class OrbitalCamera:
    """Position relative to the focus in metres (ICRF axes) and orientation as a quaternion of camera axes.

    Axes of motion are those of ``protocols.viewer.AXES``. While a motion is held the camera follows it exactly;
    after release it coasts against friction and comes to rest. A push that is not held is spread over some 150 ms. A
    joystick drives it at a speed.

    Attributes:
        ground: the focus' surface.
        turned: set whenever input has turned the view; reset by the code that keeps an aim in view.
    """

    def __init__(self, position: np.ndarray, orientation: np.ndarray, ground: Ground) -> None:
        self.position = np.array(position, float)
        self.orientation = quat.unit(np.array(orientation, float))
        self.ground = ground
        self.friction = Friction()
        self.turned = False
        self._drive: dict[str, float] = {}
        self._is_held = False
        self._recent: deque[tuple[float, dict[str, float]]] = deque()
        self._speeds: dict[str, float] = {}
        self._pending: dict[str, float] = {}
        self._since: float | None = None

    @property
    def moving(self) -> bool:
        """True while the camera still moves by itself."""
        return bool(self._speeds or self._pending or self._drive)

    @property
    def distance(self) -> float:
        """Metres from the focus' centre."""
        return quat.length(self.position)

    @property
    def altitude(self) -> float:
        """Metres above the surface, straight down to the centre."""
        return self.distance - self.ground.radius(self.position)

    def drive(self, speeds: dict[str, float], now: float) -> None:
        """Move at ``speeds`` (units of the axes per second) from now on; axes left out coast to rest."""
        self.advance(now)
        self._drive = {axis: speed for axis, speed in speeds.items() if speed}

    def stop(self) -> None:
        """Forget all inertia."""
        self._is_held = False
        self._recent.clear()
        self._speeds, self._pending, self._drive = {}, {}, {}

    def move(self, axes: dict[str, float], is_held: bool, now: float) -> None:
        """Apply motion at wall time ``now``."""
        axes = {axis: amount for axis, amount in axes.items() if amount}
        self.advance(now)
        if is_held or self._is_held:
            self._speeds, self._pending = {}, {}
            self._apply(axes)
            self._recent.append((now, axes))
            while self._recent and self._recent[0][0] < now - _MEMORY:
                self._recent.popleft()
            if not is_held:
                self._release(now)
            self._is_held = is_held
            return
        self._apply({axis: _AT_ONCE * amount for axis, amount in axes.items()})
        for axis, amount in axes.items():
            self._pending[axis] = self._pending.get(axis, 0.0) + (1 - _AT_ONCE) * amount

    def _release(self, now: float) -> None:
        moved = [when for when, axes in self._recent if axes]
        if moved and now - moved[-1] < _STALE and len(self._recent) > 1:
            span = max(now - self._recent[0][0], 0.016)
            # The oldest sample's motion happened before the span began.
            for _, axes in list(self._recent)[1:]:
                for axis, amount in axes.items():
                    self._speeds[axis] = self._speeds.get(axis, 0.0) + amount / span
        self._recent.clear()

    def advance(self, now: float) -> None:
        """Coast to wall time ``now``; the path does not depend on how often this is called."""
        dt = max(0.0, now - self._since) if self._since is not None else 0.0
        self._since = now
        if not dt or not self.moving:
            return
        step: dict[str, float] = {}
        for axis, target in self._drive.items():
            # The speed approaches its target as it would leave it again.
            fade = math.exp(-dt / _START)
            speed = self._speeds.pop(axis, 0.0)
            step[axis] = target * dt + (speed - target) * _START * (1 - fade)
            self._speeds[axis] = target + (speed - target) * fade
        for axis, speed in list(self._speeds.items()):
            if axis in self._drive:
                continue
            time = self.friction.time(axis)
            fade = math.exp(-dt / time)
            step[axis] = speed * time * (1 - fade) if math.isfinite(time) else speed * dt
            if abs(speed * fade) < _REST.get(axis, 0.002):
                del self._speeds[axis]
            else:
                self._speeds[axis] = speed * fade
        fade = math.exp(-dt / _SPREAD)
        for axis, left in list(self._pending.items()):
            rest = left * fade
            if abs(rest) < 5e-4:
                rest = 0.0
                del self._pending[axis]
            else:
                self._pending[axis] = rest
            step[axis] = step.get(axis, 0.0) + left - rest
        self._apply(step)

    def _apply(self, step: dict[str, float]) -> None:
        if not step:
            return
        if "zoom" in step:
            self._zoom(step["zoom"])
        right, forward, up = quat.matrix(self.orientation).T
        if "orbitX" in step or "orbitY" in step:
            self._orbit(right, up, step.get("orbitX", 0.0), step.get("orbitY", 0.0))
        if "lookX" in step or "lookY" in step:
            # One view height dragged turns the view by its own height: the sky stays under the cursor.
            self._turn(up, step.get("lookX", 0.0) * FIELD_OF_VIEW)
            self._turn(right, step.get("lookY", 0.0) * FIELD_OF_VIEW)
        if "roll" in step:
            self._turn(forward, -step["roll"])
        if "globalRoll" in step:
            self._turn(-self.position / self.distance, -step["globalRoll"])
        self.turned = self.turned or bool(step.keys() & {"lookX", "lookY", "roll", "globalRoll"})

    def _turn(self, axis: np.ndarray, angle: float) -> None:
        if angle:
            self.orientation = quat.unit(
                quat.multiply(quat.about(axis, math.remainder(angle, 4 * math.pi)), self.orientation)
            )

    def _orbit(self, right: np.ndarray, up: np.ndarray, x: float, y: float) -> None:
        radius = self.ground.radius(self.position)
        # Near the ground the ground follows the cursor; far away the angle per view height has a limit.
        gain = 1 / (1 / _FASTEST_ORBIT + radius / (VIEW_HEIGHT * max(self.altitude, LOWEST)))
        axis = -(up * x + right * y)
        size = quat.length(axis)
        if size == 0:
            return
        turn = quat.about(axis / size, math.remainder(gain * size, 4 * math.pi))
        distance, altitude = self.distance, self.altitude
        self.position = quat.matrix(turn) @ self.position
        if altitude < 0.1 * radius:  # low above a spheroid: keep the height, not the distance
            distance = self.ground.radius(self.position) + altitude
        self.position *= distance / quat.length(self.position)
        self.orientation = quat.unit(quat.multiply(turn, self.orientation))

    def _zoom(self, nearer: float) -> None:
        radius, distance = self.ground.radius(self.position), self.distance
        altitude = max(distance - radius, LOWEST) * math.exp(-max(-60.0, min(60.0, nearer)))
        self.position = self.position * (min(radius + max(altitude, LOWEST), FARTHEST) / distance)
