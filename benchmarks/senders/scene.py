"""The scene that all senders of a comparison draw, with the bar code of frame and input in its pixels."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from openspace_server.engines.base import Motion
from openspace_server.instance.process.engine_registry import make_engine
from openspace_server.instance.streaming.stamp import BITS, CELL, WIDTH

SIZE = (1280, 720)
FRAME_RATE = 30
REFERENCE_EVERY = 10
"""Every so many drawings, the picture is kept as it was drawn, so that what arrives can be compared with it."""
KEEP = 30
ENGINE = "BENCHMARK_ENGINE"
"""The environment variable that names another engine than the embedded one to all senders of a comparison."""


def engine_name() -> str:
    """What all senders of a comparison draw with."""
    return os.environ.get(ENGINE, "embedded")


class Scene:
    """An engine, its time paused, steered by totals of ``orbitX``. One thread.

    ``references``: a folder for pictures as they were drawn, ``<frame id>.npy``. ``engine``: what draws, if not what
    all senders draw with.
    """

    def __init__(self, references: Path | None = None, engine: str = "") -> None:
        self._engine = make_engine(engine or engine_name())
        self._engine.open(*SIZE)
        self._engine.set_paused(True, time.monotonic())
        self._references = references
        self._frames = self._key = 0
        self._total = 0.0

    def steer(self, key: int, total: float) -> None:
        """Input number ``key``, which has dragged by ``total`` heights so far."""
        step, self._total = total - self._total, total
        self._key = key
        self._engine.move(Motion({"orbitX": step} if step else {}, is_held=True), time.monotonic())

    def draw(self) -> np.ndarray:
        """Pixels, uint8 ``(height, width, 4)``, BGRA, with the bar code."""
        drawn = self._engine.draw(time.monotonic()).pixels
        pixels = drawn if drawn.flags.writeable else drawn.copy()
        self._frames += 1
        paint(pixels, self._frames, self._key)
        if self._references is not None and self._frames % REFERENCE_EVERY == 0:
            np.save(self._references / f"{self._frames}.npy", pixels)
            (self._references / f"{self._frames - KEEP * REFERENCE_EVERY}.npy").unlink(missing_ok=True)
        return pixels


def paint(pixels: np.ndarray, frame_id: int, key: int) -> None:
    """The bar code of ``streaming/stamp.py``, in place, in a BGRA picture."""
    for row, value in ((2, frame_id), (1, key)):
        bits = np.unpackbits(np.frombuffer((value & 0xFFFFFFFF).to_bytes(BITS // 8, "big"), np.uint8))
        bottom = pixels.shape[0] - (row - 1) * CELL
        pixels[bottom - CELL : bottom, :WIDTH] = (np.repeat(bits, CELL) * 255)[:, None]
