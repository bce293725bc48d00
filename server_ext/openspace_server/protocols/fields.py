"""Typed fields of JSON objects, with errors that name the field, the expected and the received value."""

from __future__ import annotations

import json
import sys
from typing import Any


class ProtocolError(ValueError):
    """A message that cannot be accepted; ``str(error)`` is the reason to send back."""


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Decode one JSON object.

    Raises:
        ProtocolError: not JSON (``"json decode error"``), or JSON but not an object.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("json decode error") from None
    if not isinstance(message, dict):
        raise ProtocolError(f"expected a JSON object, got {describe(message)}")
    return message


def describe(value: object) -> str:
    """A short, safe rendering of a wrong value for an error text."""
    try:
        text = repr(value)
    except RecursionError:
        text = f"a deeply nested {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def integer(message: dict[str, Any], name: str, low: int, high: int, default: int | None = None) -> int:
    """The integer field ``name`` within ``low..high``; ``default`` when absent (required if None)."""
    value = message.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProtocolError(f"{name}: expected an integer from {low} to {high}, got {describe(value)}")
    if not low <= value <= high:
        raise ProtocolError(f"{name}: {describe(value)} is outside {low} to {high}")
    return value


def number(message: dict[str, Any], name: str, default: float | None = None) -> float:
    """The finite number ``name``; ``default`` when absent (required if None)."""
    value = message.get(name, default)
    # An integer beyond the range of a float cannot even be asked whether it is finite.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise ProtocolError(f"{name}: expected a finite number, got {describe(value)}")
    return float(value)


def text(message: dict[str, Any], name: str, limit: int = 1024, default: str | None = None) -> str:
    """The string ``name`` of at most ``limit`` characters; ``default`` when absent (required if None)."""
    value = message.get(name, default)
    if not isinstance(value, str):
        raise ProtocolError(f"{name}: expected a string, got {describe(value)}")
    if len(value) > limit:
        raise ProtocolError(f"{name}: longer than {limit} characters")
    return value


def boolean(message: dict[str, Any], name: str, default: bool | None = None) -> bool:
    """The boolean ``name``; ``default`` when absent (required if None)."""
    value = message.get(name, default)
    if not isinstance(value, bool):
        raise ProtocolError(f"{name}: expected true or false, got {describe(value)}")
    return value
