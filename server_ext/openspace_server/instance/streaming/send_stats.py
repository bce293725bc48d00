"""Sending statistics of one viewer: number and size of frames, time in the queue, time to send."""

from __future__ import annotations

import time
from typing import Any

from openspace_server.instance.streaming.stats import Series


class SendStats:
    """Figures of the last second, and totals. Event loop only."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.dropped = 0
        self._queued = Series()
        self._sent = Series()
        self._sending_since: float | None = None

    def taken(self, ready_at: float, size: int) -> None:
        """A frame of ``size`` bytes, ready since ``ready_at``, leaves the queue: its sending begins."""
        now = time.monotonic()
        self.frames += 1
        self.bytes += size
        self._queued.add(now, (now - ready_at) * 1e3, size)
        self._sending_since = now

    def sent(self) -> None:
        """The frame taken last was sent."""
        if self._sending_since is not None:
            now = time.monotonic()
            self._sent.add(now, (now - self._sending_since) * 1e3)
            self._sending_since = None

    @property
    def frame_rate(self) -> float:
        return self._queued.rate(time.monotonic())

    @property
    def bit_rate(self) -> int:
        return self._queued.bit_rate(time.monotonic())

    def message(self) -> dict[str, Any]:
        now = time.monotonic()
        return {
            "frame_rate": self._queued.rate(now),
            "bit_rate": self._queued.bit_rate(now),
            "queue_ms": self._queued.median(now),
            "send_ms": self._sent.median(now),
            "frames_sent": self.frames,
            "bytes_sent": self.bytes,
            "dropped": self.dropped,
        }
