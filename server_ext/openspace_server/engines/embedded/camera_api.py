"""The camera API of the embedded engine: input, focus, flights, states and positions."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, Motion, Target
from openspace_server.engines.embedded.camera import navigation_states as states
from openspace_server.engines.embedded.camera.navigation_states import Pose
from openspace_server.engines.embedded.camera.navigator import Navigator
from openspace_server.engines.embedded.sky import geodesy as geo
from openspace_server.engines.embedded.sky.bodies import BODIES, find
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris
from openspace_server.engines.scene_engine import Flight, GeoPosition, SceneEngine, check_geographic
from openspace_server.geometry import quaternions as quat
from openspace_server.geometry.world import CAMERA, GALACTIC
from openspace_server.protocols.session_recording import CameraPose

_HOME_SECONDS = 2.0
_FLIGHT_SECONDS = 5.0
_ZOOM_SECONDS = 2.0


class CameraApi(SceneEngine):
    """Needs from the engine: ``_navigator``, ``_ephemeris``, and the methods that are abstract here."""

    _navigator: Navigator
    _ephemeris: Ephemeris
    _dirty: bool
    _steered: bool  # whether input moved the camera since the last frame

    @abstractmethod
    def _sync(self, now: float) -> Ephemeris:
        """The bodies at wall time ``now``. Raises EngineError when the engine is not open."""

    @abstractmethod
    def _opened(self) -> Any:
        """Raises EngineError when the engine is not open."""

    # -- input ----------------------------------------------------------------------------------------------------

    def move(self, motion: Motion, now: float) -> None:
        self._sync(now)
        moved = {axis: float(amount) for axis, amount in motion.axes.items() if math.isfinite(amount)}
        if any(moved.values()):
            self._dirty = self._steered = True
        self._navigator.move(moved, motion.is_held, now)

    def joystick(self, axes: Mapping[str, float], now: float) -> None:
        self._sync(now)
        self._navigator.joystick(axes, now)

    def nudge(self, axes: Mapping[str, float], now: float) -> None:
        self._sync(now)
        self._navigator.nudge(axes, now)
        self._dirty = True

    # -- focus and flights ----------------------------------------------------------------------------------------

    def targets(self) -> list[Target]:
        return [body.target() for body in BODIES]

    @property
    def focus(self) -> str:
        self._opened()
        return BODIES[self._navigator.focus].identifier

    def set_focus(self, target: str) -> None:
        index = find(target)
        self._opened()
        self._navigator.set_focus(index, self._ephemeris)
        self._dirty = True

    def set_aim(self, target: str) -> None:
        index = find(target) if target else None
        self._opened()
        self._navigator.set_aim(index, self._ephemeris)
        self._dirty = True

    def look_at_focus(self, now: float) -> None:
        self._sync(now)
        self._navigator.look_at_focus()
        self._dirty = True

    def fly_to(self, target: str, duration: float, distance: float | None, now: float) -> None:
        index = find(target)
        self._navigator.fly_to(index, duration, distance, now, self._sync(now))
        self._dirty = True

    def fly_to_height(self, target: str, height: float, duration: float | None, now: float) -> None:
        index = find(target)
        self._navigator.fly_to_height(index, height, _or(duration, _FLIGHT_SECONDS), now, self._sync(now))
        self._dirty = True

    def fly_to_geo(
        self, target: str, latitude: float, longitude: float, altitude: float | None, duration: float | None, now: float
    ) -> None:
        ephemeris = self._sync(now)
        index = find(target) if target else self._navigator.focus
        check_geographic(latitude, longitude)
        if altitude is None:
            altitude = self.camera_position().altitude if index == self._navigator.focus else BODIES[index].radius * 2.3
        if not math.isfinite(altitude):
            raise EngineError(f"an altitude must be finite, got {altitude!r}")
        self._navigator.fly_to_geo(index, latitude, longitude, altitude, _or(duration, _FLIGHT_SECONDS), now, ephemeris)
        self._dirty = True

    def fly_to_state(self, state: dict[str, Any], duration: float | None, now: float) -> None:
        ephemeris = self._sync(now)
        self._navigator.fly_to_pose(self._read(state, ephemeris), _or(duration, _FLIGHT_SECONDS), now, ephemeris)
        self._dirty = True

    def zoom_to(self, height: float, duration: float | None, now: float) -> None:
        if not math.isfinite(height):
            raise EngineError(f"a distance must be finite, got {height!r}")
        self._navigator.zoom_to(height, _or(duration, _ZOOM_SECONDS), now, self._sync(now))
        self._dirty = True

    @property
    def flying(self) -> bool:
        return self._is_open and self._navigator.flying

    @property
    @abstractmethod
    def _is_open(self) -> bool: ...

    def flight(self) -> Flight | None:
        route = self._navigator.flight if self._is_open else None
        if route is None:
            return None
        origin, target, way = route
        flown = way.flown(self._drawn_at if way.paused_after is None else 0.0)
        return Flight(
            BODIES[origin].identifier,
            BODIES[target].identifier,
            max(way.duration - flown, 0.0),
            way.paused_after is not None,
        )

    _drawn_at: float

    def pause_flight(self, paused: bool, now: float) -> None:
        self._sync(now)
        self._navigator.pause_flight(paused, now)

    def stop_flight(self, now: float) -> None:
        self._sync(now)
        self._navigator.stop_flight()

    def finish_flight(self, now: float) -> None:
        self._navigator.finish_flight(now, self._sync(now))
        self._dirty = True

    def home(self, now: float) -> None:
        self._navigator.home(_HOME_SECONDS, now, self._sync(now))
        self._dirty = True

    # -- states ---------------------------------------------------------------------------------------------------

    def camera(self) -> dict[str, Any]:
        self._opened()
        return {**states.write(self._navigator.pose(), self._ephemeris), "Timestamp": self.time}

    def set_camera(self, state: dict[str, Any], now: float) -> None:
        """``Timestamp`` is not applied: time has its own call."""
        ephemeris = self._sync(now)
        self._navigator.set_pose(self._read(state, ephemeris), ephemeris)
        self._dirty = True

    def _read(self, state: dict[str, Any], ephemeris: Ephemeris) -> Pose:
        return states.read(
            state, self._navigator.focus, ephemeris, lambda index: self._navigator.ground(index, ephemeris)
        )

    def pose(self) -> CameraPose:
        self._opened()
        here = self._navigator.pose()
        turned = quat.from_matrix(GALACTIC @ quat.matrix(here.orientation) @ CAMERA)
        x, y, z = (GALACTIC @ here.position).tolist()
        w, i, j, k = turned.tolist()
        return CameraPose(BODIES[here.anchor].identifier, (x, y, z), (i, j, k, w))

    def set_pose(self, pose: CameraPose, now: float) -> None:
        index = find(pose.focus)
        ephemeris = self._sync(now)
        i, j, k, w = pose.rotation
        turned = np.array((w, i, j, k), float)
        position = np.array(pose.position, float)
        if not np.all(np.isfinite(position)) or not np.all(np.isfinite(turned)) or not turned @ turned > 1e-12:
            raise EngineError("a camera pose needs finite numbers and a rotation that is not 0")
        turn = ephemeris.body_axes(index) if pose.follows_rotation else GALACTIC.T
        position = turn @ position
        lowest = self._navigator.ground(index, ephemeris).radius(position) if np.any(position) else math.inf
        if not quat.length(position) >= lowest:
            raise EngineError(f"the camera pose is inside {BODIES[index].name}")
        orientation = quat.from_matrix(turn @ quat.matrix(quat.unit(turned)) @ CAMERA.T)
        self._navigator.set_pose(Pose(index, None, position, orientation), ephemeris)
        self._dirty = True

    # -- positions ------------------------------------------------------------------------------------------------

    def _body_fixed(self, vector: np.ndarray) -> np.ndarray:
        return self._ephemeris.body_axes(self._navigator.focus).T @ vector

    def _radii(self, index: int) -> tuple[float, float]:
        scale = float(self._navigator.scales[index])
        return BODIES[index].radius * scale, BODIES[index].polar_radius * scale

    def camera_position(self) -> GeoPosition:
        self._opened()
        here = self._body_fixed(self._navigator.position)
        return GeoPosition(*geo.geodetic(here, *self._radii(self._navigator.focus)))

    def view_position(self) -> GeoPosition | None:
        """The altitude is the length of the line of sight."""
        self._opened()
        here = self._body_fixed(self._navigator.position)
        ahead = self._body_fixed(quat.matrix(self._navigator.orientation)[:, 1])
        radii = self._radii(self._navigator.focus)
        seen = geo.intersection(here, ahead, *radii)
        if seen is None:
            return None
        latitude, longitude, _ = geo.geodetic(seen, *radii)
        return GeoPosition(latitude, longitude, quat.length(seen - here))

    def subsolar_position(self) -> GeoPosition | None:
        self._opened()
        focus = self._navigator.focus
        if BODIES[focus].kind == "star":
            return None
        x, y, z = self._body_fixed(-self._ephemeris.positions[focus]).tolist()
        return GeoPosition(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))

    def surface_point(self, target: str, position: GeoPosition) -> tuple[float, float, float]:
        index = find(target) if target else self._navigator.focus
        x, y, z = geo.cartesian(position.latitude, position.longitude, position.altitude, *self._radii(index)).tolist()
        return x, y, z


def _or(duration: float | None, default: float) -> float:
    return default if duration is None else duration
