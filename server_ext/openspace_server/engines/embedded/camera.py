"""The camera that orbits a body: float64 metres relative to its focus, input with inertia. Knows nothing of drawing."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from openspace_server.engines.embedded import quaternions as quat
from openspace_server.engines.embedded.ephemeris import AU

FIELD_OF_VIEW = math.radians(45.0)
"""Vertical, radians."""
VIEW_HEIGHT = 2 * math.tan(FIELD_OF_VIEW / 2)
"""Height of the view at distance 1."""

FARTHEST = 200 * AU
LOWEST = 0.02
"""Least altitude above a body, in its radii."""

_FASTEST_ORBIT = 3.0  # radians for one view height dragged, far from the body
_COAST = 0.22  # time constant of the friction after release, seconds
_SPREAD = 0.055  # time constant over which a single push (a wheel notch, a key) is spread, seconds
_AT_ONCE = 0.35  # the part of such a push that shows in the very next picture
_MEMORY = 0.10  # motion of this many seconds before release decides how fast the camera coasts
_STALE = 0.06  # a hand that rested this long before release leaves the camera at rest
_REST = {
    "orbitX": 0.002,
    "orbitY": 0.002,
    "zoom": 0.004,
    "roll": 0.004,
    "lookX": 0.002,
    "lookY": 0.002,
}  # units per second


class OrbitalCamera:
    """Position relative to the focus in metres (ICRF axes) and orientation as a quaternion of camera axes.

    Axes of motion are those of ``protocols.viewer.AXES``. While a motion is held the camera follows it exactly; let
    go, it coasts against friction and comes to rest. A push that nobody holds is spread over some 150 ms.
    """

    def __init__(self, position: np.ndarray, orientation: np.ndarray, radius: float) -> None:
        self.position = np.array(position, float)
        self.orientation = quat.normalised(np.array(orientation, float))
        self.radius = radius
        self._held = False
        self._recent: deque[tuple[float, dict[str, float]]] = deque()
        self._speeds: dict[str, float] = {}
        self._pending: dict[str, float] = {}
        self._since: float | None = None

    @property
    def moving(self) -> bool:
        """True while the camera still moves by itself."""
        return bool(self._speeds or self._pending)

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.position))

    def stop(self) -> None:
        """Forget all inertia."""
        self._held = False
        self._recent.clear()
        self._speeds, self._pending = {}, {}

    def move(self, axes: dict[str, float], held: bool, now: float) -> None:
        """Apply motion at wall time ``now``."""
        axes = {axis: amount for axis, amount in axes.items() if amount}
        self.advance(now)
        if held or self._held:
            self._speeds, self._pending = {}, {}
            self._apply(axes)
            self._recent.append((now, axes))
            while self._recent and self._recent[0][0] < now - _MEMORY:
                self._recent.popleft()
            if not held:
                self._release(now)
            self._held = held
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
        """Coast to wall time ``now``; the way does not depend on how often this is called."""
        dt = max(0.0, now - self._since) if self._since is not None else 0.0
        self._since = now
        if not dt or not self.moving:
            return
        step: dict[str, float] = {}
        fade = math.exp(-dt / _COAST)
        for axis, speed in list(self._speeds.items()):
            step[axis] = speed * _COAST * (1 - fade)
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

    def _turn(self, axis: np.ndarray, angle: float) -> None:
        if angle:
            self.orientation = quat.normalised(
                quat.multiply(quat.about(axis, math.remainder(angle, 4 * math.pi)), self.orientation)
            )

    def _orbit(self, right: np.ndarray, up: np.ndarray, x: float, y: float) -> None:
        altitude = max(self.distance - self.radius, 0.0)
        # Near the ground the ground follows the cursor; far away the angle per view height has a limit.
        gain = 1 / (1 / _FASTEST_ORBIT + self.radius / (VIEW_HEIGHT * max(altitude, 1e-6 * self.radius)))
        axis = -(up * x + right * y)
        size = float(np.linalg.norm(axis))
        if size == 0:
            return
        turn = quat.about(axis / size, math.remainder(gain * size, 4 * math.pi))
        distance = self.distance
        self.position = quat.matrix(turn) @ self.position
        self.position *= distance / np.linalg.norm(self.position)
        self.orientation = quat.normalised(quat.multiply(turn, self.orientation))

    def _zoom(self, nearer: float) -> None:
        distance = self.distance
        altitude = max(distance - self.radius, LOWEST * self.radius)
        self._place(self.radius + altitude * math.exp(-max(-60.0, min(60.0, nearer))), distance)

    def _place(self, wanted: float, distance: float) -> None:
        wanted = min(max(wanted, (1 + LOWEST) * self.radius), FARTHEST)
        self.position = self.position * (wanted / distance)
