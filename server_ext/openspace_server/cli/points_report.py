"""Reports of ``openspace-widget points``: statistics of the frames sent or received. Times in seconds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass
class SendReport:
    """Statistics of a sender. ``period``: seconds between frames, 0 for as fast as possible."""

    period: float
    sent: int = 0
    received: int = 0
    corrupt: int = 0
    refused: int = 0
    late: int = 0
    bytes: int = 0
    times: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def on_answer(self, began: float, answer: dict[str, Any], crc: int | None) -> None:
        """The answer to one frame has arrived."""
        duration = time.monotonic() - began
        if not answer["received"]:
            self.refused += 1
            self.reasons = [*self.reasons, str(answer["reason"])][-3:]
            return
        self.received += 1
        self.times.append(duration)
        self.late += bool(self.period) and duration > self.period
        self.corrupt += crc is not None and answer.get("crc32") != crc

    def report(self, seconds: float, processor: float) -> dict[str, Any]:
        ordered = sorted(self.times) or [float("nan")]
        return {
            "sent": self.sent,
            "received": self.received,
            "late": self.late,
            "lost": self.sent - self.received,
            "corrupt": self.corrupt,
            "reasons": self.reasons,
            "seconds": round(seconds, 2),
            "rate_hz": round(self.received / seconds, 3),
            "megabytes_per_second": round(self.bytes / seconds / 1e6, 2),
            "answer_ms": {
                "median": round(1e3 * ordered[len(ordered) // 2], 1),
                "p95": round(1e3 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
            },
            "cpu_percent": round(100 * processor / seconds, 1),
        }


@dataclass
class ReceiveReport:
    """Statistics of a receiver."""

    stall: float = 0.0
    received: int = 0
    refusals: int = 0
    bytes: int = 0
    names: dict[str, int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    first: float | None = None
    last: float = 0.0

    async def on_frame(self, header: dict[str, Any], array: np.ndarray, columns: dict[str, np.ndarray]) -> None:
        self.last = time.monotonic()
        self.first = self.last if self.first is None else self.first
        self.received += 1
        self.bytes += array.nbytes + sum(column.nbytes for column in columns.values())
        name = str(header.get("name", ""))
        if name in self.names or len(self.names) < 100:
            self.names[name] = self.names.get(name, 0) + 1
        if self.stall:
            await asyncio.sleep(self.stall)

    def on_refused(self, reason: str) -> None:
        self.refusals += 1
        self.reasons = [*self.reasons, reason][-3:]

    def report(self, processor: float, seconds: float) -> dict[str, Any]:
        span = self.last - self.first if self.first is not None and self.received > 1 else 0.0
        return {
            "received": self.received,
            "refused": self.refusals,
            "reasons": self.reasons,
            "names": self.names,
            "megabytes": round(self.bytes / 1e6, 1),
            "rate_hz": round((self.received - 1) / span, 3) if span else None,
            "seconds": round(seconds, 2),
            "cpu_percent": round(100 * processor / (span or seconds), 1),
        }
