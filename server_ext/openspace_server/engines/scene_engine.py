"""The contract of engines with a scene graph, on which OpenSpace's scripts and API act.

Units: metres, seconds, degrees for geographic angles, radians for everything else. Only :attr:`SceneEngine.tree` and
:meth:`SceneEngine.advance` are required; what an engine leaves out is refused with a reason that names it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, Frame
from openspace_server.engines.point_engine import Completion, PointEngine
from openspace_server.engines.properties import Property, PropertyTree
from openspace_server.protocols.session_recording import CameraPose

JOYSTICK_AXES = (
    "orbitX",
    "orbitY",
    "zoomIn",
    "zoomOut",
    "localRollX",
    "localRollY",
    "globalRollX",
    "globalRollY",
    "panX",
    "panY",
)
"""Axes of OpenSpace's flight controller, each -1 to 1."""


@dataclass(frozen=True)
class GeoPosition:
    """A position over a body: ``latitude`` and ``longitude`` in degrees, ``altitude`` in metres above its surface."""

    latitude: float
    longitude: float
    altitude: float = 0.0


def check_geographic(latitude: float, longitude: float) -> None:
    """Raises EngineError unless these are degrees of a position on a body."""
    if not -90 <= latitude <= 90 or not math.isfinite(longitude):
        raise EngineError(f"a latitude is -90 to 90 degrees, a longitude finite; got {latitude:g}, {longitude:g}")


@dataclass(frozen=True)
class Flight:
    """A flight that is under way; ``remaining`` in seconds."""

    origin: str
    target: str
    remaining: float
    paused: bool = False


_STYLE = {
    "visible": "Enabled",
    "opacity": "Opacity",
    "size": "SizeSettings.MaxSize",
    "color": "Coloring.FixedColor",
}
"""The style of points as properties below the node's renderable."""


class SceneEngine(PointEngine):
    """An engine with a scene graph. As in :class:`Engine`, ``now`` is :func:`time.monotonic`."""

    @property
    @abstractmethod
    def tree(self) -> PropertyTree:
        """All properties; scene nodes are owners below ``Scene``. The engine adds and removes as nodes come and go."""

    @abstractmethod
    def advance(self, now: float) -> None:
        """Bring clock, camera and flights up to ``now`` without drawing: ``time`` and ``camera()`` are fresh then."""

    # -- camera --------------------------------------------------------------------------------------------------

    def joystick(self, axes: Mapping[str, float], now: float) -> None:
        """Set the virtual joystick: each of :data:`JOYSTICK_AXES` -1 to 1, absent ones 0; it stays so until the next
        call. Anything but zeros ends a flight."""
        self._lacks("a joystick")

    def nudge(self, axes: Mapping[str, float], now: float) -> None:
        """One push of the camera along :data:`JOYSTICK_AXES`, as ``navigation.addLocalRotation`` and its kin do it; the
        camera then coasts to rest."""
        self._lacks("pushes of the camera")

    def set_aim(self, target: str) -> None:
        """Keep looking at ``target`` while orbiting the focus; an empty string looks at the focus again."""
        self._lacks("an aim of its own")

    def look_at_focus(self, now: float) -> None:
        """Turn until the focus is in the middle (``retargetAnchor``)."""
        self._lacks("retargeting")

    def fly_to_height(self, target: str, height: float, duration: float | None, now: float) -> None:
        """Fly to ``height`` metres above the surface of ``target``. Here and below: a duration of None lets the engine
        choose, 0 jumps. Raises UnknownTarget, EngineError."""
        self._lacks("flights to a height")

    def fly_to_geo(
        self, target: str, latitude: float, longitude: float, altitude: float | None, duration: float | None, now: float
    ) -> None:
        """Fly to a position over ``target`` (the focus if empty); an altitude of None keeps the present one."""
        self._lacks("flights to geographic positions")

    def fly_to_state(self, state: dict[str, Any], duration: float | None, now: float) -> None:
        """Fly to a navigation state (see :meth:`Engine.camera`)."""
        self._lacks("flights to navigation states")

    def zoom_to(self, height: float, duration: float | None, now: float) -> None:
        """Move along the line to the focus until ``height`` metres above its surface."""
        self._lacks("zooming to a distance")

    def flight(self) -> Flight | None:
        """The flight that is under way."""
        return Flight("", self.focus, 0.0) if self.flying else None

    def pause_flight(self, paused: bool, now: float) -> None:
        """Pause or continue the flight."""
        self._lacks("pausing a flight")

    def stop_flight(self, now: float) -> None:
        """End the flight where it is."""
        self._lacks("stopping a flight")

    def finish_flight(self, now: float) -> None:
        """Jump to the end of the flight."""
        self._lacks("skipping a flight")

    def camera_position(self) -> GeoPosition:
        """The camera's position over the focus."""
        self._lacks("geographic positions")

    def view_position(self) -> GeoPosition | None:
        """Where the line of sight meets the focus; None when it misses."""
        return None

    def subsolar_position(self) -> GeoPosition | None:
        """Where on the focus the Sun is in the zenith; None when that makes no sense."""
        return None

    def surface_point(self, target: str, position: GeoPosition) -> tuple[float, float, float]:
        """The body-fixed coordinates of ``position``, metres from the centre of ``target``."""
        self._lacks("geographic positions")

    def focus_distance(self) -> float:
        """Metres from the camera to the centre of the focus."""
        x, y, z = self.camera()["Position"]
        return float((x * x + y * y + z * z) ** 0.5)

    def pose(self) -> CameraPose:
        """The camera pose as recordings keep it."""
        self._lacks("camera poses")

    def set_pose(self, pose: CameraPose, now: float) -> None:
        """Set the camera. Raises UnknownTarget, EngineError."""
        self._lacks("camera poses")

    # -- scene ---------------------------------------------------------------------------------------------------

    def add_node(self, node: dict[str, Any]) -> None:
        """Add a scene graph node from OpenSpace's table (``Identifier``, ``Parent``, ``Renderable``, …)."""
        self._lacks("adding scene graph nodes")

    def remove_node(self, identifier: str) -> None:
        """Remove a node. Raises UnknownTarget."""
        self._lacks("removing scene graph nodes")

    def set_parent(self, identifier: str, parent: str) -> None:
        """Move a node below another one."""
        self._lacks("moving scene graph nodes")

    def world_position(self, identifier: str) -> tuple[float, float, float]:
        """Metres from the Sun's barycentre, in OpenSpace's world axes. Raises UnknownTarget."""
        self._lacks("world positions")

    def body_positions(self, targets: Sequence[str], time: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions and rotations of ``targets`` at ``time`` (ISO 8601) in OpenSpace's world axes.

        Returns float64 ``(n, 3)``, metres from the Sun, and ``(n, 3, 3)``, rotation matrices from body-fixed axes.
        Raises UnknownTarget, EngineError.
        """
        self._lacks("positions of bodies at other times")

    def body_positions_in_parts(
        self, targets: Sequence[str], times: Sequence[str]
    ) -> Generator[None, None, tuple[np.ndarray, np.ndarray]]:
        found = []
        for time in times:
            found.append(self.body_positions(targets, time))
            yield
        shape = (len(times), len(targets), 3)
        positions = np.array([each[0] for each in found], float).reshape(shape)
        return positions, np.array([each[1] for each in found], float).reshape(*shape, 3)

    def world_rotation(self, identifier: str) -> np.ndarray:
        """Rotation matrix ``(3, 3)`` from a node's own axes to OpenSpace's world axes. Raises UnknownTarget."""
        self._lacks("world rotations")

    def assets(self) -> dict[str, bool]:
        """The built-in assets, and whether each is loaded."""
        return {}

    def set_asset(self, name: str, loaded: bool) -> None:
        """Load or unload a built-in asset."""
        self._lacks("loading and unloading assets")

    # -- points --------------------------------------------------------------------------------------------------

    def remove_points(self, identifier: str) -> Completion:
        self.remove_node(identifier)
        return None

    def has_points(self, identifier: str) -> bool:
        return self.tree.owner(f"Scene.{identifier}") is not None

    def point_style(self, identifier: str) -> dict[str, Any]:
        return {name: self._style_property(identifier, name).value for name in _STYLE}

    def style_points(self, identifier: str, style: Mapping[str, Any]) -> Completion:
        for name, value in style.items():
            self._style_property(identifier, name).set(value)
        return None

    def _style_property(self, identifier: str, name: str) -> Property:
        return self.tree.get(f"Scene.{identifier}.Renderable.{_STYLE[name]}")

    # -- frames --------------------------------------------------------------------------------------------------

    def last_frame(self) -> Frame | None:
        """The frame drawn last, for screenshots; None before the first."""
        return None
