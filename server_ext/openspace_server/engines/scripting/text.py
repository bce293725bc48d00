"""Values as text for people."""

from __future__ import annotations

from typing import Any


def as_text(value: Any) -> str:
    """As Lua prints it: ``nil``, ``true``, numbers without a needless ``.0``, tables in braces."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list):
        return "{" + ", ".join(as_text(each) for each in value) + "}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_text(item)}" for key, item in value.items()) + "}"
    return str(value)
