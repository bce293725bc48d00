"""The two transports: WebSocket on any path, and TCP with one JSON message per line."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

from tornado.iostream import IOStream, StreamBufferFullError, StreamClosedError, UnsatisfiableReadError
from tornado.tcpserver import TCPServer
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from openspace_server.instance.api.access import Admission, admission, origin_allowed
from openspace_server.instance.api.connection import Connection
from openspace_server.instance.api.context import Shared
from openspace_server.sockets.tuning import tune

log = logging.getLogger(__name__)


class StreamWire:
    """The sending side of a connection over an IOStream; subclasses tell how a message is framed."""

    def __init__(self, shared: Shared, stream: IOStream) -> None:
        self._shared = shared
        self._stream = stream
        self._behind_since: float | None = None
        # Only what is still unread counts, so a large message to a client that reads is no trouble.
        stream.max_write_buffer_size = shared.settings.max_buffered_bytes

    @property
    def congested(self) -> bool:
        return self._stream.writing()

    def write(self, text: str) -> None:
        try:
            self._write(text)
        except StreamBufferFullError:
            self.cut("it left too much unread")
        except (StreamClosedError, WebSocketClosedError):
            pass  # the transport notices by itself

    def _write(self, text: str) -> None:
        raise NotImplementedError

    def cut(self, reason: str) -> None:
        if not self._stream.closed():
            self._shared.complain("Connection", f"a client was cut off: {reason}")
            self._stream.close()

    def end(self) -> None:
        """Close without a word in the log: the program ends."""
        self._stream.close()

    def check(self, now: float) -> None:
        """Cut the client off if it has left something unread for too long. To be called about once a second."""
        if not self._stream.writing():
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        elif now - self._behind_since > self._shared.settings.stalled_seconds:
            self.cut("it has stopped reading")


class ApiWebSocket(WebSocketHandler):
    """One WebSocket client."""

    wire: StreamWire | None = None

    def initialize(self, shared: Shared) -> None:
        self._shared = shared
        self._connection: Connection | None = None

    def check_origin(self, origin: str) -> bool:
        return True  # get() has looked; tornado would let in a page of our own host's name without asking

    async def get(self, *arguments: Any, **named: Any) -> None:
        origin = self.request.headers.get("Origin", self.request.headers.get("Sec-WebSocket-Origin"))
        if not origin_allowed(self._shared.settings, origin):
            self._shared.complain(
                "Connection", f"a web page of {str(origin)[:200]} was refused; the settings can allow it"
            )
            self.send_error(403)
            return
        if len(self._shared.connections) >= self._shared.settings.max_connections:
            self.send_error(503, reason="Too many connections")
            return
        if self._admission() is Admission.REFUSED:
            self.send_error(403)
            return
        await super().get(*arguments, **named)

    @property
    def max_message_size(self) -> int:
        return self._shared.settings.max_message_bytes

    def get_compression_options(self) -> dict[str, Any] | None:
        return None

    def open(self, *arguments: str, **named: str) -> None:
        assert self.ws_connection is not None
        stream = self.ws_connection.stream
        assert stream is not None
        self.set_nodelay(True)
        self.wire = _WebSocketWire(self._shared, stream, self)
        self._connection = Connection(self._shared, self.wire, self._admission())
        self._shared.connections.add(self)

    def _admission(self) -> Admission:
        authorization = self.request.headers.get("Authorization", "")
        return admission(self._shared.settings, _address(self.request.remote_ip), authorization)

    async def on_message(self, message: str | bytes) -> None:
        # tornado reads no further message before this returns: a client that asks too much waits.
        if self._connection is not None:
            await self._connection.receive(message)

    def on_close(self) -> None:
        self._shared.connections.discard(self)
        if self._connection is not None:
            self._shared.spawn(self._connection.close())

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        if not isinstance(error, asyncio.CancelledError):
            log.error("an API WebSocket failed", exc_info=(kind, error, trace))


class _WebSocketWire(StreamWire):
    def __init__(self, shared: Shared, stream: IOStream, handler: ApiWebSocket) -> None:
        super().__init__(shared, stream)
        self._handler = handler

    def _write(self, text: str) -> None:
        self._handler.write_message(text)


class _TcpWire(StreamWire):
    def _write(self, text: str) -> None:
        self._stream.write(text.encode("ascii") + b"\n")


class ApiTcpServer(TCPServer):
    """Newline-delimited JSON. An empty line ends the connection, as upstream."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(max_buffer_size=shared.settings.max_message_bytes + 64 * 1024)
        self.trust_loopback = shared.settings.trust_loopback
        self._shared = shared

    async def handle_stream(self, stream: IOStream, address: Any) -> None:
        settings = replace(self._shared.settings, trust_loopback=self.trust_loopback)
        admitted = admission(settings, _address(address[0] if address else ""))
        if admitted is Admission.REFUSED or len(self._shared.connections) >= settings.max_connections:
            stream.close()
            return
        tune(stream)
        client = TcpClient(self._shared, stream, admitted)
        self._shared.connections.add(client)
        try:
            await client.serve()
        except Exception:
            log.exception("an API TCP connection failed")
        finally:
            stream.close()
            self._shared.connections.discard(client)
            self._shared.spawn(client.connection.close())


class TcpClient:
    """One TCP client."""

    def __init__(self, shared: Shared, stream: IOStream, admitted: Admission) -> None:
        self._shared = shared
        self._stream = stream
        self.wire: StreamWire = _TcpWire(shared, stream)
        self.connection = Connection(shared, self.wire, admitted)

    async def serve(self) -> None:
        """Until the client leaves."""
        limit = self._shared.settings.max_message_bytes
        while True:
            try:
                line = await self._stream.read_until(b"\n", max_bytes=limit)
            except UnsatisfiableReadError:
                self.wire.cut(f"its message was longer than {limit} bytes")
                return
            except StreamClosedError as error:
                if isinstance(error.real_error, UnsatisfiableReadError):
                    self._shared.complain("Connection", f"a client was cut off: a message longer than {limit} bytes")
                return
            if not line.strip():
                return
            await self.connection.receive(line)


def _address(given: Any) -> str:
    return given if isinstance(given, str) else ""


def check_all(shared: Shared) -> None:
    """Cut off who has stopped reading."""
    now = time.monotonic()
    for client in list(shared.connections):
        wire = getattr(client, "wire", None)
        if wire is not None:
            wire.check(now)
