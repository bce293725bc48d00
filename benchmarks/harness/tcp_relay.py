"""A bad network in user space for TCP. What UDP loses, TCP brings later: a lost packet holds up all behind it.

The sender's congestion window is the real one of this machine; it sees a slow reader, not losses.
"""

from __future__ import annotations

import asyncio
import contextlib
import random

from benchmarks.harness.udp_relay import Conditions

PACKET = 1400
AGAIN = 0.02
"""Seconds beyond a round trip until a lost packet comes again."""


class TcpRelay:
    """Listens for a browser and speaks to one server. ``conditions`` may be replaced at any time."""

    def __init__(self, conditions: Conditions, port: int, seed: int = 1) -> None:
        self.conditions = conditions
        self._port = port
        self._random = random.Random(seed)
        self._free_at = 0.0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self) -> int:
        """The port to connect to."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):  # the latter from close() alone
            back, forth = await asyncio.open_connection("127.0.0.1", self._port)
            await asyncio.gather(self._pump(reader, forth, worse=False), self._pump(back, writer, worse=True))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, worse: bool) -> None:
        loop, last_at = asyncio.get_running_loop(), 0.0
        while True:
            with contextlib.suppress(OSError):
                data = await source.read(PACKET * 8)
                last_at = max(last_at, self._arrival(loop.time(), len(data), worse=worse))
                loop.call_at(last_at, _deliver, sink, data)
                if data:
                    waits = self._free_at - loop.time() - self.conditions.queue
                    if worse and waits > 0:
                        await asyncio.sleep(waits)
                    continue
            return

    def _arrival(self, now: float, size: int, *, worse: bool) -> float:
        how = self.conditions
        if not worse:
            return now + how.delay
        leaves = now
        if how.bandwidth is not None:
            leaves = self._free_at = max(now, self._free_at) + size * 8 / how.bandwidth
        late = self._random.random() * how.jitter
        for _ in range(-(-size // PACKET)):
            if self._random.random() < how.loss:
                late += 2 * how.delay + AGAIN
        return leaves + how.delay + late


def _deliver(sink: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(OSError, RuntimeError):
        if data:
            sink.write(data)
        else:
            sink.close()
