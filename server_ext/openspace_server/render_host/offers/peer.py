"""One sender at ``/offer``: its data channel's chunks go to a session or are counted here; credits come back."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import numpy as np

from openspace_server.protocols import arrays, transfer
from openspace_server.protocols import viewer as messages
from openspace_server.protocols.fields import ProtocolError, text
from openspace_server.protocols.transfer import Reassembler, ReceiveCredits, TransferError
from openspace_server.render_host.offers import webrtc as offer_webrtc
from openspace_server.render_host.offers.webrtc import Outlet
from openspace_server.sockets.endpoints import Endpoint, WebSocketClosedError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 20.0
"""Seconds from the answer until a data channel must be open."""


class Frames(Protocol):
    """What happens to arrays that are not for a session."""

    async def took(self, header: dict[str, Any], array: np.ndarray, columns: dict[str, np.ndarray]) -> None: ...

    def refused(self, reason: str) -> None: ...


class Sink(Protocol):
    """Where the messages of a data channel go."""

    def receive(self, message: str | bytes) -> None: ...

    async def close(self) -> None: ...


class OfferPeer:
    """A peer connection that somebody offered. ``ended`` is called once, when it is over."""

    def __init__(self, library: Any, make_sink: Callable[[Outlet], Sink], ended: Callable[[OfferPeer], None]) -> None:
        self._library = library
        self._make_sink = make_sink
        self._ended = ended
        self._over = False
        self._sink: Sink | None = None
        self._closing: asyncio.Task[None] | None = None
        self._connection = offer_webrtc.connection(library)
        self._connection.on("datachannel", self._opened)
        self._connection.on("connectionstatechange", self._changed)
        self._deadline = asyncio.get_running_loop().call_later(CONNECT_TIMEOUT, self.end, "no data channel in time")

    async def answer(self, sdp: str) -> str:
        """The answer to an offer, with all candidates. Raises ProtocolError."""
        try:
            await self._connection.setRemoteDescription(self._library.RTCSessionDescription(sdp=sdp, type="offer"))
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as problem:  # the libraries' SDP parsers have no error of their own
            self.end("its offer was not acceptable")
            raise ProtocolError(f"offer: not acceptable: {type(problem).__name__}: {problem}"[:300]) from None
        return str(self._connection.localDescription.sdp)

    def end(self, reason: str) -> None:
        """Close, from whichever side. Safe to repeat."""
        if self._over:
            return
        self._over = True
        log.info("sender ended: %s", reason)
        self._deadline.cancel()
        self._closing = asyncio.ensure_future(self._close())
        self._ended(self)

    async def closed(self) -> None:
        """Wait until everything of an ended peer is gone."""
        if self._closing is not None:
            await self._closing

    async def _close(self) -> None:
        if self._sink is not None:
            await self._sink.close()
        await self._connection.close()

    def _opened(self, channel: Any) -> None:
        if self._sink is not None or self._over:
            channel.close()
            return
        self._deadline.cancel()
        self._sink = self._make_sink(Outlet(channel))
        channel.on("message", self._sink.receive)
        channel.on("close", lambda: self.end("it closed its data channel"))

    def _changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self.end(f"connection {self._connection.connectionState}")


class Counting:
    """Takes arrays for themselves: checks, tells ``frames``, answers each. Memory as in the instance's own intake: one
    message under way, those that wait within the window, no credits while one waits."""

    def __init__(self, outlet: Outlet, frames: Frames) -> None:
        self._outlet = outlet
        self._frames = frames
        self._reassembler = Reassembler()
        self._credits = ReceiveCredits()
        self._waiting: deque[tuple[int, memoryview]] = deque()
        self._working: asyncio.Task[None] | None = None

    def receive(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._outlet.post(messages.error(None, "expected chunks of array messages, got a text"))
            return
        if not self._credits.receive(message):
            self._refuse(None, "more was sent than credits were given for")
            return
        try:
            whole = self._reassembler.receive(message)
        except TransferError as problem:
            self._refuse(problem.transfer, str(problem))
        else:
            if whole is not None:
                self._waiting.append((transfer.number_of(message), whole))
                if self._working is None:
                    self._working = asyncio.ensure_future(self._work())
        self._give_back()

    async def close(self) -> None:
        self._reassembler.abandon()
        self._waiting.clear()
        if self._working is not None:
            self._working.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting:
                number, message = self._waiting.popleft()
                self._give_back()
                try:
                    header, array, columns = await asyncio.to_thread(arrays.decode_columns, message)
                    text(header, "name", limit=128, default="")
                    result: dict[str, Any] = {"shown": False, "received": True, "bytes": len(message)}
                    if header.get("check") is True:
                        result["crc32"] = await asyncio.to_thread(crc32, array, columns)
                    await self._frames.took(header, array, columns)
                    self._outlet.post(messages.reply(number, result))
                except ProtocolError as problem:
                    self._refuse(number, str(problem))
        finally:
            self._working = None

    def _refuse(self, number: int | None, reason: str) -> None:
        self._frames.refused(reason)
        self._outlet.post(messages.error(number, reason))

    def _give_back(self) -> None:
        due = 0 if self._waiting else self._credits.due(idle=self._reassembler.transfer is None)
        if due:
            self._outlet.post(transfer.credit(due))


class Passing:
    """Passes messages on to a session's bulk socket, and what it says back."""

    def __init__(
        self, outlet: Outlet, connect: Callable[[], Awaitable[Endpoint]], ended: Callable[[str], None]
    ) -> None:
        self._outlet = outlet
        self._ended = ended
        self._queued = 0
        self._messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._working = asyncio.ensure_future(self._work(connect))

    def receive(self, message: str | bytes) -> None:
        # The session gives the credits; here only those are cut off that do not care for them.
        self._queued += len(message)
        if self._queued > 2 * transfer.WINDOW:
            self._ended("more was sent than credits were given for")
            return
        self._messages.put_nowait(message)

    async def close(self) -> None:
        self._working.cancel()
        await asyncio.gather(self._working, return_exceptions=True)

    async def _work(self, connect: Callable[[], Awaitable[Endpoint]]) -> None:
        try:
            end = await connect()
        except Exception as problem:
            self._outlet.post(messages.error(None, f"the session is not reached: {problem}"))
            self._ended("its session was not reached")
            return
        back = asyncio.ensure_future(self._back(end))
        try:
            while True:
                message = await self._messages.get()
                await end.send(message)
                self._queued -= len(message)
        except WebSocketClosedError:
            self._ended("its session ended")
        finally:
            back.cancel()
            await end.close(1000, "the sender left")

    async def _back(self, end: Endpoint) -> None:
        while (message := await end.receive()) is not None:
            if isinstance(message, str):
                await self._outlet.send(message)
        self._ended("its session ended")


def crc32(array: np.ndarray, columns: dict[str, np.ndarray]) -> int:
    """CRC-32 of the array and then its columns, in the order of the message, as C-contiguous bytes."""
    crc = zlib.crc32(np.ascontiguousarray(array).data)
    for column in columns.values():
        crc = zlib.crc32(np.ascontiguousarray(column).data, crc)
    return crc
