"""Camera poses of stops: position over an anchor and orientation, in axes that turn with the anchor or do not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from openspace_server.geometry import navigation_states
from openspace_server.geometry import quaternions as quat
from openspace_server.geometry.world import GALACTIC
from openspace_widget.errors import ArgumentError
from openspace_widget.tour.body_positions import Bodies, BodyPositions
from openspace_widget.tour.geometry import NORTH
from openspace_widget.tour.stops import Stop
from openspace_widget.units import metres

PLEASANT = 2.3
"""Altitude in radii from which a body fills a good part of the view."""
LOWEST = 1.0
"""Metres above a surface at least."""
_WORLD = ("", "root", "solarsystem", "solarsystembarycenter", "milkyway")


@dataclass(frozen=True)
class Pose:
    """A camera over the body in row ``anchor``.

    Attributes:
        altitude: metres above its surface (a ball of its radius).
        direction: unit vector from its centre to the camera.
        orientation: quaternion.
        fixed: whether direction and orientation are in its body-fixed axes, else in galactic ones.
    """

    anchor: int
    altitude: float
    direction: np.ndarray
    orientation: np.ndarray
    fixed: bool

    def within(self, fixed: bool, at: BodyPositions) -> Pose:
        """The same pose in the other axes, with bodies as in ``at``."""
        if fixed == self.fixed:
            return self
        turn = at.rotations[self.anchor]
        turn = turn.T if fixed else turn
        turned = quat.multiply(quat.from_matrix(turn), self.orientation)
        return Pose(self.anchor, self.altitude, turn @ self.direction, turned, fixed)

    def in_world(self, at: BodyPositions, radius: float) -> tuple[np.ndarray, np.ndarray]:
        """Metres from the anchor ``(3,)`` and orientation, in galactic axes."""
        there = self.within(False, at)
        return there.direction * (radius + self.altitude), there.orientation


def pose_of(stop: Stop, bodies: Bodies, at: BodyPositions, origin: int | None) -> Pose:
    """The pose of ``stop`` with bodies as in ``at``, coming from the body in row ``origin``.

    Raises:
        ArgumentError, RequestError: below the surface, an unknown target.
    """
    if stop.camera is not None:
        return _of_camera(dict(stop.camera), bodies, at)
    anchor = bodies.find(stop.anchor)
    radius = float(bodies.radii[anchor])
    altitude = PLEASANT * radius or 1e7
    if stop.altitude is not None:
        altitude = metres(stop.altitude, "altitude")
    elif stop.distance is not None:
        altitude = metres(stop.distance, "distance") - radius
        if altitude < LOWEST:
            raise ArgumentError(
                f"distance: {stop.distance!r} is inside of {stop.anchor}, whose radius is {radius / 1e3:.6g} km; "
                "altitude= counts from the surface"
            )
    if stop.latitude is not None and stop.longitude is not None:
        latitude, longitude = math.radians(stop.latitude), math.radians(stop.longitude)
        flat = math.cos(latitude)
        direction = np.array((flat * math.cos(longitude), flat * math.sin(longitude), math.sin(latitude)))
        # Over a pole the prime meridian is up.
        up = np.array((0.0, 0.0, 1.0)) if flat > 1e-6 else np.array((1.0, 0.0, 0.0))
        return Pose(anchor, altitude, direction, quat.look(-direction, up), True)
    direction = _sunlit(anchor, at, origin)
    return Pose(anchor, altitude, direction, quat.look(-direction, NORTH), False)


def _sunlit(anchor: int, at: BodyPositions, origin: int | None) -> np.ndarray:
    """A good direction to look from: on the sunlit side, on the side the camera comes from, a little north."""
    here = at.positions[anchor]
    come = at.positions[origin] - here if origin not in (None, anchor) else np.zeros(3)
    lit = -here if np.any(here) else come if np.any(come) else quat.perpendicular(NORTH)
    flat = lit - (lit @ NORTH) * NORTH
    flat = quat.unit(flat) if float(flat @ flat) > 1e-12 * float(lit @ lit) else quat.perpendicular(NORTH)
    side = np.cross(NORTH, flat)
    angle = math.copysign(math.radians(38), float(come @ side) or 1.0)
    out = math.cos(angle) * flat + math.sin(angle) * side + math.tan(math.radians(14)) * NORTH
    return quat.unit(out)


def _of_camera(camera: dict[str, Any], bodies: Bodies, at: BodyPositions) -> Pose:
    """The pose of a navigation state, as OpenSpace reads it."""
    anchor = bodies.find(str(camera["Anchor"]))
    frame = str(camera.get("ReferenceFrame") or "")
    if frame.casefold() in _WORLD:
        turn = np.eye(3)
    else:
        turn = GALACTIC if frame.casefold() == "icrf" else at.rotations[bodies.find(frame)]
    position = turn @ _vector(camera["Position"], "Position")
    distance = math.sqrt(float(position @ position))
    altitude = distance - float(bodies.radii[anchor])
    if altitude < LOWEST:
        raise ArgumentError(f"camera: Position is inside of {camera['Anchor']}")
    ahead = -position
    if camera.get("Aim") and (aim := bodies.find(str(camera["Aim"]))) != anchor:
        ahead = at.positions[aim] - at.positions[anchor] - position
    orientation = orientation_of(camera, turn, ahead)
    found = Pose(anchor, altitude, position / distance, orientation, False)
    follows = frame.casefold() in (bodies.names[anchor].casefold(), bodies.titles[anchor].casefold())
    return found.within(follows, at)


def orientation_of(
    camera: Mapping[str, Any], turn: np.ndarray | None = None, ahead: np.ndarray | None = None
) -> np.ndarray:
    """The quaternion that a navigation state means, in the axes that ``turn`` leads to from its own.

    Args:
        ahead: towards what the camera looks at when it is level; None: the anchor.
    """
    turn = np.eye(3) if turn is None else turn
    ahead = -(turn @ _vector(camera["Position"], "Position")) if ahead is None else ahead
    up = turn @ _vector(camera["Up"], "Up") if camera.get("Up") is not None else NORTH
    yaw, pitch = float(camera.get("Yaw") or 0), float(camera.get("Pitch") or 0)
    return navigation_states.orientation(ahead, up, yaw, pitch)


def reanchored(pose: Pose, anchor: int, bodies: Bodies, at: BodyPositions) -> Pose:
    """The same camera relative to the body in row ``anchor``."""
    position, orientation = pose.in_world(at, float(bodies.radii[pose.anchor]))
    position = position + at.positions[pose.anchor] - at.positions[anchor]
    distance = math.sqrt(float(position @ position))
    altitude = max(distance - float(bodies.radii[anchor]), LOWEST)
    return Pose(anchor, altitude, position / distance, orientation, False)


def _vector(value: Any, name: str) -> np.ndarray:
    vector = np.asarray(list(value.values()) if isinstance(value, dict) else value, float)
    if vector.shape != (3,) or not np.isfinite(vector).all() or not vector.any():
        raise ArgumentError(f"camera: {name} must be three finite numbers, not all 0, got {value!r}")
    return vector


def navigation_state(name: str, position: np.ndarray, orientation: np.ndarray) -> dict[str, Any]:
    """OpenSpace's table of a camera ``position`` metres off body ``name``, both in galactic axes."""
    turned = navigation_states.orientation_fields(quat.matrix(orientation), -position)
    return {"Anchor": name, "ReferenceFrame": "Root", "Position": position.tolist(), **turned}
