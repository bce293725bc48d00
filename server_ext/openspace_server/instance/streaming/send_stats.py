"""Sending statistics: number and size of the frames sent to one viewer and to all, time in the queue, time to send."""

from __future__ import annotations

import time
from typing import Any

from openspace_server.instance.streaming.stats import Series


class SendTotals:
    """Frames sent to all viewers and dropped for them, including viewers that have left."""

    def __init__(self) -> None:
        self.sent = 0
        self.dropped = 0


class SendStats:
    """One viewer's figures of the last second, and totals. Event loop only.

    Attributes:
        taken, bytes_taken: frames out of the queue and their bytes; the last one may still be in sending.
        sent, bytes_sent: frames whose sending is done, and their bytes.
        dropped: frames that the viewer was too slow for.
    """

    def __init__(self, totals: SendTotals | None = None) -> None:
        self.taken = self.bytes_taken = 0
        self.sent = self.bytes_sent = 0
        self.dropped = 0
        self._totals = totals or SendTotals()
        self._queued = Series()
        self._sends = Series()
        self._sending: tuple[float, int] | None = None

    def on_taken(self, ready_at: float, size: int) -> None:
        """A frame of ``size`` bytes, ready since ``ready_at``, leaves the queue: its sending begins."""
        now = time.monotonic()
        self.taken += 1
        self.bytes_taken += size
        self._queued.add(now, (now - ready_at) * 1e3, size)
        self._sending = now, size

    def on_sent(self) -> None:
        """The frame taken last was sent."""
        if self._sending is not None:
            now, (began, size) = time.monotonic(), self._sending
            self._sends.add(now, (now - began) * 1e3)
            self._sending = None
            self.sent += 1
            self.bytes_sent += size
            self._totals.sent += 1

    def on_dropped(self, count: int = 1) -> None:
        self.dropped += count
        self._totals.dropped += count

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
            "send_ms": self._sends.median(now),
            "frames_sent": self.sent,
            "bytes_sent": self.bytes_sent,
            "dropped": self.dropped,
        }
