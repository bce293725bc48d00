"""``openspace.navigation``: the camera."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openspace_server.engines import ephemeris_time
from openspace_server.engines.base import EngineError
from openspace_server.engines.scene_engine import check_geographic
from openspace_server.engines.scripting.navigation_state import check_state
from openspace_server.engines.scripting.registry import function
from openspace_server.engines.scripting.time_control import check_duration
from openspace_server.engines.user_files import UserFile

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

MAX_STATE_BYTES = 100_000
"""Of a .navstate file."""


def seconds(duration: float | None) -> float | None:
    """A duration of a flight; None lets the engine choose. Raises EngineError."""
    return None if duration is None else check_duration(duration)


def metres(distance: float) -> float:
    """A height or distance. Raises EngineError."""
    if not math.isfinite(distance) or distance < 0:
        raise EngineError(f"a distance is a positive number of metres, not {distance:g}")
    return distance


def _radius(script_host: ScriptHost) -> float:
    focus = script_host.engine.focus
    return next((each.radius for each in script_host.engine.targets() if each.identifier == focus), 0.0)


@function("navigation", "getNavigationState")
def get_navigation_state(script_host: ScriptHost, frame: str | None = None) -> dict[str, Any]:
    """The navigation state of the camera: Anchor, Position {x, y, z} in metres, and Aim, ReferenceFrame (left out when
    it is the anchor), Up, Yaw, Pitch (radians) and Timestamp where they apply. Of a frame, only the present one can be
    asked for."""
    state = dict(script_host.engine.camera())
    if frame and frame not in (state.get("ReferenceFrame"), state["Anchor"]):
        raise EngineError(
            f"the navigation state can be given in the frame of {state['Anchor']!r} only, not of {frame!r}"
        )
    if "Timestamp" in state:
        state["Timestamp"] = ephemeris_time.spice(ephemeris_time.parse_time(str(state["Timestamp"])))
    if state.get("ReferenceFrame") == state["Anchor"]:
        del state["ReferenceFrame"]
    return {name: value for name, value in state.items() if value is not None}


@function("navigation", "setNavigationState")
def set_navigation_state(
    script_host: ScriptHost, navigation_state: dict[str, Any], use_time_stamp: bool = False
) -> None:
    """Set the camera to a navigation state; with useTimeStamp also set its time."""
    _jump(script_host, check_state(navigation_state), use_time_stamp)


@function("navigation", "jumpToNavigationState")
def jump_to_navigation_state(
    script_host: ScriptHost,
    navigation_state: dict[str, Any],
    use_time_stamp: bool = False,
    fade_duration: float | None = None,
) -> None:
    """Set the camera to a navigation state; there is no fade here."""
    _jump(script_host, check_state(navigation_state), use_time_stamp)


def _jump(script_host: ScriptHost, state: dict[str, Any], use_time_stamp: bool) -> None:
    timestamp = state.pop("Timestamp", None)
    if use_time_stamp:
        if timestamp is None:
            raise EngineError("the navigation state has no Timestamp")
        script_host.time.set(ephemeris_time.to_seconds(timestamp), script_host.now)
    script_host.engine.set_camera(state, script_host.now)


@function("navigation", "saveNavigationState")
def save_navigation_state(script_host: ScriptHost, path: str, frame: str = "") -> None:
    """Write the navigation state to a .navstate file below the user folder."""
    state = json.dumps(get_navigation_state(script_host, frame or None), indent=2)
    try:
        with _state_file(script_host, path).create() as file:
            file.write(state.encode())
    except OSError as error:
        raise EngineError(f"the navigation state cannot be written: {error}") from error


@function("navigation", "loadNavigationStateFromFile", "loadNavigationState")
def load_navigation_state(script_host: ScriptHost, file_path: str, use_time_stamp: bool = False) -> None:
    """Place the camera by a .navstate file below the user folder."""
    file = _state_file(script_host, file_path)
    try:
        with file.open(MAX_STATE_BYTES) as content:
            state = json.loads(content.read(MAX_STATE_BYTES))
    except OSError as error:
        raise EngineError(f"{file.name} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise EngineError(f"{file.name} cannot be read: it is not JSON") from None
    if not isinstance(state, dict):
        raise EngineError(f"{file.name} holds no navigation state")
    try:
        _jump(script_host, check_state(state), use_time_stamp)
    except EngineError:  # which quotes the file
        raise EngineError(f"{file.name} holds no navigation state of this scene") from None


def _state_file(script_host: ScriptHost, path: str) -> UserFile:
    """Raises EngineError."""
    return script_host.paths.file(path, ending="" if Path(path).suffix else ".navstate")


@function("navigation", "setFocus")
def set_focus(
    script_host: ScriptHost, identifier: str, should_retarget: bool = True, should_reset_velocities: bool = True
) -> None:
    """Orbit a node from where the camera is."""
    script_host.engine.set_focus(identifier)


@function("navigation", "retargetAnchor", "retargetAim")
def retarget_anchor(script_host: ScriptHost) -> None:
    """Turn the camera until the focus is in the middle."""
    script_host.engine.look_at_focus(script_host.now)


@function("navigation", "flyTo")
def fly_to(
    script_host: ScriptHost,
    node_identifier: str,
    use_up_from_target_or_duration: bool | float | None = None,
    duration: float | None = None,
) -> None:
    """Fly to a node, in so many seconds: flyTo(node, duration) or flyTo(node, useUpFromTarget, duration)."""
    fly_to_node(script_host, node_identifier, _duration(use_up_from_target_or_duration, duration))


def fly_to_node(script_host: ScriptHost, node: str, duration: float | None) -> None:
    """Fly to a node; None chooses the duration."""
    script_host.engine.fly_to(node, 5.0 if duration is None else duration, None, script_host.now)


def _duration(first: bool | float | None, second: float | None) -> float | None:
    return seconds(second if first is None or isinstance(first, bool) else first)


@function("navigation", "flyToHeight")
def fly_to_height(
    script_host: ScriptHost,
    node_identifier: str,
    height: float,
    use_up_from_target_or_duration: bool | float | None = None,
    duration: float | None = None,
) -> None:
    """Fly to a node until so many metres above its surface."""
    script_host.engine.fly_to_height(
        node_identifier, metres(height), _duration(use_up_from_target_or_duration, duration), script_host.now
    )


@function("navigation", "flyToGeo", "flyToGeo2")
def fly_to_geo(
    script_host: ScriptHost,
    node_identifier: str,
    latitude: float,
    longitude: float,
    altitude: float,
    duration: float | None = None,
    should_use_up_vector: bool | None = None,
) -> None:
    """Fly to a position over a body (the focus if empty): degrees, metres above the surface, seconds."""
    check_geographic(latitude, longitude)
    script_host.engine.fly_to_geo(
        node_identifier, latitude, longitude, metres(altitude), seconds(duration), script_host.now
    )


@function("navigation", "flyToNavigationState")
def fly_to_navigation_state(
    script_host: ScriptHost, navigation_state: dict[str, Any], duration: float | None = None
) -> None:
    """Fly to a navigation state."""
    state = check_state(navigation_state)
    state.pop("Timestamp", None)
    script_host.engine.fly_to_state(state, seconds(duration), script_host.now)


@function("navigation", "jumpTo")
def jump_to(script_host: ScriptHost, node_identifier: str, fade_duration: float | None = None) -> None:
    """Jump to a node; there is no fade here."""
    script_host.engine.fly_to(node_identifier, 0.0, None, script_host.now)


@function("navigation", "jumpToGeo")
def jump_to_geo(
    script_host: ScriptHost,
    globe: str,
    latitude: float,
    longitude: float,
    altitude: float | None = None,
    fade_duration: float | None = None,
) -> None:
    """Jump to a position over a body (the focus if empty): degrees, metres above the surface (as now if left out)."""
    check_geographic(latitude, longitude)
    height = None if altitude is None else metres(altitude)
    script_host.engine.fly_to_geo(globe, latitude, longitude, height, 0.0, script_host.now)


@function("navigation", "zoomToFocus")
def zoom_to_focus(script_host: ScriptHost, duration: float | None = None) -> None:
    """Move along the line to the focus until it is seen well."""
    fly_to_node(script_host, script_host.engine.focus, seconds(duration))


@function("navigation", "zoomToDistance")
def zoom_to_distance(script_host: ScriptHost, distance: float, duration: float | None = None) -> None:
    """Move along the line to the focus until so many metres above its surface."""
    script_host.engine.zoom_to(metres(distance), seconds(duration), script_host.now)


@function("navigation", "zoomToDistanceRelative")
def zoom_to_distance_relative(script_host: ScriptHost, distance: float, duration: float | None = None) -> None:
    """Move along the line to the focus until so many radii above its surface."""
    script_host.engine.zoom_to(metres(distance * _radius(script_host)), seconds(duration), script_host.now)


@function("navigation", "isFlying")
def is_flying(script_host: ScriptHost) -> bool:
    """Whether a flight is under way."""
    return script_host.engine.flying


@function("navigation", "distanceToFocus")
def distance_to_focus(script_host: ScriptHost) -> float:
    """Metres from the camera to the centre of the focus."""
    return script_host.engine.focus_distance()


@function("navigation", "distanceToFocusBoundingSphere", "distanceToFocusInteractionSphere")
def distance_to_focus_surface(script_host: ScriptHost) -> float:
    """Metres from the camera to the sphere around the focus."""
    return script_host.engine.focus_distance() - _radius(script_host)


def _nudge(script_host: ScriptHost, **axes: float) -> None:
    if not all(math.isfinite(value) for value in axes.values()):
        raise EngineError("a rotation must be finite")
    script_host.engine.nudge({axis: max(-100.0, min(100.0, value)) for axis, value in axes.items()}, script_host.now)


@function("navigation", "addGlobalRotation")
def add_global_rotation(script_host: ScriptHost, x_value: float, y_value: float) -> None:
    """Push the camera around the focus."""
    _nudge(script_host, orbitX=x_value, orbitY=y_value)


@function("navigation", "addLocalRotation")
def add_local_rotation(script_host: ScriptHost, x_value: float, y_value: float) -> None:
    """Push the direction of view."""
    _nudge(script_host, panX=x_value, panY=y_value)


@function("navigation", "addTruckMovement")
def add_truck_movement(script_host: ScriptHost, value: float) -> None:
    """Push the camera towards the focus, or away from it."""
    _nudge(script_host, zoomIn=value)


@function("navigation", "addLocalRoll")
def add_local_roll(script_host: ScriptHost, value: float) -> None:
    """Roll the camera about the direction of view."""
    _nudge(script_host, localRollX=value)


@function("navigation", "addGlobalRoll")
def add_global_roll(script_host: ScriptHost, value: float) -> None:
    """Roll the camera about the line to the focus."""
    _nudge(script_host, globalRollX=value)
