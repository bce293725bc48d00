"""The navigator: focus, orbital camera, flights and turns of one camera. Knows nothing of drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.embedded.camera import joystick
from openspace_server.engines.embedded.camera.flight import Flight, Path, arrival, ease
from openspace_server.engines.embedded.camera.navigation_states import Pose
from openspace_server.engines.embedded.camera.orbital_camera import FARTHEST, LOWEST, Ground, OrbitalCamera
from openspace_server.engines.embedded.sky import geodesy as geo
from openspace_server.engines.embedded.sky.bodies import BODIES, INDEX
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris
from openspace_server.engines.embedded.sky.reference_frames import ROOT
from openspace_server.geometry import quaternions as quat
from openspace_server.geometry.world import NORTH

RADII = np.array([body.radius for body in BODIES])
_TURN = 1.0  # seconds to turn to a new focus
_FOLLOW = 1.3  # radii from the centre below which the camera turns with the ground


def viewing_distance(index: int, scale: float = 1.0) -> float:
    """Metres from the centre at which a body fills a good part of the view."""
    body = BODIES[index]
    if body.kind == "star":
        return 6.0 * body.radius * scale
    return body.radius * scale * (3.3 if body.extent == 1.0 else 2.9 * body.extent)


class Navigator:
    """The camera of one engine. ``ephemeris`` arguments are the bodies at the moment of the call.

    Attributes:
        focus, aim: indices of the body that is orbited, and of the one that is kept in view.
        frame: axes of the camera's navigation state.
        scales: by how much each body is drawn larger than it is ``(n,)``.
        follow, follow_radii: whether the camera turns with the ground below it, and up to how many radii.
    """

    def __init__(self, ephemeris: Ephemeris) -> None:
        self.focus = INDEX["Earth"]
        self.aim: int | None = None
        self.frame = ROOT
        self.scales = np.ones(len(BODIES))
        self.follow, self.follow_radii = True, _FOLLOW
        offset, orientation = self._first_view(ephemeris)
        self.camera = OrbitalCamera(offset, orientation, self.ground(self.focus, ephemeris))
        self._flight: Flight | None = None
        self._flight_from = self.focus
        self._turn: tuple[float | None, float] | None = None  # when it began, how far it is
        self._axes = ephemeris.body_axes(self.focus)
        self._seconds = ephemeris.seconds
        self._last_aim: np.ndarray | None = None  # where the aim was in view, camera axes

    @property
    def position(self) -> np.ndarray:
        """Metres from the focus body's centre, ICRF axes."""
        return self.camera.position

    @property
    def orientation(self) -> np.ndarray:
        return self.camera.orientation

    @property
    def radii(self) -> np.ndarray:
        """Of all bodies as they are drawn, metres ``(n,)``."""
        return RADII * self.scales

    @property
    def flying(self) -> bool:
        return self._flight is not None

    @property
    def moving(self) -> bool:
        flies = self._flight is not None and self._flight.paused_after is None
        return flies or self._turn is not None or (self._flight is None and self.camera.moving)

    @property
    def flight(self) -> tuple[int, int, Flight] | None:
        """Where the present flight started, where it goes, and the flight."""
        return (self._flight_from, self.focus, self._flight) if self._flight is not None else None

    def ground(self, index: int, ephemeris: Ephemeris) -> Ground:
        """The surface of body ``index``."""
        body, scale = BODIES[index], float(self.scales[index])
        return Ground(body.radius * scale, body.polar_radius * scale, ephemeris.body_axes(index)[:, 2])

    # -- advance --------------------------------------------------------------------------------------------------

    def advance(self, now: float, ephemeris: Ephemeris) -> None:
        """Move to wall time ``now``."""
        if ephemeris.seconds != self._seconds:
            self._follow_ground(ephemeris)
        if self._flight is not None:
            camera = self.camera
            camera.position, camera.orientation, done = self._flight.pose(
                now, ephemeris.positions, self.radii, self._axes
            )
            if done:
                self._flight = None
                camera.advance(now)
            return
        self.camera.advance(now)
        if self.aim is not None:
            self._keep_aim(ephemeris)
        if self._turn is not None:
            began, past = self._turn
            began = now if began is None else began
            after = ease((now - began) / _TURN)
            self._face((after - past) / (1 - past) if after < 1 else 1.0, ephemeris)
            self._turn = (began, after) if after < 1 else None
        self._last_aim = self._towards_aim(ephemeris)

    @property
    def _is_low(self) -> bool:
        """Whether the camera turns with the ground."""
        return self.follow and self.camera.distance < self.follow_radii * RADII[self.focus] * self.scales[self.focus]

    def _follow_ground(self, ephemeris: Ephemeris) -> None:
        """Turn with the focus where the camera is low above it."""
        turned = ephemeris.body_axes(self.focus)
        if self._is_low and self._flight is None:
            turn = turned @ self._axes.T
            self.camera.position = turn @ self.camera.position
            self.camera.orientation = quat.unit(quat.multiply(quat.from_matrix(turn), self.camera.orientation))
        self._axes, self._seconds = turned, ephemeris.seconds
        self.camera.ground = self.ground(self.focus, ephemeris)

    def _towards_aim(self, ephemeris: Ephemeris) -> np.ndarray | None:
        if self.aim is None:
            return None
        way = ephemeris.positions[self.aim] - ephemeris.positions[self.focus] - self.camera.position
        size = quat.length(way)
        return quat.matrix(self.orientation).T @ (way / size) if size > 0 else None

    def _keep_aim(self, ephemeris: Ephemeris) -> None:
        """Turn the view so that the aim stays where it was in view, unless input turned the view."""
        last, after = self._last_aim, self._towards_aim(ephemeris)
        if self.camera.turned or self._turn is not None or last is None or after is None:
            self.camera.turned = False
            return
        turned = quat.matrix(self.orientation)
        self.camera.orientation = quat.unit(
            quat.multiply(quat.between(turned @ after, turned @ last), self.orientation)
        )

    def _face(self, share: float, ephemeris: Ephemeris) -> None:
        target = -self.camera.position
        if self.aim is not None:
            target = ephemeris.positions[self.aim] - ephemeris.positions[self.focus] - self.camera.position
        facing = quat.look(target, quat.matrix(self.orientation)[:, 2])
        self.camera.orientation = quat.interpolated(self.orientation, facing, share)

    # -- input ----------------------------------------------------------------------------------------------------

    def move(self, motion: dict[str, float], is_held: bool, now: float) -> None:
        """Input; ends a flight where it is."""
        if motion:
            self.stop_flight()
        self.camera.move(motion, is_held, now)

    def joystick(self, pushed: Mapping[str, float], now: float) -> None:
        """Flight controller axes that hold until the next call; anything but rest ends a flight."""
        speeds = joystick.speeds(pushed)
        if speeds:
            self.stop_flight()
        self.camera.drive(speeds, now)

    def nudge(self, pushed: Mapping[str, float], now: float) -> None:
        """One push along flight controller axes."""
        self.move(joystick.push(pushed), False, now)

    def stop_flight(self) -> None:
        """End the flight where it is."""
        if self._flight is not None:
            self._flight = None
            self.camera.stop()

    def finish_flight(self, now: float, ephemeris: Ephemeris) -> None:
        """Jump to its end."""
        if self._flight is not None:
            self._flight.duration = 0.0
            self._flight.paused_after = None
            self.advance(now, ephemeris)

    def pause_flight(self, paused: bool, now: float) -> None:
        """Pause or continue the flight."""
        if self._flight is not None:
            self._flight.pause(paused, now)

    # -- destinations ---------------------------------------------------------------------------------------------

    def set_focus(self, index: int, ephemeris: Ephemeris) -> None:
        """Keep the position, turn to body ``index``."""
        self._flight = None
        self.aim = None if self.aim == index else self.aim
        self._rebase(index, ephemeris)
        self._turn = (None, 0.0)

    def set_aim(self, index: int | None, ephemeris: Ephemeris) -> None:
        """Keep body ``index`` in view while orbiting the focus; None looks at the focus again."""
        self._flight = None
        self.aim = None if index == self.focus else index
        self._turn = (None, 0.0)

    def look_at_focus(self) -> None:
        """Turn until the focus (or the aim) is in the middle."""
        self._flight = None
        self._turn = (None, 0.0)

    def fly_to(self, index: int, duration: float, distance: float | None, now: float, ephemeris: Ephemeris) -> None:
        """Raises EngineError for a duration or distance that cannot be."""
        self._fly(index, duration, distance, None, now, ephemeris)

    def fly_to_height(self, index: int, height: float, duration: float, now: float, ephemeris: Ephemeris) -> None:
        """To ``height`` metres above the surface. Raises EngineError."""
        self._fly(index, duration, None, height, now, ephemeris)

    def _fly(
        self,
        index: int,
        duration: float,
        distance: float | None,
        height: float | None,
        now: float,
        ephemeris: Ephemeris,
    ) -> None:
        _checked(duration)
        here = ephemeris.positions[self.focus] + self.position
        to_sun = -ephemeris.positions[index] if BODIES[index].kind != "star" else here
        way = arrival(here - ephemeris.positions[index], to_sun)
        surface = self.ground(index, ephemeris).radius(way)
        if height is not None:
            distance = surface + height
        elif distance is None:
            distance = viewing_distance(index, float(self.scales[index]))
        if not math.isfinite(distance) or not surface + LOWEST - 1e-6 <= distance <= FARTHEST:
            raise EngineError(
                f"distance to {BODIES[index].name}'s centre must be from {surface + LOWEST:.9g} to {FARTHEST:.6g} "
                f"metres, got {distance!r}"
            )
        self._begin(index, Flight(self._path(index, way * distance), now, duration, self.orientation, NORTH), ephemeris)

    def fly_to_geo(
        self,
        index: int,
        latitude: float,
        longitude: float,
        height: float,
        duration: float,
        now: float,
        ephemeris: Ephemeris,
    ) -> None:
        """To a position over the ground, looking down with north up. Raises EngineError."""
        _checked(duration)
        body, scale = BODIES[index], float(self.scales[index])
        end = geo.cartesian(latitude, longitude, max(height, LOWEST), body.radius * scale, body.polar_radius * scale)
        if not quat.length(end) <= FARTHEST:
            raise EngineError(f"an altitude must be at most {FARTHEST:g} metres, got {height:g}")
        up = geo.north(end / quat.length(end))
        flight = Flight(self._path(index, end), now, duration, self.orientation, up, quat.look(-end, up), fixed=True)
        self._begin(index, flight, ephemeris)

    def zoom_to(self, height: float, duration: float, now: float, ephemeris: Ephemeris) -> None:
        """Along the line to the focus until ``height`` metres above its surface, without turning."""
        _checked(duration)
        distance = self.camera.ground.radius(self.position) + max(height, LOWEST)
        if not distance <= FARTHEST:
            raise EngineError(f"a distance must be at most {FARTHEST:g} metres, got {height:g}")
        path = self._path(self.focus, self.position * (distance / self.camera.distance))
        self._begin(self.focus, Flight(path, now, duration, self.orientation, NORTH, keeps_view=True), ephemeris)

    def fly_to_pose(self, pose: Pose, duration: float, now: float, ephemeris: Ephemeris) -> None:
        """To where ``pose`` is now. Raises EngineError."""
        _checked(duration)
        up = quat.matrix(pose.orientation)[:, 2]
        path = self._path(pose.anchor, pose.position)
        self._begin(pose.anchor, Flight(path, now, duration, self.orientation, up, pose.orientation), ephemeris)
        self.aim, self.frame = pose.aim, pose.frame

    def home(self, duration: float, now: float, ephemeris: Ephemeris) -> None:
        offset, orientation = self._first_view(ephemeris)
        up = quat.matrix(orientation)[:, 2]
        earth = INDEX["Earth"]
        self._begin(
            earth, Flight(self._path(earth, offset), now, duration, self.orientation, up, orientation), ephemeris
        )

    def _path(self, target: int, end: np.ndarray) -> Path:
        return Path(self.focus, target, self.position.copy(), end)

    def _begin(self, target: int, flight: Flight, ephemeris: Ephemeris) -> None:
        self._turn = None
        self.aim = None
        self.camera.stop()
        flight.orientation = self.orientation.copy()
        self._flight_from = self.focus
        path, radii = flight.path, self.radii
        if flight.fixed:
            path.end = ephemeris.body_axes(target) @ path.end
        if flight.duration > 0 and not flight.keeps_view:
            here = ephemeris.positions[self.focus] + self.position
            nearest = int(np.argmin(np.linalg.norm(here - ephemeris.positions, axis=1) / radii))
            if nearest != self.focus:
                path.origin, path.start = nearest, here - ephemeris.positions[nearest]
            path.avoid(ephemeris.positions, radii)
        self._flight = flight
        self._rebase(target, ephemeris)
        if flight.duration == 0:
            self.advance(flight.begin, ephemeris)

    def _rebase(self, index: int, ephemeris: Ephemeris) -> None:
        if index == self.focus:
            return
        self.camera.position = self.position + (ephemeris.positions[self.focus] - ephemeris.positions[index])
        self.focus, self.frame = index, ROOT
        self._axes, self._seconds = ephemeris.body_axes(index), ephemeris.seconds
        self.camera.ground = self.ground(index, ephemeris)

    # -- pose ---------------------------------------------------------------------------------------------------

    def pose(self) -> Pose:
        return Pose(self.focus, self.aim, self.position, self.orientation, self.frame)

    def pose_at(self, ephemeris: Ephemeris) -> Pose:
        """The present pose carried to another moment: fixed to its anchor, and turned with the ground when low."""
        pose = self.pose()
        if not self._is_low or self._flight is not None:
            return pose
        turn = ephemeris.body_axes(self.focus) @ self._axes.T
        orientation = quat.unit(quat.multiply(quat.from_matrix(turn), pose.orientation))
        return Pose(pose.anchor, pose.aim, turn @ pose.position, orientation, pose.frame)

    def set_pose(self, pose: Pose, ephemeris: Ephemeris) -> None:
        """Jump to ``pose``."""
        self._flight = self._turn = None
        self.camera.stop()
        self._rebase(pose.anchor, ephemeris)
        self.camera.position, self.camera.orientation = np.array(pose.position), pose.orientation
        self.aim, self.frame = pose.aim, pose.frame
        self.camera.turned = True

    def rescale(self, scales: np.ndarray, ephemeris: Ephemeris) -> None:
        """Bodies are drawn larger or smaller; the camera stays outside."""
        self.scales = scales
        self.camera.ground = self.ground(self.focus, ephemeris)
        least = self.camera.ground.radius(self.position) + LOWEST
        if self.camera.distance < least:
            self.camera.position = self.position * (least / self.camera.distance)

    @staticmethod
    def _first_view(ephemeris: Ephemeris) -> tuple[np.ndarray, np.ndarray]:
        """The Earth from the sunlit side, its terminator to the right."""
        sun = -ephemeris.positions[INDEX["Earth"]]
        sun = sun / np.linalg.norm(sun)
        across = np.cross(NORTH, sun)
        across = across / np.linalg.norm(across)
        angle = math.radians(58)
        way = math.cos(angle) * sun + math.sin(angle) * across + 0.22 * NORTH
        offset = way / np.linalg.norm(way) * (3.45 * RADII[INDEX["Earth"]])
        return offset, quat.look(-offset, NORTH)


def _checked(duration: float) -> None:
    if not math.isfinite(duration) or duration < 0:
        raise EngineError(f"duration must be 0 or more seconds, got {duration!r}")
