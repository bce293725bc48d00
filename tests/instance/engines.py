"""Engines for the tests: cheap, predictable, and able to fail on request."""

from __future__ import annotations

import math
import os
import time as clock
from datetime import datetime, timedelta
from typing import Any, ClassVar

import cv2
import numpy as np

from openspace_server.engines.base import Engine, EngineError, Frame, Motion, Target, UnknownTarget

TARGETS = [Target("Earth", "Earth", "planet", 6.4e6), Target("Moon", "Moon", "moon", 1.7e6)]
EPOCH = datetime.fromisoformat("2026-08-12T17:45:00+00:00")
COAST = 0.3
DRAW_SECONDS = float(os.environ.get("TEST_ENGINE_DRAW_SECONDS", "0"))
BURN_SECONDS = float(os.environ.get("TEST_ENGINE_BURN_SECONDS", "0"))
"""Processor time that a picture takes on top of its own."""


class MovingEngine(Engine):
    """A noisy disc that moves with ``orbitX`` and ``orbitY``. Time starts paused. Rolling by 9 breaks it."""

    name: ClassVar[str] = "moving"

    def open(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._frames = 0
        self._position = np.zeros(2)
        self._noise = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (512, 512, 4), np.uint8), (0, 0), 1.5)
        self._held = False
        self._coasts_until = self._drawn_at = -math.inf
        self._changed = True
        self._broken = False
        self._focus = "Earth"
        self._flight_ends: float | None = None
        self._time, self._rate, self._paused, self._at = EPOCH, 1.0, True, clock.monotonic()

    def close(self) -> None:
        pass

    def describe(self) -> dict[str, Any]:
        return {"engine": "moving", "renderer": "numpy", "gpu": False}

    def resize(self, width: int, height: int) -> None:
        if width == 4000:
            raise EngineError("4000 is too wide for this engine")
        self._size, self._changed = (width, height), True

    def draw(self, now: float) -> Frame:
        if self._broken:
            raise RuntimeError("the test broke the engine")
        self._advance(now)
        if self._flight_ends is not None and now >= self._flight_ends:
            self._flight_ends = None
        width, height = self._size
        pixels = np.full((height, width, 4), 24, np.uint8)
        x = int(width / 2 + self._position[0] * height) % max(1, width - 64)
        y = int(height / 2 + self._position[1] * height) % max(1, height - 64)
        patch = pixels[y : y + 512, x : x + 512]
        patch[:] = self._noise[: patch.shape[0], : patch.shape[1]]
        if now < self._coasts_until or self._flight_ends is not None:
            self._position[0] += 0.01
        while clock.monotonic() < now + DRAW_SECONDS:
            pass
        burnt = clock.thread_time()
        while clock.thread_time() < burnt + BURN_SECONDS:
            pass
        self._frames += 1
        self._changed, self._drawn_at = False, now
        return Frame(self._frames, pixels, self.time, self.camera())

    def next_change(self, now: float) -> float:
        if self._changed or self._flight_ends is not None or now < self._coasts_until:
            return 0.0
        return math.inf if self._paused or self._rate == 0 else 1.0

    def move(self, motion: Motion, now: float) -> None:
        if motion.axes.get("roll", 0) >= 9:
            self._broken = True
        self._flight_ends = None
        self._position += motion.axes.get("orbitX", 0.0), motion.axes.get("orbitY", 0.0)
        self._changed = self._changed or bool(motion.axes)
        if self._held and not motion.is_held:
            self._coasts_until = now + COAST
        self._held = motion.is_held

    def targets(self) -> list[Target]:
        return TARGETS

    @property
    def focus(self) -> str:
        return self._focus

    def set_focus(self, target: str) -> None:
        if target not in {known.identifier for known in TARGETS}:
            raise UnknownTarget(target, [known.identifier for known in TARGETS])
        self._focus, self._changed = target, True

    def fly_to(self, target: str, duration: float, distance: float | None, now: float) -> None:
        self.set_focus(target)
        self._flight_ends = now + duration if duration else None

    @property
    def flying(self) -> bool:
        return self._flight_ends is not None

    def home(self, now: float) -> None:
        self.fly_to("Earth", 0.2, None, now)

    @property
    def time(self) -> str:
        return self._time.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def set_time(self, time: str, now: float) -> None:
        try:
            self._time, self._at, self._changed = datetime.fromisoformat(time), now, True
        except ValueError as error:
            raise EngineError(f"not a time: {error}") from None

    @property
    def rate(self) -> float:
        return self._rate

    def set_rate(self, rate: float, now: float) -> None:
        self._advance(now)
        self._rate = rate

    @property
    def paused(self) -> bool:
        return self._paused

    def set_paused(self, paused: bool, now: float) -> None:
        self._advance(now)
        self._paused = paused

    def camera(self) -> dict[str, Any]:
        x, y = (float(value) for value in self._position)
        return {"Anchor": self._focus, "Position": [x, y, float(self._held)], "Up": [0, 0, 1], "Timestamp": self.time}

    def set_camera(self, state: dict[str, Any], now: float) -> None:
        if state.get("Anchor") == "crash":
            raise KeyError("an engine's own mistake")
        try:
            self._position = np.array(state["Position"][:2], float)
        except (KeyError, TypeError, ValueError):
            raise EngineError("camera: needs a Position") from None
        self._changed = True

    def _advance(self, now: float) -> None:
        if not self._paused:
            self._time += timedelta(seconds=(now - self._at) * self._rate)
        self._at = now


class UnopenableEngine(MovingEngine):
    """Cannot start, and says what to do."""

    def open(self, width: int, height: int) -> None:
        raise EngineError("no display here: start one")


class BrokenEngine(MovingEngine):
    """Cannot start, and does not know why."""

    def open(self, width: int, height: int) -> None:
        raise ZeroDivisionError("never mind")
