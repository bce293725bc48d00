"""Conversion between Python and Lua values, and a guard that returns the error of a script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from openspace_widget.errors import ArgumentError

_GUARD = """\
local chunk, problem = load({source}, "=script")
if not chunk then return false, problem end
return xpcall(chunk, function(problem) return tostring(problem) end)
"""


def guarded(script: str) -> str:
    """A script that runs ``script`` and returns true and its values, or false and its error, with the line."""
    level = ""
    while f"]{level}]" in script or script.endswith(f"]{level}"):
        level += "="
    # Lua leaves out a newline right after the opening bracket, so line numbers stay.
    return _GUARD.format(source=f"[{level}[\n{script}]{level}]")


def literal(value: Any) -> str:
    """``value`` as Lua text: None, bool, numbers, str, sequences, mappings and NumPy arrays.

    Raises:
        ArgumentError: something else, or numbers that are not finite.
    """
    if value is None:
        return "nil"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise ArgumentError(f"expected a finite number, got {value!r}")
        return repr(float(value))
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, np.ndarray):
        return literal(value.tolist())
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"[{literal(key)}] = {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "{" + ", ".join(literal(item) for item in value) + "}"
    raise ArgumentError(f"expected None, bool, a number, text, or lists and dicts of them, got {value!r}")


def _quoted(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\0"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'


def plain(value: Any) -> Any:
    """A value as the API sends it, with Lua's arrays, which come as ``{"1": …}``, as lists."""
    if isinstance(value, dict):
        if value and all(key.isdigit() for key in value) and set(value) == {str(i + 1) for i in range(len(value))}:
            return [plain(value[str(i + 1)]) for i in range(len(value))]
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
