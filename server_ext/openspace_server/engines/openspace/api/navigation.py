"""Navigation of OpenSpace: camera and clock through its Lua library, with the same calls for every release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError, Target, UnknownTarget
from openspace_server.engines.openspace.api.client import ANCHOR_URI, ANSWER_TIMEOUT, ApiClient
from openspace_server.engines.openspace.api.dialect import FLIGHTS_MOVED
from openspace_server.engines.openspace.api.lua import Scripts, literal, numbers, texts

MAX_TARGETS = 400
PROFILE_TIMEOUT = 5.0
UP = (0.0, 1.0, 0.0)
"""Upwards, where a navigation state does not say."""
SAME = 1e-5
"""Radians, and of a distance: below this a camera counts as not moved."""
LIFTED = 0.01
"""Of a distance."""
SHORTEST_FLIGHT = 0.05
"""Seconds: OpenSpace knows no flight of none."""


@dataclass(frozen=True)
class ViewState:
    """Time and camera of OpenSpace: ``time`` in UTC without a zone, ``camera`` as OpenSpace takes it back."""

    time: str
    camera: dict[str, Any]
    paused: bool


class Navigation:
    """Sends scripts and waits for each answer, which takes OpenSpace a frame."""

    def __init__(self, client: ApiClient, scripts: Scripts) -> None:
        self._scripts = scripts
        self._client = client
        moved = client.version >= FLIGHTS_MOVED
        self._flights = "navigation" if moved else "pathnavigation"
        self._has_profile = moved
        self._targets: list[Target] | None = None

    # -- targets -------------------------------------------------------------------------------------------------

    def targets(self) -> list[Target]:
        """The profile's marked nodes first, then globes, then all others. Only globes have a radius: the sphere around
        another node, such as a trail, is no surface."""
        if self._targets is None:
            marked, radii = self._marked(), self._globes()
            others = [node for node in [*radii, *self.nodes()] if node not in marked]
            names = dict.fromkeys(marked, "marked") | {n: "globe" if n in radii else "node" for n in others}
            known = [Target(node, node, kind, radii.get(node, 0.0)) for node, kind in names.items()]
            self._targets = known[:MAX_TARGETS]
        return self._targets

    def _globes(self) -> dict[str, float]:
        """Radii in metres of all globes, in the order of the scene."""
        found = self._scripts.run(
            "local found = {}\n"
            "for _, node in ipairs(openspace.sceneGraphNodes()) do\n"
            '  local kind = "Scene." .. node .. ".Renderable.Type"\n'
            '  if openspace.hasProperty(kind) and openspace.propertyValue(kind) == "RenderableGlobe" then\n'
            '    found[#found + 1] = node .. " " .. string.format("%.17g", openspace.interactionSphere(node))\n'
            "  end\n"
            "end\n"
            'return table.concat(found, "\\n")'
        )
        rows = [line.rsplit(" ", 1) for line in str(found or "").splitlines()]
        return {node: float(radius) for node, radius in rows}

    def nodes(self) -> list[str]:
        """Identifiers of all scene graph nodes."""
        return texts(self._scripts.call("sceneGraphNodes"))

    def require(self, target: str) -> None:
        """Raises UnknownTarget, with near names."""
        if self._scripts.call("hasSceneGraphNode", target) is not True:
            raise UnknownTarget(target, self.nodes())

    def _marked(self) -> list[str]:
        if not self._has_profile:
            return []
        try:
            profile = self._client.ask("profile", {}, PROFILE_TIMEOUT)
        except EngineError:
            return []
        return texts(profile.get("markNodes")) if isinstance(profile, dict) else []

    # -- camera --------------------------------------------------------------------------------------------------

    def camera(self) -> dict[str, Any]:
        """The navigation state, vectors as lists."""
        return _navigation_state(self._scripts.call("navigation.getNavigationState"))

    def ask_camera(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """As :meth:`camera` without waiting; ``callback`` is called on another thread."""
        script = {"script": "return openspace.navigation.getNavigationState()", "return": True}
        self._client.request("luascript", script, lambda answer: callback(_navigation_state(answer.get("1"))))

    def set_camera(self, state: dict[str, Any]) -> None:
        """Set the camera to a state as :meth:`camera` returns it."""
        self.check_camera(state)
        self._scripts.call("navigation.setNavigationState", state)

    def check_camera(self, state: dict[str, Any]) -> None:
        """Raises EngineError, UnknownTarget."""
        anchor = state.get("Anchor")
        if not isinstance(anchor, str) or "Position" not in state:
            raise EngineError("a navigation state needs at least Anchor and Position")
        self.require(anchor)

    def fly_to(self, target: str, duration: float, distance: float | None) -> None:
        """Start a flight; ``distance`` in metres from the target's centre."""
        self.require(target)
        arguments: list[Any] = [target, max(duration, SHORTEST_FLIGHT)]
        name = "flyTo"
        if distance is not None:
            radius = self._radius(target)
            if distance <= radius:
                raise EngineError(f"distance: {distance:g} m is within {target}, whose radius is {radius:g} m")
            name, arguments = "flyToHeight", [target, distance - radius, max(duration, SHORTEST_FLIGHT)]
        self._scripts.call(f"{self._flights}.{name}", *arguments)

    def fly_to_state(self, state: dict[str, Any], duration: float) -> None:
        """Fly to a navigation state, or jump to it where this release has no such flights."""
        if self._flights == "navigation":
            self._scripts.call("navigation.flyToNavigationState", state, duration)
        else:
            self._scripts.call("navigation.setNavigationState", state)

    def stop_flight(self) -> None:
        self._scripts.call("pathnavigation.stopPath")

    def set_focus(self, target: str) -> None:
        """Orbit ``target``, turning to it."""
        self.require(target)
        anchor, aim = ANCHOR_URI, ANCHOR_URI.replace("Anchor", "Aim")
        retarget = ANCHOR_URI.replace("Anchor", "RetargetAnchor")
        self._scripts.run(
            f"openspace.setPropertyValueSingle({literal(anchor)}, {literal(target)})\n"
            f'openspace.setPropertyValueSingle({literal(aim)}, "")\n'
            f"openspace.setPropertyValueSingle({literal(retarget)}, nil)"
        )

    def _radius(self, target: str) -> float:
        """Metres from the centre from which flights count heights."""
        spheres = f"openspace.boundingSphere({literal(target)}), openspace.interactionSphere({literal(target)})"
        return float(self._scripts.run(f"return math.max({spheres})"))

    # -- time ----------------------------------------------------------------------------------------------------

    def set_time(self, time: str) -> str:
        """Jump to an ISO 8601 time; returns it in UTC. Raises EngineError."""
        utc = utc_of(time)
        self._scripts.call("time.setTime", utc)
        return f"{utc}Z"

    # -- camera and clock at once ---------------------------------------------------------------------------------

    def view_state(self) -> ViewState:
        """The present time and camera."""
        fields = self._scripts.run(
            "return {Time = openspace.time.UTC(), Paused = openspace.time.isPaused(), "
            "Camera = openspace.navigation.getNavigationState()}"
        )
        return ViewState(fields["Time"], _vectors(fields["Camera"]), fields["Paused"] is True)

    def set_view_state(self, state: ViewState) -> None:
        """Set time and camera from the next frame on."""
        # Pausing first: it puts the time of now on OpenSpace's timeline, which setting the time clears.
        self._scripts.run(
            f"openspace.time.setPause({literal(state.paused)})\n"
            f"openspace.time.setTime({literal(state.time)})\n"
            f"openspace.navigation.setNavigationState({literal(_timeless(state.camera))})"
        )

    def step(self, camera: dict[str, Any], time: str | None) -> dict[str, Any]:
        """Set the camera, and the time unless None; returns the previous camera, as OpenSpace takes it back."""
        state = self._scripts.run(
            "local before = openspace.navigation.getNavigationState()\n"
            + (f"openspace.time.setTime({literal(time)})\n" if time is not None else "")
            + f"openspace.navigation.setNavigationState({literal(_timeless(camera))})\n"
            "return before"
        )
        return _vectors(state)

    def body_positions(self, nodes: Sequence[str], then: str | None) -> tuple[str, np.ndarray]:
        """The time, and the positions of ``nodes`` in the frame that is drawn now: float64 ``(nodes, 12)``, the
        position in metres and the rotation matrix column after column. ``then`` is the time from the next frame on."""
        reply = self._scripts.run(
            "local found = {openspace.time.UTC()}\n"
            f"for _, node in ipairs({literal(list(nodes))}) do\n"
            "  for _, numbers in ipairs({openspace.worldPosition(node), openspace.worldRotation(node)}) do\n"
            '    for _, number in ipairs(numbers) do found[#found + 1] = string.format("%.17g", number) end\n'
            "  end\n"
            "end\n"
            + (f"openspace.time.setTime({literal(then)})\n" if then is not None else "")
            + 'return table.concat(found, " ")'
        )
        time, *found = str(reply).split()
        return time, np.array(found, float).reshape(len(nodes), 12)

    def wait_frame(self, timeout: float = ANSWER_TIMEOUT) -> None:
        """See :meth:`Scripts.wait_frame`."""
        self._scripts.wait_frame(timeout)

    def set_rate(self, rate: float) -> None:
        self._scripts.call("time.setDeltaTime", float(rate))

    def set_paused(self, paused: bool) -> None:
        self._scripts.call("time.setPause", paused)


def _navigation_state(table: Any) -> dict[str, Any]:
    return plain_state(_vectors(table))


def _vectors(table: Any) -> dict[str, Any]:
    if not isinstance(table, dict) or "Anchor" not in table:
        raise EngineError(f"OpenSpace returned {str(table)[:80]} instead of a navigation state")
    return {name: numbers(value) if name in ("Position", "Up") else value for name, value in table.items()}


def _timeless(state: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name != "Timestamp"}


def same_camera(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two plain navigation states are the same camera, but for what rounding makes of large numbers."""
    if any(one.get(name) != other.get(name) for name in ("Anchor", "ReferenceFrame")):
        return False
    position, there = np.array(one["Position"]), np.array(other["Position"])
    near = SAME * float(np.linalg.norm(position))
    up, there_up = np.array(one.get("Up", UP)), np.array(other.get("Up", UP))
    angles = [abs(float(one.get(name, 0)) - float(other.get(name, 0))) for name in ("Yaw", "Pitch")]
    return bool(np.abs(position - there).max() <= near and np.abs(up - there_up).max() <= SAME and max(angles) <= SAME)


def has_reached(camera: dict[str, Any], goal: dict[str, Any]) -> bool:
    """Whether ``camera`` may be at ``goal``, whatever axes the states are in. OpenSpace lifts cameras out of mountains,
    so the distance may differ by some kilometres over the Earth."""
    distance, expected = (float(np.linalg.norm(numbers(state["Position"]))) for state in (camera, goal))
    return bool(camera["Anchor"] == goal["Anchor"]) and abs(distance - expected) <= LIFTED * expected


def plain_state(state: dict[str, Any]) -> dict[str, Any]:
    """A navigation state of OpenSpace's as every engine returns it: with its frame, which OpenSpace leaves out where it
    is the anchor's; without the aim, by which OpenSpace steers but which it does not look at."""
    return {"ReferenceFrame": state["Anchor"]} | {name: value for name, value in state.items() if name != "Aim"}


def utc_of(time: str) -> str:
    """``time`` as OpenSpace expects it: UTC, without a zone."""
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        raise EngineError(f"time: expected ISO 8601 such as 2026-08-12T17:45:00Z, got {time!r}") from None
    if parsed.tzinfo is not None:
        parsed = parsed.astimezone(UTC).replace(tzinfo=None)
    return parsed.isoformat(timespec="milliseconds")


def same_time(one: str, other: str) -> bool:
    """Whether two times of OpenSpace's are the same but for rounding."""
    try:
        apart = datetime.fromisoformat(one) - datetime.fromisoformat(other)
    except ValueError:
        return False
    return abs(apart) <= timedelta(milliseconds=2)
