"""What the draw thread did in the last second."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

WINDOW = 1.0
"""Seconds that rates and medians look back."""


class Encoded(Protocol):
    """What is counted of an encoded picture."""

    @property
    def data(self) -> bytes: ...
    @property
    def key(self) -> bool: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


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


class Stats:
    """Counters and timings, written by the draw thread and read by any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._draws = Series()
        self._encodes: dict[int, Series] = {0: Series()}
        self._sizes: dict[int, tuple[int, int]] = {}
        self.busy = 0.0
        """Seconds spent on drawing and encoding so far."""
        self.frames_drawn = 0
        self.frames_sent = 0
        self.key_frames = 0
        self.bytes_encoded = 0

    def drew(self, now: float, seconds: float) -> None:
        with self._lock:
            self.busy += seconds
            self.frames_drawn += 1
            self._draws.add(now, seconds * 1e3)

    def encoded(self, stream: int, now: float, seconds: float, picture: Encoded) -> None:
        """``seconds`` include the colour conversion."""
        with self._lock:
            self.busy += seconds
            self.frames_sent += 1
            self.key_frames += picture.key
            self.bytes_encoded += len(picture.data)
            self._encodes.setdefault(stream, Series()).add(now, seconds * 1e3, len(picture.data))
            self._sizes[stream] = (picture.width, picture.height)

    def streams(self, active: Iterable[int]) -> None:
        """The streams there are now; stream 0 is remembered when it has ended."""
        with self._lock:
            keep = {0, *active}
            self._encodes = {stream: series for stream, series in self._encodes.items() if stream in keep}
            self._sizes = {stream: size for stream, size in self._sizes.items() if stream in active}

    def message(self, now: float) -> dict[str, Any]:
        """Rates and medians over the last second, those of the main stream first."""
        with self._lock:
            main = self._encodes[0]
            return {
                "frame_rate": main.rate(now),
                "bit_rate": main.bit_rate(now),
                "draw_rate": self._draws.rate(now),
                "draw_ms": self._draws.median(now),
                "encode_ms": main.median(now),
                "frames_drawn": self.frames_drawn,
                "frames_sent": self.frames_sent,
                "key_frames": self.key_frames,
                "bytes_encoded": self.bytes_encoded,
                "rungs": [
                    {
                        "rung": stream,
                        "width": size[0],
                        "height": size[1],
                        "frame_rate": self._encodes[stream].rate(now),
                        "bit_rate": self._encodes[stream].bit_rate(now),
                        "encode_ms": self._encodes[stream].median(now),
                    }
                    for stream, size in sorted(self._sizes.items())
                ],
            }
