"""Where the camera is and where it goes: focus, orbital camera, flights and turns together. Knows nothing of
drawing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.embedded import quaternions as quat
from openspace_server.engines.embedded.bodies import BODIES, INDEX, find
from openspace_server.engines.embedded.camera import FARTHEST, LOWEST, OrbitalCamera
from openspace_server.engines.embedded.ephemeris import Sky
from openspace_server.engines.embedded.flight import NORTH, Flight, Path, arrival, ease
from openspace_server.engines.embedded.rotation import axes

RADII = np.array([body.radius for body in BODIES])
_TURN = 1.0  # seconds to turn to a new focus
_ROOT = "Root"


def viewing_distance(index: int) -> float:
    """Metres from the centre at which a body fills a good part of the view."""
    body = BODIES[index]
    if body.kind == "star":
        return 6.0 * body.radius
    return body.radius * (3.3 if body.extent == 1.0 else 2.9 * body.extent)


class Navigator:
    """The camera of one engine. ``sky`` arguments are the bodies at the moment of the call."""

    def __init__(self, sky: Sky) -> None:
        self.focus = INDEX["Earth"]
        offset, orientation = self._first_view(sky)
        self._camera = OrbitalCamera(offset, orientation, RADII[self.focus])
        self._flight: Flight | None = None
        self._turn: tuple[float | None, float] | None = None  # when it began, how far it is

    @property
    def position(self) -> np.ndarray:
        """Metres from the focus body's centre, ICRF axes."""
        return self._camera.position

    @property
    def orientation(self) -> np.ndarray:
        return self._camera.orientation

    @property
    def flying(self) -> bool:
        return self._flight is not None

    @property
    def moving(self) -> bool:
        return self._flight is not None or self._turn is not None or self._camera.moving

    def advance(self, now: float, sky: Sky) -> None:
        """Move to wall time ``now``."""
        if self._flight is not None:
            self._camera.position, self._camera.orientation, done = self._flight.pose(now, sky.positions, RADII)
            if done:
                self._flight = None
            return
        self._camera.advance(now)
        if self._turn is not None:
            began, before = self._turn
            began = now if began is None else began
            after = ease((now - began) / _TURN)
            if after < 1:
                self._face((after - before) / (1 - before))
                self._turn = (began, after)
            else:
                self._face(1.0)
                self._turn = None

    def _face(self, share: float) -> None:
        facing = quat.look(-self._camera.position, quat.matrix(self.orientation)[:, 2])
        self._camera.orientation = quat.slerp(self.orientation, facing, share)

    def move(self, motion: dict[str, float], held: bool, now: float) -> None:
        """Input; ends a flight where it is."""
        if self._flight is not None and motion:
            self._flight = None
            self._camera.stop()
        self._camera.move(motion, held, now)

    def set_focus(self, index: int, sky: Sky) -> None:
        """Keep the place, turn to body ``index``."""
        self._flight = None
        self._rebase(index, sky)
        self._turn = (None, 0.0)

    def fly_to(self, index: int, duration: float, distance: float | None, now: float, sky: Sky) -> None:
        """Raises EngineError for a duration or distance that cannot be."""
        body = BODIES[index]
        if not math.isfinite(duration) or duration < 0:
            raise EngineError(f"duration must be 0 or more seconds, got {duration!r}")
        lowest = (1 + LOWEST) * body.radius
        if distance is None:
            distance = viewing_distance(index)
        if not math.isfinite(distance) or not lowest <= distance <= FARTHEST:
            raise EngineError(
                f"distance to {body.name}'s centre must be from {lowest:.6g} to {FARTHEST:.6g} metres, got {distance!r}"
            )
        here = sky.positions[self.focus] + self.position
        to_sun = -sky.positions[index] if body.kind != "star" else here
        approach = here - sky.positions[index]
        self._begin(index, arrival(approach, to_sun) * distance, NORTH, None, duration, now, sky)

    def home(self, duration: float, now: float, sky: Sky) -> None:
        offset, orientation = self._first_view(sky)
        self._begin(INDEX["Earth"], offset, quat.matrix(orientation)[:, 2], orientation, duration, now, sky)

    def _begin(
        self,
        target: int,
        end: np.ndarray,
        up: np.ndarray,
        final: np.ndarray | None,
        duration: float,
        now: float,
        sky: Sky,
    ) -> None:
        self._turn = None
        self._camera.stop()
        path = Path(self.focus, target, self.position.copy(), end)
        if duration > 0:
            nearest = int(
                np.argmin(np.linalg.norm(sky.positions[self.focus] + self.position - sky.positions, axis=1) / RADII)
            )
            if nearest != self.focus:
                path = Path(nearest, target, sky.positions[self.focus] + self.position - sky.positions[nearest], end)
            path.avoid(sky.positions, RADII)
        self._flight = Flight(path, now, duration, self.orientation.copy(), up, final)
        self._rebase(target, sky)
        if duration == 0:
            self.advance(now, sky)

    def _rebase(self, index: int, sky: Sky) -> None:
        self._camera.position = self.position + sky.positions[self.focus] - sky.positions[index]
        self._camera.radius = RADII[index]
        self.focus = index

    @staticmethod
    def _first_view(sky: Sky) -> tuple[np.ndarray, np.ndarray]:
        """The Earth from the sunlit side, its terminator to the right."""
        sun = -sky.positions[INDEX["Earth"]]
        sun = sun / np.linalg.norm(sun)
        across = np.cross(NORTH, sun)
        across = across / np.linalg.norm(across)
        angle = math.radians(58)
        way = math.cos(angle) * sun + math.sin(angle) * across + 0.22 * NORTH
        offset = way / np.linalg.norm(way) * (3.45 * RADII[INDEX["Earth"]])
        return offset, quat.look(-offset, NORTH)

    def state(self, sky: Sky) -> dict[str, Any]:
        """OpenSpace's navigation state without its time; yaw and pitch only where the view is off the anchor."""
        turned = quat.matrix(self.orientation)
        ahead = turned.T @ (-self.position / np.linalg.norm(self.position))
        yaw, pitch = math.asin(max(-1.0, min(1.0, ahead[0]))), math.atan2(-ahead[2], ahead[1])
        out: dict[str, Any] = {
            "Anchor": BODIES[self.focus].identifier,
            "ReferenceFrame": _ROOT,
            "Position": self.position.tolist(),
        }
        if abs(yaw) < 1e-9 and abs(pitch) < 1e-9:
            return {**out, "Up": turned[:, 2].tolist()}
        level = turned @ _yaw_pitch(yaw, pitch).T
        return {**out, "Up": level[:, 2].tolist(), "Yaw": yaw, "Pitch": pitch}

    def set_state(self, state: dict[str, Any], sky: Sky) -> None:
        """Raises EngineError or UnknownTarget, and then changes nothing."""
        if not isinstance(state, dict):
            raise EngineError(f"a camera state is an object with Anchor and Position, got {type(state).__name__}")
        index = find(state.get("Anchor", BODIES[self.focus].identifier))
        frame = state.get("ReferenceFrame", _ROOT)
        turn = np.eye(3) if frame in (_ROOT, "", None) else axes(find(frame), sky.days, sky.seconds)
        if "Position" not in state:
            raise EngineError("camera: Position [x, y, z] in metres from the anchor is missing")
        position = turn @ _vector(state["Position"], "Position")
        distance = float(np.linalg.norm(position))
        lowest = (1 + LOWEST) * RADII[index]
        if not lowest * (1 - 1e-9) <= distance <= FARTHEST * (1 + 1e-9):
            raise EngineError(
                f"camera: Position must be {lowest:.6g} to {FARTHEST:.6g} metres from the anchor, got {distance:.6g}"
            )
        up = turn @ _vector(state["Up"], "Up") if state.get("Up") is not None else NORTH
        target = -position
        if state.get("Aim"):
            target = sky.positions[find(state["Aim"])] - sky.positions[index] - position
        level = quat.matrix(quat.look(target if np.any(target) else -position, up))
        turned = level @ _yaw_pitch(_angle(state, "Yaw"), _angle(state, "Pitch"))
        self._flight = self._turn = None
        self._camera.stop()
        self._rebase(index, sky)
        self._camera.position, self._camera.orientation = position, quat.from_matrix(turned)


def _yaw_pitch(yaw: float, pitch: float) -> np.ndarray:
    """Camera axes after turning left by ``yaw``, then up by ``pitch``, in the axes of the level camera."""
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])


def _vector(value: Any, name: str) -> np.ndarray:
    try:
        vector = np.array(value, float)
    except (TypeError, ValueError):
        vector = np.empty(0)
    if vector.shape != (3,) or not np.all(np.isfinite(vector)) or not np.any(vector):
        raise EngineError(f"camera: {name} must be three finite numbers, not all 0, got {value!r}")
    return vector


def _angle(state: dict[str, Any], name: str) -> float:
    value = state.get(name) or 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EngineError(f"camera: {name} must be a finite number of radians, got {value!r}")
    return float(value)
