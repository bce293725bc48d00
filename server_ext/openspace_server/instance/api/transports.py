"""Transports of the API: WebSocket on any path, and TCP with one JSON message per line."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

from tornado.iostream import IOStream, StreamBufferFullError, StreamClosedError, UnsatisfiableReadError
from tornado.tcpserver import TCPServer
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from openspace_server.instance.api.access import Admission, admission, is_origin_allowed
from openspace_server.instance.api.connection import Connection
from openspace_server.instance.api.context import Context
from openspace_server.sockets.tuning import tune

log = logging.getLogger(__name__)


class StreamSender:
    """The sending side of a connection over an IOStream; subclasses define how a message is framed."""

    def __init__(self, context: Context, stream: IOStream) -> None:
        self._context = context
        self._stream = stream
        self._behind_since: float | None = None
        # Only what is still unread counts, so a large message to a client that reads is allowed.
        stream.max_write_buffer_size = context.settings.max_buffered_bytes

    @property
    def is_congested(self) -> bool:
        return self._stream.writing()

    def write(self, text: str) -> None:
        try:
            self._write(text)
        except StreamBufferFullError:
            self.disconnect("it left too much unread")
        except (StreamClosedError, WebSocketClosedError):
            pass  # the transport notices by itself

    def _write(self, text: str) -> None:
        raise NotImplementedError

    def disconnect(self, reason: str) -> None:
        if not self._stream.closed():
            self._context.warn("Connection", f"a client was cut off: {reason}")
            self._stream.close()

    def close(self) -> None:
        """Close without a warning in the log: the instance ends."""
        self._stream.close()

    def check(self, now: float) -> None:
        """Disconnect a client that has left something unread for too long. To be called about once a second."""
        if not self._stream.writing():
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since > self._context.settings.stalled_seconds:
            self.disconnect("it has stopped reading")


class ApiWebSocket(WebSocketHandler):
    """One WebSocket client."""

    sender: StreamSender | None = None

    def initialize(self, context: Context) -> None:
        self._context = context
        self._connection: Connection | None = None

    def check_origin(self, origin: str) -> bool:
        return True  # checked in get(); tornado would accept any page of this server's host name

    async def get(self, *arguments: Any, **named: Any) -> None:
        origin = self.request.headers.get("Origin", self.request.headers.get("Sec-WebSocket-Origin"))
        if not is_origin_allowed(self._context.settings, origin):
            self._context.warn(
                "Connection", f"a web page of {str(origin)[:200]} was refused; the settings can allow it"
            )
            self.send_error(403)
            return
        if len(self._context.connections) >= self._context.settings.max_connections:
            self.send_error(503, reason="Too many connections")
            return
        if self._admission() is Admission.REFUSED:
            self.send_error(403)
            return
        await super().get(*arguments, **named)

    @property
    def max_message_size(self) -> int:
        return self._context.settings.max_message_bytes

    def get_compression_options(self) -> dict[str, Any] | None:
        return None

    def open(self, *arguments: str, **named: str) -> None:
        assert self.ws_connection is not None
        stream = self.ws_connection.stream
        assert stream is not None
        self.set_nodelay(True)
        self.sender = _WebSocketSender(self._context, stream, self)
        self._connection = Connection(self._context, self.sender, self._admission())
        self._context.connections.add(self)

    def _admission(self) -> Admission:
        authorization = self.request.headers.get("Authorization", "")
        return admission(self._context.settings, _address(self.request.remote_ip), authorization)

    async def on_message(self, message: str | bytes) -> None:
        # tornado reads no further message before this returns: a client with many requests waits.
        if self._connection is not None:
            await self._connection.receive(message)

    def on_close(self) -> None:
        self._context.connections.discard(self)
        if self._connection is not None:
            self._context.spawn(self._connection.close())

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        if not isinstance(error, asyncio.CancelledError):
            log.error("an API WebSocket failed", exc_info=(kind, error, trace))


class _WebSocketSender(StreamSender):
    def __init__(self, context: Context, stream: IOStream, handler: ApiWebSocket) -> None:
        super().__init__(context, stream)
        self._handler = handler

    def _write(self, text: str) -> None:
        self._handler.write_message(text)


class _TcpSender(StreamSender):
    def _write(self, text: str) -> None:
        self._stream.write(text.encode("ascii") + b"\n")


class ApiTcpServer(TCPServer):
    """Newline-delimited JSON. An empty line ends the connection, as upstream."""

    def __init__(self, context: Context) -> None:
        super().__init__(max_buffer_size=context.settings.max_message_bytes + 64 * 1024)
        self.trust_loopback = context.settings.trust_loopback
        self._context = context

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        settings = replace(self._context.settings, trust_loopback=self.trust_loopback)
        allowed = admission(settings, _address(address[0] if address else ""))
        if allowed is Admission.REFUSED or len(self._context.connections) >= settings.max_connections:
            stream.close()
            return
        tune(stream)
        client = TcpClient(self._context, stream, allowed)
        self._context.connections.add(client)
        try:
            await client.serve()
        except Exception:
            log.exception("an API TCP connection failed")
        finally:
            stream.close()
            self._context.connections.discard(client)
            self._context.spawn(client.connection.close())


class TcpClient:
    """One TCP client."""

    def __init__(self, context: Context, stream: IOStream, allowed: Admission) -> None:
        self._context = context
        self._stream = stream
        self.sender: StreamSender = _TcpSender(context, stream)
        self.connection = Connection(context, self.sender, allowed)

    async def serve(self) -> None:
        """Until the client leaves."""
        limit = self._context.settings.max_message_bytes
        while True:
            try:
                line = await self._stream.read_until(b"\n", max_bytes=limit)
            except UnsatisfiableReadError:
                self.sender.disconnect(f"its message was longer than {limit} bytes")
                return
            except StreamClosedError as error:
                if isinstance(error.real_error, UnsatisfiableReadError):
                    self._context.warn("Connection", f"a client was cut off: a message longer than {limit} bytes")
                return
            if not line.strip():
                return
            await self.connection.receive(line)


def _address(peer: Any) -> str:
    return peer if isinstance(peer, str) else ""


def check_all(context: Context) -> None:
    """Disconnect clients that have stopped reading."""
    now = time.monotonic()
    for client in list(context.connections):
        sender = getattr(client, "sender", None)
        if sender is not None:
            sender.check(now)
