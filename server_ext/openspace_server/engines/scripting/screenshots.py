"""Screenshots: the frame drawn last, as numbered PNG files."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from openspace_server.engines.base import EngineError
from openspace_server.engines.scene_engine import SceneEngine
from openspace_server.engines.scripting.paths import Paths

NAME = "OpenSpace"
MAX_SCREENSHOTS = 100_000


class Screenshots:
    """Numbers from 0, files ``OpenSpace_000000.png``; draw thread only."""

    def __init__(self, engine: SceneEngine, paths: Paths) -> None:
        self._engine = engine
        self._paths = paths
        self._next = 0

    def take(self) -> int:
        """Write the frame drawn last; returns its number. Raises EngineError."""
        frame = self._engine.last_frame()
        if frame is None:
            raise EngineError("no frame has been drawn yet")
        if self._next >= MAX_SCREENSHOTS:
            raise EngineError(f"{MAX_SCREENSHOTS} screenshots have been taken; call openspace.resetScreenshotNumber()")
        number = self._next
        file = self._paths.file(f"{NAME}_{number:06d}.png", self._paths.screenshots)
        try:
            with file.create() as out:
                out.write(png(frame.pixels))
        except OSError as error:
            raise EngineError(f"the screenshot cannot be written: {error}") from error
        self._next += 1
        return number

    def reset_number(self) -> None:
        self._next = 0


def png(bgra: np.ndarray) -> bytes:
    """uint8 ``(height, width, 4)`` BGRA as an opaque PNG."""
    height, width = bgra.shape[:2]
    rows = np.zeros((height, 1 + width * 3), np.uint8)
    rows[:, 1:] = bgra[:, :, 2::-1].reshape(height, width * 3)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 1))
        + chunk(b"IEND", b"")
    )
