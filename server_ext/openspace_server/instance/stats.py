"""What the draw thread did in the last second."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from typing import Any

WINDOW = 1.0
"""Seconds that rates and medians look back."""


class Stats:
    """Counters and timings, written by the draw thread and read by any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._draws: deque[tuple[float, float]] = deque()
        self._encodes: deque[tuple[float, float, int]] = deque()
        self._draw_ms = 0.0
        self._encode_ms = 0.0
        self.frames_drawn = 0
        self.frames_sent = 0
        self.key_frames = 0
        self.bytes_encoded = 0

    def drew(self, now: float, seconds: float) -> None:
        with self._lock:
            self.frames_drawn += 1
            self._draws.append((now, seconds * 1e3))
            self._trim(now)

    def encoded(self, now: float, seconds: float, size: int, key: bool) -> None:
        """``size`` in bytes; ``seconds`` include the colour conversion."""
        with self._lock:
            self.frames_sent += 1
            self.key_frames += key
            self.bytes_encoded += size
            self._encodes.append((now, seconds * 1e3, size))
            self._trim(now)

    def message(self, now: float) -> dict[str, Any]:
        """Rates and medians over the last second; a median with nothing in that second is the last one known."""
        with self._lock:
            self._trim(now)
            if self._draws:
                self._draw_ms = statistics.median(milliseconds for _, milliseconds in self._draws)
            if self._encodes:
                self._encode_ms = statistics.median(milliseconds for _, milliseconds, _ in self._encodes)
            return {
                "frame_rate": round(len(self._encodes) / WINDOW, 1),
                "bit_rate": round(sum(size for _, _, size in self._encodes) * 8 / WINDOW),
                "draw_ms": round(self._draw_ms, 2),
                "encode_ms": round(self._encode_ms, 2),
                "frames_drawn": self.frames_drawn,
                "frames_sent": self.frames_sent,
                "key_frames": self.key_frames,
                "bytes_encoded": self.bytes_encoded,
            }

    def _trim(self, now: float) -> None:
        while self._draws and self._draws[0][0] < now - WINDOW:
            self._draws.popleft()
        while self._encodes and self._encodes[0][0] < now - WINDOW:
            self._encodes.popleft()
