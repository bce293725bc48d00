"""Limits of the frame size, samples per pixel, frame rate and bit rate that may be requested.

The only definition, used by the command line, the instance, viewer requests, engines and the kernel side.
"""

from __future__ import annotations

from typing import Any

from openspace_server.protocols.fields import ProtocolError, describe, integer

MIN_SIDE = 64
MAX_SIDE = 8192
MAX_FRAME_SIZE = (7680, 4320)
"""Its number of pixels is the limit; the sides may be others."""
MAX_PIXELS = MAX_FRAME_SIZE[0] * MAX_FRAME_SIZE[1]
DEFAULT_SIZE = (1280, 720)
SAMPLE_COUNTS = (1, 2, 4, 8, 16)
"""Samples per pixel of a still."""
MAX_FRAME_RATE = 60
MIN_BIT_RATE = 100_000
MAX_BIT_RATE = 60_000_000
"""Of the live video, bit/s."""


def check_size(message: dict[str, Any], default: tuple[int, int] | None = None) -> tuple[int, int]:
    """``(width, height)`` in pixels from the fields ``width`` and ``height``.

    Raises:
        ProtocolError: a side outside 64 to 8192, or more pixels than 7680x4320 has.
    """
    width = integer(message, "width", MIN_SIDE, MAX_SIDE, default[0] if default else None)
    height = integer(message, "height", MIN_SIDE, MAX_SIDE, default[1] if default else None)
    if width * height > MAX_PIXELS:
        largest = f"{MAX_FRAME_SIZE[0]}x{MAX_FRAME_SIZE[1]}"
        raise ProtocolError(f"width and height: expected at most {MAX_PIXELS} pixels ({largest}), got {width}x{height}")
    return width, height


def check_antialias(samples: object) -> int:
    """The number of samples per pixel. Raises ProtocolError."""
    if isinstance(samples, bool) or not isinstance(samples, int) or samples not in SAMPLE_COUNTS:
        *others, last = map(str, SAMPLE_COUNTS)
        raise ProtocolError(
            f"antialias: expected {', '.join(others)} or {last} samples per pixel, got {describe(samples)}"
        )
    return samples


def check_frame_rate(message: dict[str, Any]) -> int:
    """Frames per second. Raises ProtocolError."""
    return integer(message, "frame_rate", 1, MAX_FRAME_RATE)


def check_bit_rate(message: dict[str, Any]) -> int:
    """Bits per second. Raises ProtocolError."""
    return integer(message, "bit_rate", MIN_BIT_RATE, MAX_BIT_RATE)
