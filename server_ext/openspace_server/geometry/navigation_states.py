"""Camera orientation in OpenSpace's navigation states: ``Up``, ``Yaw`` and ``Pitch``.

``Yaw`` and ``Pitch`` (radians) say how the camera is turned from the level camera, which looks straight ahead, at its
anchor or its aim.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from openspace_server.geometry import quaternions as quat


def orientation(ahead: np.ndarray, up: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """The camera's quaternion, in the axes of ``ahead`` and ``up``, neither of which need be a unit vector."""
    return quat.from_matrix(quat.matrix(quat.look(ahead, up)) @ _turn(yaw, pitch))


def orientation_fields(turned: np.ndarray, ahead: np.ndarray) -> dict[str, Any]:
    """``{"Up", "Yaw"?, "Pitch"?}`` of the camera whose right, forward and up are the columns of ``turned``; the angles
    only where it does not look straight ``ahead``."""
    x, y, z = (turned.T @ quat.unit(ahead)).tolist()
    yaw, pitch = -math.asin(max(-1.0, min(1.0, x))), math.atan2(-z, y)
    if abs(yaw) < 1e-9 and abs(pitch) < 1e-9:
        return {"Up": turned[:, 2].tolist()}
    level = turned @ _turn(yaw, pitch).T
    return {"Up": level[:, 2].tolist(), "Yaw": yaw, "Pitch": pitch}


def _turn(yaw: float, pitch: float) -> np.ndarray:
    """Camera axes after turning right by ``yaw``, then up by ``pitch``, in the axes of the level camera."""
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return np.array([[cy, sy * cp, -sy * sp], [-sy, cy * cp, -cy * sp], [0, sp, cp]])
