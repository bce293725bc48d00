"""An engine whose picture fills the bit rate, so that bandwidth is what is measured."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from openspace_server.engines.base import Frame
from tests.instance.engines import MovingEngine

STEP = (3, 2)


class NoisyEngine(MovingEngine):
    """A textured picture that slides in both directions while it moves."""

    name: ClassVar[str] = "noisy"

    def open(self, width: int, height: int) -> None:
        super().open(width, height)
        fine = np.random.default_rng(2).integers(0, 255, (height * 2, width * 2, 3), np.uint8)
        texture = cv2.GaussianBlur(fine, (0, 0), 3).astype(np.float32)
        texture = np.clip((texture - 127) * 4 + 127, 0, 255).astype(np.uint8)
        self._texture = cv2.cvtColor(texture, cv2.COLOR_BGR2BGRA)
        self._slides = 0

    def draw(self, now: float) -> Frame:
        self._advance(now)
        if self._flight_ends is not None and now >= self._flight_ends:
            self._flight_ends = None
        width, height = self._size
        if self._flight_ends is not None or now < self._coasts_until:
            self._slides += 1
        x, y = (self._slides * STEP[0]) % width, (self._slides * STEP[1]) % height
        x, y = (x + int(self._position[0] * height)) % width, y
        self._frames += 1
        self._changed, self._drawn_at = False, now
        pixels = np.ascontiguousarray(self._texture[y : y + height, x : x + width])
        return Frame(self._frames, pixels, self.time, self.camera())
