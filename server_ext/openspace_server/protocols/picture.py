"""The sizes a picture may have, shared by everyone who accepts one."""

from __future__ import annotations

from typing import Any

from openspace_server.protocols.fields import ProtocolError, integer

MIN_SIDE = 64
MAX_SIDE = 8192
MAX_PIXELS = 7680 * 4320
DEFAULT_SIZE = (1280, 720)


def check_size(message: dict[str, Any], default: tuple[int, int] | None = None) -> tuple[int, int]:
    """``(width, height)`` in pixels from the fields ``width`` and ``height``.

    Raises:
        ProtocolError: a side outside 64..8192, or more pixels than 7680x4320.
    """
    width = integer(message, "width", MIN_SIDE, MAX_SIDE, default[0] if default else None)
    height = integer(message, "height", MIN_SIDE, MAX_SIDE, default[1] if default else None)
    if width * height > MAX_PIXELS:
        raise ProtocolError(f"{width}x{height} is more than the {MAX_PIXELS} pixels allowed")
    return width, height
