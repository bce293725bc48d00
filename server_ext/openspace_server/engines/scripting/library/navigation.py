"""``openspace.navigation``: the camera."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting import ephemeris_time
from openspace_server.engines.scripting.navigation_state import check_state
from openspace_server.engines.scripting.registry import function
from openspace_server.engines.user_files import UserFile

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program

MAX_STATE_BYTES = 100_000
"""Of a .navstate file."""


def seconds(duration: float | None) -> float | None:
    """A duration as engines want it. Raises EngineError."""
    if duration is not None and not (math.isfinite(duration) and 0 <= duration <= 1e5):
        raise EngineError(f"a duration is 0 to 100000 seconds, not {duration:g}")
    return duration


def metres(distance: float) -> float:
    """A height or distance. Raises EngineError."""
    if not math.isfinite(distance) or distance < 0:
        raise EngineError(f"a distance is a positive number of metres, not {distance:g}")
    return distance


def _degrees(latitude: float, longitude: float) -> tuple[float, float]:
    if not -90 <= latitude <= 90 or not math.isfinite(longitude):
        raise EngineError(f"a latitude is -90 to 90 degrees, a longitude finite; got {latitude:g}, {longitude:g}")
    return latitude, longitude


def _radius(program: Program) -> float:
    focus = program.engine.focus
    return next((each.radius for each in program.engine.targets() if each.identifier == focus), 0.0)


@function("navigation", "getNavigationState")
def get_navigation_state(program: Program, frame: str | None = None) -> dict[str, Any]:
    """The navigation state of the camera: Anchor, Position {x, y, z} in metres, and Aim, ReferenceFrame (left out when
    it is the anchor), Up, Yaw, Pitch (radians) and Timestamp where they apply. Of a frame, only the present one can be
    asked for."""
    state = dict(program.engine.camera())
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
def set_navigation_state(program: Program, navigation_state: dict[str, Any], use_time_stamp: bool = False) -> None:
    """Place the camera by a navigation state; with useTimeStamp also set its time."""
    _jump(program, check_state(navigation_state), use_time_stamp)


@function("navigation", "jumpToNavigationState")
def jump_to_navigation_state(
    program: Program, navigation_state: dict[str, Any], use_time_stamp: bool = False, fade_duration: float | None = None
) -> None:
    """Place the camera by a navigation state; there is no fade here."""
    _jump(program, check_state(navigation_state), use_time_stamp)


def _jump(program: Program, state: dict[str, Any], use_time_stamp: bool) -> None:
    timestamp = state.pop("Timestamp", None)
    if use_time_stamp:
        if timestamp is None:
            raise EngineError("the navigation state has no Timestamp")
        program.time.set(ephemeris_time.to_seconds(timestamp), program.now)
    program.engine.set_camera(state, program.now)


@function("navigation", "saveNavigationState")
def save_navigation_state(program: Program, path: str, frame: str = "") -> None:
    """Write the navigation state to a .navstate file below the user folder."""
    state = json.dumps(get_navigation_state(program, frame or None), indent=2)
    try:
        with _state_file(program, path).create() as file:
            file.write(state.encode())
    except OSError as error:
        raise EngineError(f"the navigation state cannot be written: {error}") from error


@function("navigation", "loadNavigationStateFromFile", "loadNavigationState")
def load_navigation_state(program: Program, file_path: str, use_time_stamp: bool = False) -> None:
    """Place the camera by a .navstate file below the user folder."""
    file = _state_file(program, file_path)
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
        _jump(program, check_state(state), use_time_stamp)
    except EngineError:  # which quotes the file
        raise EngineError(f"{file.name} holds no navigation state of this scene") from None


def _state_file(program: Program, path: str) -> UserFile:
    """Raises EngineError."""
    return program.paths.file(path, ending="" if Path(path).suffix else ".navstate")


@function("navigation", "setFocus")
def set_focus(
    program: Program, identifier: str, should_retarget: bool = True, should_reset_velocities: bool = True
) -> None:
    """Orbit a node from where the camera is."""
    program.engine.set_focus(identifier)


@function("navigation", "retargetAnchor", "retargetAim")
def retarget_anchor(program: Program) -> None:
    """Turn the camera until the focus is in the middle."""
    program.engine.look_at_focus(program.now)


@function("navigation", "flyTo")
def fly_to(
    program: Program,
    node_identifier: str,
    use_up_from_target_or_duration: bool | float | None = None,
    duration: float | None = None,
) -> None:
    """Fly to a node, in so many seconds: flyTo(node, duration) or flyTo(node, useUpFromTarget, duration)."""
    program_fly(program, node_identifier, _duration(use_up_from_target_or_duration, duration))


def program_fly(program: Program, node: str, duration: float | None) -> None:
    """Fly to a node; None chooses the duration."""
    program.engine.fly_to(node, 5.0 if duration is None else duration, None, program.now)


def _duration(first: bool | float | None, second: float | None) -> float | None:
    return seconds(second if first is None or isinstance(first, bool) else first)


@function("navigation", "flyToHeight")
def fly_to_height(
    program: Program,
    node_identifier: str,
    height: float,
    use_up_from_target_or_duration: bool | float | None = None,
    duration: float | None = None,
) -> None:
    """Fly to a node until so many metres above its surface."""
    program.engine.fly_to_height(
        node_identifier, metres(height), _duration(use_up_from_target_or_duration, duration), program.now
    )


@function("navigation", "flyToGeo", "flyToGeo2")
def fly_to_geo(
    program: Program,
    node_identifier: str,
    latitude: float,
    longitude: float,
    altitude: float,
    duration: float | None = None,
    should_use_up_vector: bool | None = None,
) -> None:
    """Fly to a place over a body (the focus if empty): degrees, metres above the surface, seconds."""
    latitude, longitude = _degrees(latitude, longitude)
    program.engine.fly_to_geo(node_identifier, latitude, longitude, metres(altitude), seconds(duration), program.now)


@function("navigation", "flyToNavigationState")
def fly_to_navigation_state(program: Program, navigation_state: dict[str, Any], duration: float | None = None) -> None:
    """Fly to a navigation state."""
    state = check_state(navigation_state)
    state.pop("Timestamp", None)
    program.engine.fly_to_state(state, seconds(duration), program.now)


@function("navigation", "jumpTo")
def jump_to(program: Program, node_identifier: str, fade_duration: float | None = None) -> None:
    """Be at a node; there is no fade here."""
    program.engine.fly_to(node_identifier, 0.0, None, program.now)


@function("navigation", "jumpToGeo")
def jump_to_geo(
    program: Program,
    globe: str,
    latitude: float,
    longitude: float,
    altitude: float | None = None,
    fade_duration: float | None = None,
) -> None:
    """Be at a place over a body (the focus if empty): degrees, metres above the surface (as now if left out)."""
    latitude, longitude = _degrees(latitude, longitude)
    height = None if altitude is None else metres(altitude)
    program.engine.fly_to_geo(globe, latitude, longitude, height, 0.0, program.now)


@function("navigation", "zoomToFocus")
def zoom_to_focus(program: Program, duration: float | None = None) -> None:
    """Move along the line to the focus until it is seen well."""
    program_fly(program, program.engine.focus, seconds(duration))


@function("navigation", "zoomToDistance")
def zoom_to_distance(program: Program, distance: float, duration: float | None = None) -> None:
    """Move along the line to the focus until so many metres above its surface."""
    program.engine.zoom_to(metres(distance), seconds(duration), program.now)


@function("navigation", "zoomToDistanceRelative")
def zoom_to_distance_relative(program: Program, distance: float, duration: float | None = None) -> None:
    """Move along the line to the focus until so many radii above its surface."""
    program.engine.zoom_to(metres(distance * _radius(program)), seconds(duration), program.now)


@function("navigation", "isFlying")
def is_flying(program: Program) -> bool:
    """Whether a flight is under way."""
    return program.engine.flying


@function("navigation", "distanceToFocus")
def distance_to_focus(program: Program) -> float:
    """Metres from the camera to the centre of the focus."""
    return program.engine.focus_distance()


@function("navigation", "distanceToFocusBoundingSphere", "distanceToFocusInteractionSphere")
def distance_to_focus_surface(program: Program) -> float:
    """Metres from the camera to the sphere around the focus."""
    return program.engine.focus_distance() - _radius(program)


def _nudge(program: Program, **axes: float) -> None:
    if not all(math.isfinite(value) for value in axes.values()):
        raise EngineError("a rotation must be finite")
    program.engine.nudge({axis: max(-100.0, min(100.0, value)) for axis, value in axes.items()}, program.now)


@function("navigation", "addGlobalRotation")
def add_global_rotation(program: Program, x_value: float, y_value: float) -> None:
    """Push the camera around the focus."""
    _nudge(program, orbitX=x_value, orbitY=y_value)


@function("navigation", "addLocalRotation")
def add_local_rotation(program: Program, x_value: float, y_value: float) -> None:
    """Push the direction of view."""
    _nudge(program, panX=x_value, panY=y_value)


@function("navigation", "addTruckMovement")
def add_truck_movement(program: Program, value: float) -> None:
    """Push the camera towards the focus, or away from it."""
    _nudge(program, zoomIn=value)


@function("navigation", "addLocalRoll")
def add_local_roll(program: Program, value: float) -> None:
    """Roll the camera about the direction of view."""
    _nudge(program, localRollX=value)


@function("navigation", "addGlobalRoll")
def add_global_roll(program: Program, value: float) -> None:
    """Roll the camera about the line to the focus."""
    _nudge(program, globalRollX=value)
