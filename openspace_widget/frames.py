"""``space.frame()``: the exact pixels of one drawn frame, no video codec in between."""

from __future__ import annotations

from typing import Any

import numpy as np

from openspace_widget.session import Session


async def grab(session: Session) -> tuple[np.ndarray, dict[str, Any]]:
    """The next drawn frame.

    Returns:
        pixels, uint8 ``(height, width, 3)``, RGB, top row first; and its header: ``frame`` (id), ``time`` (ISO 8601
        UTC), ``camera`` (navigation state).
    """
    header, pixels = await session.ask("frame")
    return pixels, header


async def digest(session: Session, frame: int) -> str:
    """SHA-256 of the RGB pixels of a recently grabbed frame, computed by the instance that drew it."""
    return str((await session.ask("drawn", frame=frame))["sha256"])
