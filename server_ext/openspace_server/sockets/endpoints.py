"""WebSocket endpoints, server side and client side, with one interface: receive, send, close.

Messages are ``str`` (text frame) or ``bytes`` (binary frame) and are passed unread and unchanged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    WebSocketError,
    WebSocketHandler,
    websocket_connect,
)

from openspace_server.sockets.tuning import tune

Message = str | bytes

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
CLOSE_REASON_BYTES = 123
LOST_CODE = 1011
CONNECT_TIMEOUT = 10.0
FAULTS = (OSError, HTTPClientError, WebSocketError)
"""Exceptions that mean that a socket could not be opened, or broke."""

__all__ = [
    "FAULTS",
    "MAX_MESSAGE_BYTES",
    "ClientEndpoint",
    "Endpoint",
    "HandlerEndpoint",
    "Inbox",
    "Message",
    "RelayHandlerMixin",
    "WebSocketClosedError",
    "connect",
]


class Endpoint(Protocol):
    """One side of a relay."""

    @property
    def close_code(self) -> int | None:
        """The code the peer closed with; None while open or when the peer vanished."""

    @property
    def close_reason(self) -> str | None:
        """The reason the peer closed with."""

    async def receive(self) -> Message | None:
        """The next message; None once the peer is gone and everything it sent was received."""

    async def send(self, message: Message) -> None:
        """Send, and wait until all of it is written. Raises WebSocketClosedError."""

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close and discard further messages; returns when the socket is gone (within about 5 s). Safe to repeat."""


class Inbox:
    """Hands messages from a handler's ``on_message`` to one reader, ``depth`` at a time.

    tornado reads no further message before ``on_message`` returns, so a slow reader slows the peer down.
    """

    def __init__(self, depth: int = 1) -> None:
        self._messages: deque[Message] = deque()
        self._depth = depth
        self._ended = False
        self._discarding = False
        self._room = asyncio.Event()
        self._news = asyncio.Event()

    async def put(self, message: Message) -> None:
        """Wait for space, then queue ``message``; after :meth:`discard`, drop it."""
        while len(self._messages) >= self._depth and not self._discarding:
            self._room.clear()
            await self._room.wait()
        if not self._discarding:
            self._messages.append(message)
            self._news.set()

    async def get(self) -> Message | None:
        """The next message, or None when the inbox has ended and is empty."""
        while not self._messages:
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
        message = self._messages.popleft()
        self._room.set()
        return message

    def discard(self) -> None:
        """Drop all messages, queued and future, so that the peer's close frame can be read."""
        self._discarding = True
        self._messages.clear()
        self._room.set()

    def end(self) -> None:
        """No more messages will come."""
        self._ended = True
        self._news.set()
        self._room.set()


class RelayHandlerMixin:
    """Makes a tornado ``WebSocketHandler`` an endpoint of a relay. It must be the first base class::

        class ChannelHandler(RelayHandlerMixin, WebSocketHandler):  # also before JupyterHandler's WebSocketMixin
            def open(self) -> None:
                tune(self.ws_connection.stream)                     # TCP_NODELAY and keep-alive
                self.task = asyncio.ensure_future(self.serve())     # open() must return: tornado reads only then

            async def serve(self) -> None:
                first = await self.endpoint.receive()               # None: closed already
                instance = await connect(url, {"Authorization": "Bearer …"})
                await relay(self.endpoint, instance)                # returns when both are closed

    No compression, messages up to ``relay_max_bytes``. Overriding ``on_close`` needs ``super().on_close()``.
    """

    relay_max_bytes = MAX_MESSAGE_BYTES
    _endpoint: HandlerEndpoint | None = None

    @property
    def endpoint(self) -> HandlerEndpoint:
        """This handler as an :class:`Endpoint`."""
        if self._endpoint is None:
            self._endpoint = HandlerEndpoint(self)  # type: ignore[arg-type]
        return self._endpoint

    @property
    def max_message_size(self) -> int:
        return self.relay_max_bytes

    def allow_messages_of(self, size: int) -> None:
        """From the next message on, accept up to ``size`` bytes: an authorized peer may send more."""
        self.relay_max_bytes = size
        # tornado reads the limit once, when the socket opens.
        params = getattr(getattr(self, "ws_connection", None), "params", None)
        if params is not None:
            params.max_message_size = size

    def get_compression_options(self) -> dict[str, Any] | None:
        return None

    async def on_message(self, message: Message) -> None:
        await self.endpoint.inbox.put(message)

    def on_close(self) -> None:
        self.endpoint.inbox.end()
        super().on_close()  # type: ignore[misc]


class HandlerEndpoint:
    """A server-side socket: a ``WebSocketHandler`` with :class:`RelayHandlerMixin`."""

    def __init__(self, handler: WebSocketHandler) -> None:
        self._handler = handler
        self.inbox = Inbox()

    @property
    def close_code(self) -> int | None:
        return self._handler.close_code

    @property
    def close_reason(self) -> str | None:
        return self._handler.close_reason

    async def receive(self) -> Message | None:
        return await self.inbox.get()

    async def send(self, message: Message) -> None:
        await self._handler.write_message(message, binary=isinstance(message, bytes))

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.inbox.discard()
        self._handler.close(_sendable(code), _clipped(reason))
        await self.inbox.get()


class ClientEndpoint:
    """A client-side socket made by :func:`connect`."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self._connection = connection
        self._gone = False

    @property
    def close_code(self) -> int | None:
        return self._connection.close_code

    @property
    def close_reason(self) -> str | None:
        return self._connection.close_reason

    async def receive(self) -> Message | None:
        if self._gone:
            return None
        message: Message | None = await self._connection.read_message()
        self._gone = message is None
        return message

    async def send(self, message: Message) -> None:
        await self._connection.write_message(message, binary=isinstance(message, bytes))

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        self._connection.close(_sendable(code), _clipped(reason))
        while await self.receive() is not None:
            pass


async def connect(
    url: str,
    headers: dict[str, str] | None = None,
    timeout: float = CONNECT_TIMEOUT,
    max_bytes: int = MAX_MESSAGE_BYTES,
) -> ClientEndpoint:
    """Open a WebSocket to ``url`` (``ws://`` or ``wss://``) without compression.

    Args:
        headers: sent with the upgrade request.
        timeout: seconds until the upgrade must be done.
        max_bytes: a longer message from the server closes the socket with 1009.

    Raises:
        one of :data:`FAULTS`: not reachable, refused.
    """
    request = HTTPRequest(url, headers=headers or {}, connect_timeout=timeout, request_timeout=timeout)
    connection = await websocket_connect(request, compression_options=None, max_message_size=max_bytes)
    if connection.protocol is not None and connection.protocol.stream is not None:
        tune(connection.protocol.stream)
    return ClientEndpoint(connection)


def _sendable(code: int | None) -> int:
    """``code`` if RFC 6455 allows it in a close frame, else the code for a lost peer."""
    if code is not None and (code in (1000, 1001, 1002, 1003) or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        return code
    return LOST_CODE


def _clipped(reason: str | None) -> str | None:
    """``reason`` cut to the length that a close frame can hold."""
    return reason and reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")
