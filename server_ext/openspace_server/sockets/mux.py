"""Multiplexing of commands and streams over one authenticated WebSocket. No stream blocks another or fills memory.

Messages are sent in chunks. A sender may have WINDOW bytes in flight on a stream; the receiver returns credits for the
bytes that it has consumed.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from openspace_server.protocols.agent import CHUNK_BYTES, Frame, Kind, Seal
from openspace_server.protocols.fields import ProtocolError
from openspace_server.sockets.endpoints import LOST_CODE, MAX_MESSAGE_BYTES, Message, WebSocketClosedError

WINDOW = 4 * 1024 * 1024
MAX_STREAMS = 1024
_CODE = struct.Struct(">H")
_BYTES = struct.Struct(">I")


class FrameSocket(Protocol):
    """The WebSocket that carries the frames; an ``Endpoint``."""

    async def receive(self) -> Message | None: ...

    async def send(self, message: Message) -> None: ...


class MuxStream:
    """One stream; an ``Endpoint``."""

    def __init__(self, mux: Mux, number: int) -> None:
        self._mux = mux
        self._number = number
        self._messages: deque[tuple[Message, int]] = deque()
        self._parts = bytearray()
        self._in_flight = 0
        self._room, self._news = asyncio.Event(), asyncio.Event()
        self._closed = False
        self.close_code: int | None = None
        self.close_reason: str | None = None

    async def receive(self) -> Message | None:
        while not self._messages:
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()
        message, size = self._messages.popleft()
        await self._credit(size)
        return message

    async def send(self, message: Message) -> None:
        data = message if isinstance(message, bytes) else message.encode()
        last = Kind.BINARY if isinstance(message, bytes) else Kind.TEXT
        for start in range(0, max(len(data), 1), CHUNK_BYTES):
            chunk = data[start : start + CHUNK_BYTES]
            while self._in_flight > WINDOW and not self._closed:
                self._room.clear()
                await self._room.wait()
            if self._closed:
                raise WebSocketClosedError
            self._in_flight += len(chunk)
            kind = last if start + CHUNK_BYTES >= len(data) else Kind.PART
            await self._mux.send(Frame(kind, self._number, chunk))

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        if not self._closed:
            payload = _CODE.pack(code or 1000) + (reason or "").encode()[:120]
            with contextlib.suppress(WebSocketClosedError, OSError):
                await self._mux.send(Frame(Kind.CLOSE, self._number, payload))
        self.end(code, reason)

    def end(self, code: int | None, reason: str | None) -> None:
        """The stream has ended: no more messages will come."""
        if not self._closed:
            self._closed, self.close_code, self.close_reason = True, code, reason
        self._news.set()
        self._room.set()
        self._mux.forget(self._number)

    async def on_frame(self, frame: Frame) -> None:
        """Handle a frame from the other side."""
        match frame.kind:
            case Kind.PART | Kind.TEXT | Kind.BINARY:
                self._parts += frame.data
                if len(self._parts) > MAX_MESSAGE_BYTES:
                    await self.close(1009, "message too big")
                elif frame.kind is Kind.PART:
                    await self._credit(len(frame.data))
                else:
                    whole, self._parts = bytes(self._parts), bytearray()
                    text = frame.kind is Kind.TEXT
                    self._messages.append((whole.decode(errors="replace") if text else whole, len(frame.data)))
                    self._news.set()
            case Kind.CREDIT:
                self._in_flight -= _BYTES.unpack(frame.data)[0]
                self._room.set()
            case Kind.CLOSE:
                self.end(_CODE.unpack_from(frame.data)[0], frame.data[_CODE.size :].decode(errors="replace"))

    async def _credit(self, size: int) -> None:
        with contextlib.suppress(WebSocketClosedError, OSError):
            await self._mux.send(Frame(Kind.CREDIT, self._number, _BYTES.pack(size)))


class Mux:
    """One side of the connection. ``answer`` replies to commands, ``accept`` serves streams that the other side opens;
    a side without them ignores both. It ends when :meth:`run` returns."""

    def __init__(
        self,
        socket: FrameSocket,
        seal: Seal,
        answer: Callable[[str], Awaitable[str]] | None = None,
        accept: Callable[[str, MuxStream], Awaitable[None]] | None = None,
        on_received: Callable[[], None] = lambda: None,
    ) -> None:
        self._socket = socket
        self._seal = seal
        self._answer = answer
        self._accept = accept
        self._on_received = on_received
        self._sending = asyncio.Lock()
        self._streams: dict[int, MuxStream] = {}
        self._replies: dict[int, asyncio.Future[str]] = {}
        self._last_number = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = False

    async def run(self) -> None:
        """Handle frames until the socket closes. Raises ProtocolError for a frame that is not authentic."""
        try:
            while (raw := await self._socket.receive()) is not None:
                self._on_received()
                await self._on_frame(self._seal.open(raw))
        except struct.error:
            raise ProtocolError("agent connection: a frame that is too short") from None
        finally:
            self._ended = True
            for stream in list(self._streams.values()):
                stream.end(LOST_CODE, "the connection to the render host is lost")
            for waiting in self._replies.values():
                if not waiting.done():
                    waiting.set_exception(OSError("the connection to the render host is lost"))
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def ask(self, message: str) -> str:
        """The other side's reply to a command. Raises OSError when the connection breaks."""
        number = self._next()
        self._replies[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send_or_fail(Frame(Kind.COMMAND, number, message.encode()))
            return await self._replies[number]
        finally:
            del self._replies[number]

    async def open(self, channel: str) -> MuxStream:
        """Open a new stream. Raises OSError when the connection breaks."""
        stream = MuxStream(self, self._next())
        self._streams[stream._number] = stream
        await self._send_or_fail(Frame(Kind.OPEN, stream._number, channel.encode()))
        return stream

    async def heartbeat(self) -> None:
        await self.send(Frame(Kind.HEARTBEAT, 0))

    async def send(self, frame: Frame) -> None:
        """Raises WebSocketClosedError when the connection is gone."""
        async with self._sending:  # frames must be sealed in the order in which they are sent
            if self._ended:
                raise WebSocketClosedError
            await self._socket.send(self._seal.seal(frame))

    def forget(self, number: int) -> None:
        self._streams.pop(number, None)

    async def _send_or_fail(self, frame: Frame) -> None:
        try:
            await self.send(frame)
        except WebSocketClosedError:
            raise OSError("the connection to the render host is lost") from None

    async def _on_frame(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.COMMAND if self._answer is not None:
                self._start(self._reply(frame))
            case Kind.REPLY:
                waiting = self._replies.get(frame.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame.data.decode(errors="replace"))
            case Kind.OPEN if self._accept is not None and len(self._streams) < MAX_STREAMS:
                stream = self._streams[frame.number] = MuxStream(self, frame.number)
                self._start(self._accept(frame.data.decode(errors="replace"), stream))
            case Kind.HEARTBEAT:
                pass
            case _:
                if (known := self._streams.get(frame.number)) is not None:
                    await known.on_frame(frame)

    async def _reply(self, frame: Frame) -> None:
        assert self._answer is not None
        answer = await self._answer(frame.data.decode(errors="replace"))
        with contextlib.suppress(WebSocketClosedError):
            await self.send(Frame(Kind.REPLY, frame.number, answer.encode()))

    def _next(self) -> int:
        self._last_number = self._last_number % 0xFFFF_FFFE + 1
        return self._last_number

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
