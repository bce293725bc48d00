"""WebRTC library for the data channels of ``POST /offer``: aiortc, or the much faster wrtc if it is installed."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from openspace_server.protocols.fields import ProtocolError, describe

LIBRARIES = ("auto", "aiortc", "wrtc")
MAX_SDP = 64 * 1024
MAX_CANDIDATES = 64
HIGH_WATER = 4 * 1024 * 1024
"""Bytes waiting in a data channel at which a sender pauses."""
LOW_WATER = 1024 * 1024

T = TypeVar("T")


class LibraryMissing(Exception):
    """The requested library is not installed; the message states what to do."""


def load(name: str) -> tuple[str, Any]:
    """Name and module of ``name``, one of :data:`LIBRARIES`; both have aiortc's interface. Raises LibraryMissing."""
    fast = importlib.util.find_spec("webrtc") is not None and importlib.util.find_spec("webrtc.aiortc") is not None
    if name == "wrtc" and not fast:
        raise LibraryMissing("wrtc is not installed: pip install 'openspace-widget[fast]'")
    if name == "wrtc" or (name == "auto" and fast):
        return "wrtc", importlib.import_module("webrtc.aiortc")
    return "aiortc", importlib.import_module("aiortc")


def connection(library: Any) -> Any:
    """A peer connection that uses no STUN or TURN server."""
    return library.RTCPeerConnection(library.RTCConfiguration(iceServers=[]))


def checked_sdp(sdp: Any) -> str:
    """``sdp`` without candidates whose name would have to be resolved. Raises ProtocolError."""
    if not isinstance(sdp, str) or not sdp.startswith("v=0"):
        raise ProtocolError(f"sdp: expected a session description, got {describe(sdp)}")
    if "m=application" not in sdp:
        raise ProtocolError("sdp: it has no data channel (m=application)")
    if len(sdp) > MAX_SDP or sdp.count("a=candidate:") > MAX_CANDIDATES:
        raise ProtocolError(f"sdp: longer than {MAX_SDP} bytes, or more than {MAX_CANDIDATES} candidates")
    lines = [line for line in sdp.splitlines() if not (line.startswith("a=candidate:") and ".local " in line)]
    return "\r\n".join(lines) + "\r\n"


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """``asyncio.run``, with uvloop if that is installed: data channels gain a quarter in throughput."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.run(main())
    import uvloop

    result: T = uvloop.run(main())
    return result


class Outlet:
    """The sending side of a data channel: waits while too much data is buffered."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._low = asyncio.Event()
        channel.bufferedAmountLowThreshold = LOW_WATER
        channel.on("bufferedamountlow", self._low.set)
        channel.on("close", self._low.set)

    @property
    def open(self) -> bool:
        return bool(self._channel.readyState == "open")

    @property
    def waiting(self) -> int:
        """Bytes that the channel has not sent yet."""
        return int(self._channel.bufferedAmount)

    async def send(self, message: str | bytes) -> None:
        """Raises ConnectionError when the channel is closed."""
        while self.open and self.waiting > HIGH_WATER:
            self._low.clear()
            if self.waiting > HIGH_WATER:
                await self._low.wait()
        if not self.open:
            raise ConnectionError("the data channel was closed")
        self._channel.send(message)

    def post(self, message: str) -> None:
        """Send a short message at once; ignored if the channel is closed."""
        if self.open:
            self._channel.send(message)
