"""A bad network in user space: loses, delays, jitters and narrows what passes between a browser and an instance."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]


@dataclass
class Conditions:
    """What happens on the way to the browser; ``delay`` (seconds, each way) on the way back, too.

    Attributes:
        loss: part of the packets lost.
        jitter: seconds that a packet may be late in addition; packets do not overtake each other.
        bandwidth: bit/s, None for any.
        queue: seconds that a packet waits for the bandwidth at most before it is lost.
    """

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    bandwidth: float | None = None
    queue: float = 0.3


class UdpRelay(asyncio.DatagramProtocol):
    """Listens for one browser and speaks to one instance."""

    def __init__(self, conditions: Conditions, seed: int = 1) -> None:
        self.conditions = conditions
        self.passed = self.lost = 0
        self._target: Address | None = None
        self._browser: Address | None = None
        self._random = random.Random(seed)
        self._free_at = self._last_at = 0.0
        self._front: asyncio.DatagramTransport | None = None
        self._back: asyncio.DatagramTransport | None = None

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self._back, _ = await loop.create_datagram_endpoint(lambda: _Back(self), local_addr=("0.0.0.0", 0))

    def lead_to(self, host: str, port: int) -> int:
        """Relay to the instance at ``host:port`` from now on; the port for the browser."""
        assert self._front is not None
        self._target = (host, port)
        return int(self._front.get_extra_info("sockname")[1])

    def close(self) -> None:
        for transport in (self._front, self._back):
            if transport is not None:
                transport.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """From the browser."""
        self._browser = addr
        asyncio.get_running_loop().call_later(self.conditions.delay, self._pass_on, data)

    def returned(self, data: bytes) -> None:
        """From the instance."""
        loop, how = asyncio.get_running_loop(), self.conditions
        now = loop.time()
        if self._random.random() < how.loss:
            self.lost += 1
            return
        leaves = now
        if how.bandwidth is not None:
            leaves = max(now, self._free_at)
            if leaves - now > how.queue:
                self.lost += 1
                return
            leaves = self._free_at = leaves + len(data) * 8 / how.bandwidth
        arrives = leaves + how.delay + self._random.random() * how.jitter
        self._last_at = max(self._last_at, arrives)
        self.passed += 1
        loop.call_at(self._last_at, self._deliver, data)

    def _pass_on(self, data: bytes) -> None:
        if self._target is not None and self._back is not None and not self._back.is_closing():
            self._back.sendto(data, self._target)

    def _deliver(self, data: bytes) -> None:
        if self._front is not None and self._browser is not None and not self._front.is_closing():
            self._front.sendto(data, self._browser)


class _Back(asyncio.DatagramProtocol):
    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._relay.returned(data)
