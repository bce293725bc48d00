"""The two incompatible dialects of the API, told apart by a connection's first message."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Dialect(Enum):
    """``V1``: OpenSpace 0.22 and later. ``LEGACY``: up to 0.21; replies carry the keys of 0.20 and of 0.21."""

    V1 = "1.0"
    LEGACY = "legacy"


def is_handshake(message: dict[str, Any]) -> bool:
    """Whether a connection's first message chooses 1.0. The version in it is not checked, as upstream."""
    return message.get("type") == "apiHandshake"
