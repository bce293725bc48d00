"""A peer connection of ``POST /offer``: chunks of its data channel go to a session or are counted here."""

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
from openspace_server.render_host.offers import webrtc
from openspace_server.render_host.offers.webrtc import Outlet
from openspace_server.sockets.endpoints import Endpoint, WebSocketClosedError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 20.0
"""Seconds after the answer within which a data channel must open."""


class FrameReceiver(Protocol):
    """Receives the arrays that are for no session."""

    async def on_frame(self, header: dict[str, Any], array: np.ndarray, columns: dict[str, np.ndarray]) -> None: ...

    def on_refused(self, reason: str) -> None: ...


class Sink(Protocol):
    """Consumes the messages of a data channel."""

    def receive(self, message: str | bytes) -> None: ...

    async def close(self) -> None: ...


class OfferPeer:
    """One offered peer connection. ``on_closed`` is called once, when it ends."""

    def __init__(
        self, library: Any, make_sink: Callable[[Outlet], Sink], on_closed: Callable[[OfferPeer], None]
    ) -> None:
        self._library = library
        self._make_sink = make_sink
        self._on_closed = on_closed
        self._is_closed = False
        self._sink: Sink | None = None
        self._closing: asyncio.Task[None] | None = None
        self._connection = webrtc.connection(library)
        self._connection.on("datachannel", self._on_channel)
        self._connection.on("connectionstatechange", self._on_state)
        self._deadline = asyncio.get_running_loop().call_later(CONNECT_TIMEOUT, self.end, "no data channel in time")

    async def answer(self, sdp: str) -> str:
        """The answer to an offer, with all candidates. Raises ProtocolError."""
        try:
            await self._connection.setRemoteDescription(self._library.RTCSessionDescription(sdp=sdp, type="offer"))
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as problem:  # the SDP parsers of the libraries have no exception class of their own
            self.end("its offer was not acceptable")
            raise ProtocolError(f"offer: not acceptable: {type(problem).__name__}: {problem}"[:300]) from None
        return str(self._connection.localDescription.sdp)

    def end(self, reason: str) -> None:
        """Close the connection. Safe to repeat."""
        if self._is_closed:
            return
        self._is_closed = True
        log.info("sender ended: %s", reason)
        self._deadline.cancel()
        self._closing = asyncio.ensure_future(self._close())
        self._on_closed(self)

    async def wait_closed(self) -> None:
        """Wait until the connection is closed."""
        if self._closing is not None:
            await self._closing

    async def _close(self) -> None:
        if self._sink is not None:
            await self._sink.close()
        await self._connection.close()

    def _on_channel(self, channel: Any) -> None:
        if self._sink is not None or self._is_closed:
            channel.close()
            return
        self._deadline.cancel()
        self._sink = self._make_sink(Outlet(channel))
        channel.on("message", self._sink.receive)
        channel.on("close", lambda: self.end("the sender closed its data channel"))

    def _on_state(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self.end(f"connection {self._connection.connectionState}")


class CountingSink:
    """Checks arrays, passes them to ``frames`` and answers each. Memory is bounded as in the instance: one unfinished
    message, those that wait within the window, and no credits while one waits."""

    def __init__(self, outlet: Outlet, frames: FrameReceiver) -> None:
        self._outlet = outlet
        self._frames = frames
        self._reassembler = Reassembler()
        self._credits = ReceiveCredits()
        self._waiting: deque[tuple[int, memoryview]] = deque()
        self._working: asyncio.Task[None] | None = None

    def receive(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._outlet.post(messages.error(None, "expected chunks of array messages, got text"))
            return
        if not self._credits.receive(message):
            self._refuse(None, "more was sent than credits were granted for")
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
        self._return_credits()

    async def close(self) -> None:
        self._reassembler.abandon()
        self._waiting.clear()
        if self._working is not None:
            self._working.cancel()

    async def _work(self) -> None:
        try:
            while self._waiting:
                number, message = self._waiting.popleft()
                self._return_credits()
                try:
                    header, array, columns = await asyncio.to_thread(arrays.decode_columns, message)
                    text(header, "name", limit=128, default="")
                    result: dict[str, Any] = {"shown": False, "received": True, "bytes": len(message)}
                    if header.get("check") is True:
                        result["crc32"] = await asyncio.to_thread(crc32, array, columns)
                    await self._frames.on_frame(header, array, columns)
                    self._outlet.post(messages.reply(number, result))
                except ProtocolError as problem:
                    self._refuse(number, str(problem))
        finally:
            self._working = None

    def _refuse(self, number: int | None, reason: str) -> None:
        self._frames.on_refused(reason)
        self._outlet.post(messages.error(number, reason))

    def _return_credits(self) -> None:
        due = 0 if self._waiting else self._credits.due(idle=self._reassembler.transfer is None)
        if due:
            self._outlet.post(transfer.credit(due))


class RelaySink:
    """Relays messages to a session's bulk socket, and the session's text messages back."""

    def __init__(
        self, outlet: Outlet, connect: Callable[[], Awaitable[Endpoint]], on_closed: Callable[[str], None]
    ) -> None:
        self._outlet = outlet
        self._on_closed = on_closed
        self._queued = 0
        self._messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._working = asyncio.ensure_future(self._work(connect))

    def receive(self, message: str | bytes) -> None:
        # The session grants the credits; here only senders that ignore them are cut off.
        self._queued += len(message)
        if self._queued > 2 * transfer.WINDOW:
            self._on_closed("more was sent than credits were granted for")
            return
        self._messages.put_nowait(message)

    async def close(self) -> None:
        self._working.cancel()
        await asyncio.gather(self._working, return_exceptions=True)

    async def _work(self, connect: Callable[[], Awaitable[Endpoint]]) -> None:
        try:
            session = await connect()
        except Exception as problem:
            self._outlet.post(messages.error(None, f"the session cannot be reached: {problem}"))
            self._on_closed("its session could not be reached")
            return
        replies = asyncio.ensure_future(self._relay_replies(session))
        try:
            while True:
                message = await self._messages.get()
                await session.send(message)
                self._queued -= len(message)
        except WebSocketClosedError:
            self._on_closed("its session ended")
        finally:
            replies.cancel()
            await session.close(1000, "the sender left")

    async def _relay_replies(self, session: Endpoint) -> None:
        while (message := await session.receive()) is not None:
            if isinstance(message, str):
                await self._outlet.send(message)
        self._on_closed("its session ended")


def crc32(array: np.ndarray, columns: dict[str, np.ndarray]) -> int:
    """CRC-32 of the array and then its columns, in the order of the message, as C-contiguous bytes."""
    crc = zlib.crc32(np.ascontiguousarray(array).data)
    for column in columns.values():
        crc = zlib.crc32(np.ascontiguousarray(column).data, crc)
    return crc
