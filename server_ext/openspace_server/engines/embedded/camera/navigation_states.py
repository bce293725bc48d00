"""Conversion between camera poses and OpenSpace's navigation states.

Positions in metres from the anchor, angles in radians, all in the axes of ``ReferenceFrame``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.embedded.camera.orbital_camera import FARTHEST, LOWEST, Ground
from openspace_server.engines.embedded.sky.bodies import BODIES, find
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris
from openspace_server.engines.embedded.sky.reference_frames import ROOT, frame_axes
from openspace_server.geometry import navigation_states
from openspace_server.geometry import quaternions as quat
from openspace_server.geometry.world import NORTH


@dataclass(frozen=True)
class Pose:
    """A camera pose in ICRF axes: ``position`` metres from body ``anchor``, and ``orientation``; ``frame`` names the
    axes of the navigation state that it was read from."""

    anchor: int
    aim: int | None
    position: np.ndarray
    orientation: np.ndarray
    frame: str = ROOT


def write(pose: Pose, ephemeris: Ephemeris) -> dict[str, Any]:
    """The navigation state of ``pose`` without its time; yaw and pitch only where the view is off anchor or aim."""
    turn = frame_axes(pose.frame, ephemeris).T
    ahead = _target(pose.anchor, pose.aim, pose.position, ephemeris)
    out: dict[str, Any] = {"Anchor": BODIES[pose.anchor].identifier}
    if pose.aim is not None:
        out["Aim"] = BODIES[pose.aim].identifier
    out |= {"ReferenceFrame": pose.frame, "Position": (turn @ pose.position).tolist()}
    return out | navigation_states.orientation_fields(turn @ quat.matrix(pose.orientation), turn @ ahead)


def read(state: dict[str, Any], focus: int, ephemeris: Ephemeris, ground: Any) -> Pose:
    """The pose that ``state`` asks for; ``ground(index)`` gives surfaces. Raises EngineError or UnknownTarget."""
    if not isinstance(state, dict):
        raise EngineError(f"a camera state is an object with Anchor and Position, got {type(state).__name__}")
    index = find(state.get("Anchor") or BODIES[focus].identifier)
    frame = str(state.get("ReferenceFrame") or ROOT)
    turn = frame_axes(frame, ephemeris)
    if "Position" not in state:
        raise EngineError("camera: Position [x, y, z] in metres from the anchor is missing")
    position = turn @ _vector(state["Position"], "Position")
    distance = quat.length(position)
    surface: Ground = ground(index)
    lowest = surface.radius(position) + LOWEST
    if not lowest - 1e-3 <= distance <= FARTHEST * (1 + 1e-9):
        raise EngineError(
            f"camera: Position must be {lowest:.9g} to {FARTHEST:.6g} metres from the anchor, got {distance:.9g}"
        )
    up = turn @ _vector(state["Up"], "Up") if state.get("Up") is not None else NORTH
    aim = find(state["Aim"]) if state.get("Aim") else None
    aim = None if aim == index else aim
    ahead = _target(index, aim, position, ephemeris)
    orientation = navigation_states.orientation(ahead, up, _angle(state, "Yaw"), _angle(state, "Pitch"))
    return Pose(index, aim, position, orientation, frame)


def _target(anchor: int, aim: int | None, position: np.ndarray, ephemeris: Ephemeris) -> np.ndarray:
    if aim is None:
        return -position
    target = ephemeris.positions[aim] - ephemeris.positions[anchor] - position
    return target if np.any(target) else -position


def _vector(value: Any, name: str) -> np.ndarray:
    try:
        vector = np.array(value, float)
    except (TypeError, ValueError):
        vector = np.empty(0)
    if vector.shape != (3,) or not np.all(np.isfinite(vector)) or not np.any(vector):
        raise EngineError(f"camera: {name} must be three finite numbers, not all 0, got {value!r}")
    return vector


def _angle(state: dict[str, Any], name: str) -> float:
    value = state.get(name) or 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EngineError(f"camera: {name} must be a finite number of radians, got {value!r}")
    return float(value)
