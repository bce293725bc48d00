"""A complete SceneEngine without drawing: bodies that stand still, a camera that obeys, a clock that runs."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, Frame, Motion, Target, UnknownTarget
from openspace_server.engines.properties import Property, PropertyOwner, PropertyTree
from openspace_server.engines.scene_engine import JOYSTICK_AXES, Flight, GeoPosition, SceneEngine
from openspace_server.protocols.session_recording import CameraPose

AU = 1.495978707e11
BODIES = {
    "Sun": ("star", 6.957e8, (0.0, 0.0, 0.0)),
    "Mercury": ("planet", 2.4397e6, (0.4 * AU, 0.0, 0.0)),
    "Earth": ("planet", 6.371e6, (AU, 0.0, 0.0)),
    "Moon": ("moon", 1.7374e6, (AU + 3.844e8, 0.0, 0.0)),
    "Mars": ("planet", 3.3895e6, (0.0, 1.5 * AU, 0.0)),
}


class FakeSceneEngine(SceneEngine):
    name = "fake"

    def __init__(self) -> None:
        self.bodies: dict[str, tuple[str, float, tuple[float, float, float]]] = dict(BODIES)
        self.thread: int | None = None
        self.draws = 0
        self.axes: dict[str, float] = {}
        self.nudges: list[dict[str, float]] = []
        self.calls: list[str] = []
        self._tree = PropertyTree()
        self._scene = PropertyOwner("Scene")
        self._tree.root.add(self._scene)
        for name in self.bodies:
            self._scene.add(_node(name, self.bodies[name][0]))
        self._focus = "Earth"
        self._position = np.array([0.0, 0.0, 2e7])
        self._moment = datetime(2026, 8, 12, 17, 45, tzinfo=UTC)
        self._rate, self._paused = 1.0, True
        self._now: float | None = None
        self._flight: dict[str, Any] | None = None
        self._assets = {"base": True, "scene/solarsystem/planets/earth/earth": True, "constellations": False}
        self._frame: Frame | None = None

    # -- Engine --------------------------------------------------------------------------------------------------

    def open(self, width: int, height: int) -> None:
        self.width, self.height = width, height

    def close(self) -> None:
        pass

    def describe(self) -> dict[str, Any]:
        return {"engine": "fake", "renderer": "none", "gpu": False}

    def resize(self, width: int, height: int) -> None:
        self.width, self.height = width, height

    def draw(self, now: float) -> Frame:
        self.advance(now)
        self.draws += 1
        pixels = np.full((self.height, self.width, 4), (30, 60, 90, 255), np.uint8)
        self._frame = Frame(self.draws, pixels, self.time, self.camera())
        return self._frame

    def next_change(self, now: float) -> float:
        return 0.0 if self._flight or any(self.axes.values()) else math.inf

    def move(self, motion: Motion, now: float) -> None:
        self._flight = None

    def targets(self) -> list[Target]:
        return [Target(name, name, kind, radius) for name, (kind, radius, _) in self.bodies.items()]

    @property
    def focus(self) -> str:
        return self._focus

    def set_focus(self, target: str) -> None:
        self._position = self._position + self._place(self._focus) - self._place(target)
        self._focus = target

    def fly_to(self, target: str, duration: float, distance: float | None, now: float) -> None:
        radius = self._body(target)[1]
        self._fly(target, np.array([0.0, 0.0, distance or 4 * radius]), duration, now)

    @property
    def flying(self) -> bool:
        return self._flight is not None

    def home(self, now: float) -> None:
        self.fly_to("Earth", 1.0, None, now)

    @property
    def time(self) -> str:
        return f"{self._moment:%Y-%m-%dT%H:%M:%S}.{self._moment.microsecond // 1000:03d}Z"

    def set_time(self, time: str, now: float) -> None:
        self.advance(now)
        moment = datetime.fromisoformat(time)
        if not 1000 <= moment.year <= 3000:
            raise EngineError(f"{time} is outside the years 1000 to 3000")
        self._moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment

    @property
    def rate(self) -> float:
        return self._rate

    def set_rate(self, rate: float, now: float) -> None:
        self.advance(now)
        if abs(rate) > 1e10:
            raise EngineError("rate must be from -1e10 to 1e10")
        self._rate = rate

    @property
    def paused(self) -> bool:
        return self._paused

    def set_paused(self, paused: bool, now: float) -> None:
        self.advance(now)
        self._paused = paused

    def camera(self) -> dict[str, Any]:
        position = [float(x) for x in self._position]
        return {"Anchor": self._focus, "Position": position, "Up": [0.0, 1.0, 0.0], "Timestamp": self.time}

    def set_camera(self, state: dict[str, Any], now: float) -> None:
        self._body(state["Anchor"])
        self._focus, self._position = state["Anchor"], np.array(state["Position"], float)
        self._flight = None

    # -- SceneEngine ---------------------------------------------------------------------------------------------

    @property
    def tree(self) -> PropertyTree:
        return self._tree

    def advance(self, now: float) -> None:
        self.thread = self.thread or threading.get_ident()
        assert self.thread == threading.get_ident(), "the engine was touched from two threads"
        elapsed = 0.0 if self._now is None else max(now - self._now, 0.0)
        self._now = now
        if not self._paused:
            try:
                self._moment += timedelta(seconds=elapsed * self._rate)
            except OverflowError:
                self._moment = datetime(2999, 1, 1, tzinfo=UTC)
        if "zoomIn" in self.axes:
            self._position = self._position * math.exp(-elapsed * self.axes["zoomIn"])
        flight = self._flight
        if flight is not None and not flight["paused"]:
            flight["left"] -= elapsed
            if flight["left"] <= 0:
                self.finish_flight(now)

    def joystick(self, axes: Mapping[str, float], now: float) -> None:
        assert set(axes) <= set(JOYSTICK_AXES)
        assert all(-1 <= value <= 1 for value in axes.values())
        self.advance(now)
        self.axes = dict(axes)
        if axes:
            self._flight = None

    def nudge(self, axes: Mapping[str, float], now: float) -> None:
        self.nudges.append(dict(axes))

    def set_aim(self, target: str) -> None:
        if target:
            self._body(target)

    def look_at_focus(self, now: float) -> None:
        self.calls.append("look_at_focus")

    def fly_to_height(self, target: str, height: float, duration: float | None, now: float) -> None:
        self._fly(target, np.array([0.0, 0.0, self._body(target)[1] + height]), duration, now)

    def fly_to_geo(
        self, target: str, latitude: float, longitude: float, altitude: float | None, duration: float | None, now: float
    ) -> None:
        target = target or self._focus
        height = self.camera_position().altitude if altitude is None else altitude
        self._fly(target, np.array(self.surface_point(target, GeoPosition(latitude, longitude, height))), duration, now)

    def fly_to_state(self, state: dict[str, Any], duration: float | None, now: float) -> None:
        self._fly(state["Anchor"], np.array(state["Position"], float), duration, now)

    def zoom_to(self, height: float, duration: float | None, now: float) -> None:
        direction = self._position / np.linalg.norm(self._position)
        self._fly(self._focus, direction * (self._body(self._focus)[1] + height), duration, now)

    def flight(self) -> Flight | None:
        if self._flight is None:
            return None
        return Flight(self._flight["from"], self._flight["to"], self._flight["left"], self._flight["paused"])

    def pause_flight(self, paused: bool, now: float) -> None:
        assert self._flight is not None
        self._flight["paused"] = paused

    def stop_flight(self, now: float) -> None:
        self._flight = None

    def finish_flight(self, now: float) -> None:
        if self._flight is not None:
            self._focus, self._position = self._flight["to"], self._flight["end"]
        self._flight = None

    def camera_position(self) -> GeoPosition:
        x, y, z = self._position
        distance = float(np.linalg.norm(self._position))
        longitude = math.degrees(math.atan2(y, x))
        return GeoPosition(math.degrees(math.asin(z / distance)), longitude, distance - self._body(self._focus)[1])

    def subsolar_position(self) -> GeoPosition | None:
        return GeoPosition(12.5, -90.0)

    def surface_point(self, target: str, position: GeoPosition) -> tuple[float, float, float]:
        distance = self._body(target)[1] + position.altitude
        latitude, longitude = math.radians(position.latitude), math.radians(position.longitude)
        flat = distance * math.cos(latitude)
        return flat * math.cos(longitude), flat * math.sin(longitude), distance * math.sin(latitude)

    def pose(self) -> CameraPose:
        x, y, z = (float(each) for each in self._position)
        return CameraPose(self._focus, (x, y, z), (0.0, 0.0, 0.0, 1.0))

    def set_pose(self, pose: CameraPose, now: float) -> None:
        self._body(pose.focus)
        self._focus, self._position, self._flight = pose.focus, np.array(pose.position), None

    def add_node(self, node: dict[str, Any]) -> None:
        if node.get("Renderable", {}).get("Type") not in ("RenderablePointCloud", None):
            raise EngineError(f"no renderable {node['Renderable']['Type']!r} here")
        self.bodies[node["Identifier"]] = ("node", 1.0, (0.0, 0.0, 0.0))
        self._scene.add(_node(node["Identifier"], "node"))

    def remove_node(self, identifier: str) -> None:
        self._body(identifier)
        if identifier in BODIES:
            raise EngineError(f"{identifier} is built in")
        del self.bodies[identifier]
        self._scene.remove(identifier)

    def set_parent(self, identifier: str, parent: str) -> None:
        self.calls.append(f"set_parent {identifier} {parent}")

    def world_position(self, identifier: str) -> tuple[float, float, float]:
        return self._body(identifier)[2]

    def assets(self) -> dict[str, bool]:
        return dict(self._assets)

    def set_asset(self, name: str, loaded: bool) -> None:
        self._assets[name] = loaded

    def last_frame(self) -> Frame | None:
        return self._frame

    # -- inside --------------------------------------------------------------------------------------------------

    def _body(self, name: str) -> tuple[str, float, tuple[float, float, float]]:
        if name not in self.bodies:
            raise UnknownTarget(name, self.bodies)
        return self.bodies[name]

    def _place(self, name: str) -> np.ndarray:
        return np.array(self._body(name)[2])

    def _fly(self, target: str, end: np.ndarray, duration: float | None, now: float) -> None:
        self._body(target)
        self.advance(now)
        left = 2.0 if duration is None else duration
        self._flight = {"from": self._focus, "to": target, "end": end, "left": left, "paused": False}
        if left == 0:
            self.finish_flight(now)


def _node(name: str, kind: str) -> PropertyOwner:
    node = PropertyOwner(name, tags=[f"{kind}_solarSystem"] if kind in ("planet", "moon") else [])
    renderable = PropertyOwner("Renderable")
    renderable.add(Property("Enabled", "Bool", True, name="Enabled"))
    renderable.add(Property("Opacity", "Float", 1.0, low=0, high=1, step=0.01))
    renderable.add(Property("Fade", "Float", 1.0, low=0, high=1))
    renderable.add(Property("Type", "String", "RenderableGlobe", read_only=True))
    renderable.add(Property("Color", "Vec3", (1, 1, 1), low=0, high=1, view_options={"Color": True}))
    node.add(renderable)
    scale = PropertyOwner("Scale")
    scale.add(Property("Scale", "Float", 1.0, low=0.1, high=1e6, exponent=3))
    node.add(scale)
    return node
