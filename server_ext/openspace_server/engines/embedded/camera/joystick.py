"""The axes of OpenSpace's flight controller as motion of the camera.

A joystick pushed to +1 moves like a mouse dragged left or up in OpenSpace, hence the signs.
"""

from __future__ import annotations

from collections.abc import Mapping

# joystick axis: (camera axis, units per second at full push, units per push of 1)
_AXES: dict[str, tuple[str, float, float]] = {
    "orbitX": ("orbitX", -0.6, -0.01),
    "orbitY": ("orbitY", -0.6, -0.01),
    "zoomIn": ("zoom", 1.2, 0.02),
    "zoomOut": ("zoom", -1.2, -0.02),
    "localRollX": ("roll", 0.8, 0.01),
    "localRollY": ("roll", 0.8, 0.01),
    "globalRollX": ("globalRoll", 0.8, 0.01),
    "globalRollY": ("globalRoll", 0.8, 0.01),
    "panX": ("lookX", -0.6, -0.01),
    "panY": ("lookY", -0.6, -0.01),
}


def speeds(axes: Mapping[str, float]) -> dict[str, float]:
    """Camera axes per second for a joystick in this position."""
    return _summed(axes, 1)


def push(axes: Mapping[str, float]) -> dict[str, float]:
    """Camera axes of a single push, such as OpenSpace's ``addGlobalRotation(10, 0)`` for one key press."""
    return _summed(axes, 2)


def _summed(axes: Mapping[str, float], column: int) -> dict[str, float]:
    out: dict[str, float] = {}
    for name, amount in axes.items():
        camera = _AXES[name]
        out[camera[0]] = out.get(camera[0], 0.0) + float(camera[column]) * amount
    return {axis: amount for axis, amount in out.items() if amount}
