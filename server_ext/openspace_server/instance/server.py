"""The instance's loopback socket: ``/signaling`` for WebRTC viewers, ``/bulk`` for headless ones."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from openspace_server.instance.control import Conversation
from openspace_server.instance.instance import Instance
from openspace_server.instance.peers import Peers
from openspace_server.instance.streaming.webrtc import Peer
from openspace_server.protocols import signaling
from openspace_server.protocols import viewer as messages
from openspace_server.protocols.fields import ProtocolError, describe
from openspace_server.protocols.signaling import Join

log = logging.getLogger(__name__)

JOIN_TIMEOUT = 10.0
"""Seconds a new socket has for its ``join``."""
MAX_UNJOINED = 16
MAX_BULK_BYTES = 64 * 1024 * 1024


class Server:
    """Listens on a free port of 127.0.0.1 once made."""

    def __init__(self, instance: Instance, session: str, secret: str) -> None:
        self.instance = instance
        self.session = session
        self.secret = secret
        self.peers = Peers(instance)
        self.unjoined = 0
        self.sockets: set[_Socket] = set()
        routes = [("/signaling", SignalingSocket, {"server": self}), ("/bulk", BulkSocket, {"server": self})]
        self._http = HTTPServer(Application(routes, log_function=lambda handler: None))
        bound = bind_sockets(0, "127.0.0.1")
        self.port: int = bound[0].getsockname()[1]
        self._http.add_sockets(bound)

    async def close(self) -> None:
        """Take no one else, end all viewers, close all sockets."""
        self._http.stop()
        await self.peers.close()
        for socket in list(self.sockets):
            socket.close(1001, "the instance stops")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._http.close_all_connections(), 1)


class _Socket(WebSocketHandler):
    """What both channels share: the secret, the ``join``, and errors as messages."""

    limit = signaling.MAX_MESSAGE_BYTES

    def initialize(self, server: Server) -> None:
        self.server = server
        self._joined = False
        self._counted = False
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def max_message_size(self) -> int:
        return self.limit

    def get_compression_options(self) -> dict[str, Any] | None:
        return None

    def check_origin(self, origin: str) -> bool:
        return False  # no browser has business here

    def prepare(self) -> None:
        given = self.request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.server.secret}".encode()):
            raise HTTPError(401)
        if self.server.unjoined >= MAX_UNJOINED:
            raise HTTPError(503)

    def open(self, *args: str, **kwargs: str) -> None:
        self.set_nodelay(True)
        self.server.sockets.add(self)
        self._count(True)
        self._deadline = asyncio.get_running_loop().call_later(
            JOIN_TIMEOUT, self.refuse, f"no join within {JOIN_TIMEOUT:g} seconds"
        )

    async def on_message(self, message: str | bytes) -> None:
        try:
            if self._joined:
                await self.received(message)
            else:
                await self._join(message)
        except ProtocolError as problem:
            self.post(signaling.error(str(problem)))
        except Exception:
            log.exception("a message on %s failed", self.request.path)
            self.post(signaling.error("internal error, see the instance's log"))

    def on_close(self) -> None:
        self.server.sockets.discard(self)
        self._count(False)

    async def joined(self, join: Join) -> None:
        """The ``join`` was accepted. Raises ProtocolError to refuse it after all."""
        raise NotImplementedError

    async def received(self, message: str | bytes) -> None:
        """A message after ``join``."""
        raise NotImplementedError

    def refuse(self, reason: str) -> None:
        """Say why and close."""
        self.post(signaling.error(reason))
        self.close(1008, reason[:120])

    def post(self, message: str | bytes) -> None:
        with contextlib.suppress(WebSocketClosedError, StreamClosedError):
            written = self.write_message(message, binary=isinstance(message, bytes))
            written.add_done_callback(lambda done: done.exception())

    async def _join(self, message: str | bytes) -> None:
        try:
            join = Join.decode(message)
            if self.server.session and join.session != self.server.session:
                raise ProtocolError(f"session: this instance does not serve {describe(join.session)}")
            await asyncio.shield(self.server.instance.ready)
            await self.joined(join)
        except ProtocolError as problem:
            self.refuse(str(problem))
            return
        self._joined = True
        self._count(False)

    def _count(self, unjoined: bool) -> None:
        if unjoined != self._counted:
            self._counted = unjoined
            self.server.unjoined += 1 if unjoined else -1
        if not unjoined and self._deadline is not None:
            self._deadline.cancel()


class SignalingSocket(_Socket):
    """Brings one WebRTC viewer and the instance together. The viewer outlives the socket."""

    peer: Peer

    async def joined(self, join: Join) -> None:
        self.peer = self.server.peers.join(join, self._gone)
        self.post(signaling.offer(await self.peer.offer()))

    async def received(self, message: str | bytes) -> None:
        said = signaling.decode(message)
        match said["type"]:
            case "answer":
                await self.peer.accept(said["sdp"])
            case "ice-candidate":
                await self.peer.add_candidate(said.get("candidate"))
            case "ping":
                self.post('{"type": "pong"}')
            case "bye":
                self.peer.end("the viewer said bye")
            case "pong" | "ready" | "error":
                pass
            case other:
                raise ProtocolError(f"{other}: not expected here, the instance offers")

    def _gone(self, reason: str) -> None:
        if self.ws_connection is not None:
            self.refuse(reason)


class BulkSocket(_Socket):
    """A headless viewer: its conversation in text frames, arrays in binary ones."""

    limit = MAX_BULK_BYTES
    arrays = True
    talk: Conversation | None = None
    _written: asyncio.Future[None] | None = None

    async def joined(self, join: Join) -> None:
        self.server.peers.check_room()
        if self.ws_connection is not None:
            self.talk = self.server.instance.converse(join, self)

    async def received(self, message: str | bytes) -> None:
        if self.talk is None:
            return
        if isinstance(message, bytes):
            self.post(messages.error(None, "no array is expected here"))
        else:
            self.talk.receive(message)
            await self.drained()

    def on_close(self) -> None:
        super().on_close()
        if self.talk is not None:
            self.server.instance.leave(self.talk)

    @property
    def busy(self) -> bool:
        return self._written is not None and not self._written.done()

    def post(self, message: str | bytes) -> None:
        with contextlib.suppress(WebSocketClosedError, StreamClosedError):
            self._written = self.write_message(message, binary=isinstance(message, bytes))
            self._written.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def drained(self) -> None:
        if self._written is not None:
            with contextlib.suppress(WebSocketClosedError, StreamClosedError):
                await asyncio.shield(self._written)
