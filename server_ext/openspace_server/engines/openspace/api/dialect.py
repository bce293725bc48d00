"""The two dialects of OpenSpace's API: requests in each, and one reading of replies."""

from __future__ import annotations

from enum import Enum
from typing import Any

HANDSHAKE = {"type": "apiHandshake", "apiVersion": {"major": 1, "minor": 0, "patch": 0}}

Version = tuple[int, int, int]
V1: Version = (0, 22, 0)
FLIGHTS_MOVED: Version = (0, 21, 0)
"""From here on flights are in ``openspace.navigation``; before in ``openspace.pathnavigation``."""


class Dialect(Enum):
    """``LEGACY`` is spoken up to 0.21, ``V1`` from 0.22 on."""

    LEGACY = "legacy"
    V1 = "1.0"


def dialect_of(property_reply: Any) -> Dialect | None:
    """The dialect of a server that answers ``get`` with this; None if it is no such answer."""
    if not isinstance(property_reply, dict):
        return None
    if property_reply.get("type") == "property":
        return Dialect.V1
    if "Description" in property_reply or "metaData" in property_reply:
        return Dialect.LEGACY
    return None


def version_of(reply: Any) -> Version | None:
    """The numbers in a reply of topic ``version``."""
    version = reply.get("openSpaceVersion") if isinstance(reply, dict) else None
    if not isinstance(version, dict):
        return None
    numbers = [version.get(name) for name in ("major", "minor", "patch")]
    return (numbers[0], numbers[1], numbers[2]) if all(isinstance(n, int) for n in numbers) else None  # type: ignore[return-value]


def subscription(dialect: Dialect, uri: str) -> dict[str, Any]:
    """The payload that subscribes to a property."""
    return {"event": "start_subscription", ("uri" if dialect is Dialect.V1 else "property"): uri}


def subscribed_value(payload: Any) -> tuple[bool, Any]:
    """Whether a message of topic ``subscribe`` has the value, and the value."""
    if isinstance(payload, dict):
        for name in ("value", "Value"):
            if name in payload:
                return True, payload[name]
    return False, None


def joystick_connect(dialect: Dialect) -> dict[str, Any]:
    return {"event": "connect"} if dialect is Dialect.V1 else {"type": "connect"}


def joystick_state(dialect: Dialect, axes: dict[str, float]) -> dict[str, Any]:
    """The payload that sets the virtual joystick; absent axes are 0."""
    if dialect is Dialect.V1:
        return {"event": "inputState", "inputState": axes}
    return {"type": "inputState", "inputState": {"values": axes}}


def error_log(dialect: Dialect) -> dict[str, Any]:
    stamps = {"timeStamping": False, "dateStamping": False, "categoryStamping": True, "logLevelStamping": True}
    return {"event": "start_subscription", "settings": {"logLevel": "Error", **stamps}}
