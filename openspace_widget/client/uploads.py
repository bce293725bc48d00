"""Uploads of arrays over the bulk socket: in chunks, as credits allow, one message at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from tornado.websocket import WebSocketClientConnection

from openspace_server.protocols import transfer
from openspace_server.protocols.transfer import SendCredits

MEASURED_BYTES = 256 * 1024
"""Messages from this size on are used to measure the rate."""


class ArraySender:
    """The sending half of one bulk socket. Lives on the background loop."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket
        self._credits = SendCredits()
        self._credit = asyncio.Event()
        self._turn = asyncio.Lock()
        self.rate: float | None = None
        """Bytes per second of recent messages; None before the first."""

    def credited(self, size: int) -> None:
        """The instance accepted ``size`` bytes."""
        self._credits.grant(size)
        self._credit.set()

    async def send(self, number: int, parts: Sequence[bytes | memoryview], refused: Callable[[], bool]) -> None:
        """Send one message; stop in the middle once it is ``refused()``. Raises WebSocketClosedError."""
        async with self._turn:
            began, sent = time.monotonic(), 0
            for chunk in transfer.chunks(number, parts):
                size = len(chunk) - transfer.PREFIX_BYTES
                while not self._credits.take(size):
                    self._credit.clear()
                    await self._credit.wait()
                if refused():
                    self._credits.grant(size)
                    return
                await self._socket.write_message(chunk, binary=True)
                sent += size
            if sent >= MEASURED_BYTES:
                rate = sent / max(time.monotonic() - began, 1e-6)
                self.rate = rate if self.rate is None else 0.7 * self.rate + 0.3 * rate

    def closed(self) -> None:
        """The socket is gone: end the wait for credits."""
        self._credits.grant(transfer.WINDOW)
        self._credit.set()
