"""Statistics of drawing and encoding: totals, and rates and medians over the last second."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any

from openspace_server.instance.streaming.encoder import EncodedFrame

WINDOW = 1.0
"""Seconds that rates and medians look back."""


class Series:
    """Events of the last second: how often, how many bytes, and the median of what each took in milliseconds."""

    def __init__(self) -> None:
        self._events: deque[tuple[float, float, int]] = deque()
        self._median = 0.0

    def add(self, now: float, milliseconds: float, size: int = 0) -> None:
        self._events.append((now, milliseconds, size))
        self._trim(now)

    def rate(self, now: float) -> float:
        """Per second."""
        self._trim(now)
        return round(len(self._events) / WINDOW, 1)

    def bit_rate(self, now: float) -> int:
        self._trim(now)
        return round(sum(size for _, _, size in self._events) * 8 / WINDOW)

    def median(self, now: float) -> float:
        """In milliseconds; with nothing in the last second the last one known."""
        self._trim(now)
        if self._events:
            self._median = statistics.median(milliseconds for _, milliseconds, _ in self._events)
        return round(self._median, 2)

    def _trim(self, now: float) -> None:
        while self._events and self._events[0][0] < now - WINDOW:
            self._events.popleft()


class DrawStats:
    """Counters and timings, written by the draw thread and read by any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._draws = Series()
        self._encodes: dict[int, Series] = {0: Series()}
        self._sizes: dict[int, tuple[int, int]] = {}
        self.busy = 0.0
        """Seconds spent on drawing and encoding so far."""
        self.frames_drawn = 0
        self.frames_encoded = 0
        self.key_frames = 0
        self.bytes_encoded = 0

    def on_drawn(self, now: float, seconds: float) -> None:
        with self._lock:
            self.busy += seconds
            self.frames_drawn += 1
            self._draws.add(now, seconds * 1e3)

    def on_encoded(self, now: float, seconds: float, frame: EncodedFrame) -> None:
        """``seconds`` include the color conversion."""
        with self._lock:
            self.busy += seconds
            self.frames_encoded += 1
            self.key_frames += frame.is_key
            self.bytes_encoded += len(frame.data)
            self._encodes.setdefault(frame.layer, Series()).add(now, seconds * 1e3, len(frame.data))
            self._sizes[frame.layer] = (frame.width, frame.height)

    def set_layers(self, active: Iterable[int]) -> None:
        """The active layers; figures of layer 0 are kept when it has ended."""
        with self._lock:
            keep = {0, *active}
            self._encodes = {layer: series for layer, series in self._encodes.items() if layer in keep}
            self._sizes = {layer: size for layer, size in self._sizes.items() if layer in active}

    def message(self, now: float) -> dict[str, Any]:
        """Rates and medians over the last second, those of the main layer first."""
        with self._lock:
            main = self._encodes[0]
            return {
                "frame_rate": main.rate(now),
                "bit_rate": main.bit_rate(now),
                "draw_rate": self._draws.rate(now),
                "draw_ms": self._draws.median(now),
                "encode_ms": main.median(now),
                "frames_drawn": self.frames_drawn,
                "frames_encoded": self.frames_encoded,
                "key_frames": self.key_frames,
                "bytes_encoded": self.bytes_encoded,
                "rungs": [
                    {
                        "rung": layer,
                        "width": size[0],
                        "height": size[1],
                        "frame_rate": self._encodes[layer].rate(now),
                        "bit_rate": self._encodes[layer].bit_rate(now),
                        "encode_ms": self._encodes[layer].median(now),
                    }
                    for layer, size in sorted(self._sizes.items())
                ],
            }
