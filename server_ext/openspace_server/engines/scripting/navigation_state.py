"""Validation of navigation states that come from outside."""

from __future__ import annotations

import math
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties.kinds import show

_FIELDS = ("Anchor", "Aim", "ReferenceFrame", "Position", "Up", "Yaw", "Pitch", "Timestamp")


def check_state(state: dict[str, Any]) -> dict[str, Any]:
    """``state`` with every field of the right type: vectors as lists of three numbers, and the frame named: without
    one it is the anchor's.

    Raises:
        EngineError: naming the field that is wrong or missing.
    """
    unknown = [name for name in state if name not in _FIELDS]
    if unknown:
        raise EngineError(f"a navigation state has no field {unknown[0][:60]!r}: there are {', '.join(_FIELDS)}")
    checked: dict[str, Any] = {}
    for name, value in state.items():
        if value is None:
            continue
        if name in ("Position", "Up"):
            checked[name] = _vector(name, value)
        elif name in ("Yaw", "Pitch"):
            checked[name] = _number(name, value)
        elif isinstance(value, str):
            checked[name] = value
        else:
            raise EngineError(f"{name} must be a String, got {show(value)}")
    for name in ("Anchor", "Position"):
        if name not in checked:
            raise EngineError(f"a navigation state needs {name}")
    checked.setdefault("ReferenceFrame", checked["Anchor"])
    return checked


def _vector(name: str, value: Any) -> list[float]:
    if isinstance(value, dict) and set(value) == {"1", "2", "3"}:
        value = [value["1"], value["2"], value["3"]]
    if isinstance(value, dict) and set(value) == {"x", "y", "z"}:
        value = [value["x"], value["y"], value["z"]]
    if not isinstance(value, list) or len(value) != 3:
        raise EngineError(f"{name} must be three numbers, got {show(value)}")
    return [_number(name, each) for each in value]


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EngineError(f"{name} must be finite numbers, got {show(value)}")
    return float(value)
