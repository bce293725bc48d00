"""``openspace.pathnavigation``: flights; its old names for ``openspace.navigation`` are kept for scripts up to 0.20."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.library import navigation
from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program

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
def create_path(program: Program, path_instruction: dict[str, Any]) -> None:
    """Fly a path: TargetType "Node" with Target, and Height or Duration; or "NavigationState" with NavigationState."""
    kind = path_instruction.get("TargetType", "Node")
    duration = path_instruction.get("Duration")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, int | float)):
        raise EngineError("Duration must be a Number")
    if kind == "NavigationState":
        state = path_instruction.get("NavigationState")
        if not isinstance(state, dict):
            raise EngineError("NavigationState must be a Table")
        navigation.fly_to_navigation_state(program, state, duration)
        return
    if kind != "Node":
        raise EngineError(f"TargetType must be Node or NavigationState, got {str(kind)[:40]!r}")
    target, height = path_instruction.get("Target"), path_instruction.get("Height")
    if not isinstance(target, str):
        raise EngineError("Target must be the identifier of a node")
    if height is None:
        navigation.fly_to(program, target, duration)
    elif isinstance(height, int | float) and not isinstance(height, bool):
        navigation.fly_to_height(program, target, float(height), duration)
    else:
        raise EngineError("Height must be a Number")


def _flying(program: Program) -> None:
    if not program.engine.flying:
        raise EngineError("no flight is under way")


@function("pathnavigation", "pausePath")
def pause_path(program: Program) -> None:
    """Hold the flight."""
    _flying(program)
    program.engine.pause_flight(True, program.now)


@function("pathnavigation", "continuePath")
def continue_path(program: Program) -> None:
    """Let a held flight go on."""
    _flying(program)
    program.engine.pause_flight(False, program.now)


@function("pathnavigation", "stopPath")
def stop_path(program: Program) -> None:
    """End the flight where the camera is."""
    _flying(program)
    program.engine.stop_flight(program.now)


@function("pathnavigation", "skipToEnd")
def skip_to_end(program: Program) -> None:
    """Be at the end of the flight."""
    _flying(program)
    program.engine.finish_flight(program.now)
