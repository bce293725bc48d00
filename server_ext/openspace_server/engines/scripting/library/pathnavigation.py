"""``openspace.pathnavigation``: flights; its old names for ``openspace.navigation`` are kept for scripts up to 0.20."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.library import navigation
from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

for _old, _call in (
    ("flyTo", navigation.fly_to),
    ("flyToHeight", navigation.fly_to_height),
    ("flyToNavigationState", navigation.fly_to_navigation_state),
    ("zoomToFocus", navigation.zoom_to_focus),
    ("zoomToDistance", navigation.zoom_to_distance),
    ("zoomToDistanceRelative", navigation.zoom_to_distance_relative),
    ("jumpTo", navigation.jump_to),
    ("isFlying", navigation.is_flying),
):
    function("pathnavigation", _old)(_call)


@function("pathnavigation", "createPath")
def create_path(script_host: ScriptHost, path_instruction: dict[str, Any]) -> None:
    """Fly a path: TargetType "Node" with Target, and Height or Duration; or "NavigationState" with NavigationState."""
    kind = path_instruction.get("TargetType", "Node")
    duration = path_instruction.get("Duration")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, int | float)):
        raise EngineError("Duration must be a Number")
    if kind == "NavigationState":
        state = path_instruction.get("NavigationState")
        if not isinstance(state, dict):
            raise EngineError("NavigationState must be a Table")
        navigation.fly_to_navigation_state(script_host, state, duration)
        return
    if kind != "Node":
        raise EngineError(f"TargetType must be Node or NavigationState, got {str(kind)[:40]!r}")
    target, height = path_instruction.get("Target"), path_instruction.get("Height")
    if not isinstance(target, str):
        raise EngineError("Target must be the identifier of a node")
    if height is None:
        navigation.fly_to(script_host, target, duration)
    elif isinstance(height, int | float) and not isinstance(height, bool):
        navigation.fly_to_height(script_host, target, float(height), duration)
    else:
        raise EngineError("Height must be a Number")


def _flying(script_host: ScriptHost) -> None:
    if not script_host.engine.flying:
        raise EngineError("no flight is under way")


@function("pathnavigation", "pausePath")
def pause_path(script_host: ScriptHost) -> None:
    """Pause the flight."""
    _flying(script_host)
    script_host.engine.pause_flight(True, script_host.now)


@function("pathnavigation", "continuePath")
def continue_path(script_host: ScriptHost) -> None:
    """Continue a paused flight."""
    _flying(script_host)
    script_host.engine.pause_flight(False, script_host.now)


@function("pathnavigation", "stopPath")
def stop_path(script_host: ScriptHost) -> None:
    """End the flight where the camera is."""
    _flying(script_host)
    script_host.engine.stop_flight(script_host.now)


@function("pathnavigation", "skipToEnd")
def skip_to_end(script_host: ScriptHost) -> None:
    """Jump to the end of the flight."""
    _flying(script_host)
    script_host.engine.finish_flight(script_host.now)
