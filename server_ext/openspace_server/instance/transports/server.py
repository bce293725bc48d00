"""The instance's loopback server: ``/signaling`` for WebRTC viewers, ``/media`` and ``/bulk`` for the others."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from openspace_server.instance.instance import Instance
from openspace_server.instance.transports.media import MediaSocket
from openspace_server.instance.transports.peers import Peers
from openspace_server.instance.transports.websocket import BulkSocket, JoinedSocket, check_secret
from openspace_server.instance.viewers import metrics
from openspace_server.protocols import signaling
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.signaling import Join

if TYPE_CHECKING:
    from openspace_server.instance.transports.webrtc import Peer


class Server:
    """Listens on a free port of 127.0.0.1 once made."""

    def __init__(self, instance: Instance, session: str, secret: str) -> None:
        self.instance = instance
        self.session = session
        self.secret = secret
        self.peers = Peers(instance)
        self.unjoined = 0
        self.sockets: set[JoinedSocket] = set()
        channels = {"signaling": SignalingSocket, "bulk": BulkSocket, "media": MediaSocket}
        routes: list[Any] = [(f"/{channel}", handler, {"server": self}) for channel, handler in channels.items()]
        routes.append(("/metrics", Metrics, {"server": self}))
        self._http = HTTPServer(Application(routes, log_function=lambda handler: None))
        bound = bind_sockets(0, "127.0.0.1")
        self.port: int = bound[0].getsockname()[1]
        self._http.add_sockets(bound)

    async def check_alive(self) -> None:
        """Disconnect viewers that are gone; to be called once a second."""
        for socket in list(self.sockets):
            socket.check_alive()
        await self.peers.check_alive()

    async def close(self) -> None:
        """Accept no more viewers, disconnect all, close all sockets."""
        self._http.stop()
        await self.peers.close()
        for socket in list(self.sockets):
            socket.close(1001, "the instance stops")
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._http.close_all_connections(), 1)


class Metrics(RequestHandler):
    """``GET /metrics``: Prometheus text, for clients that have the secret."""

    def initialize(self, server: Server) -> None:
        self.server = server

    def prepare(self) -> None:
        check_secret(self.request.headers, self.server.secret)

    def get(self) -> None:
        self.set_header("Content-Type", metrics.TEXT_TYPE)
        self.finish(metrics.prometheus(self.server.instance))


class SignalingSocket(JoinedSocket):
    """Signaling between one WebRTC viewer and the instance. The viewer outlives the socket."""

    peer: Peer

    async def on_join(self, join: Join) -> None:
        self.peer = self.server.peers.join(join, self._on_peer_closed)
        self.send(signaling.offer(await self.peer.offer()))

    async def on_received(self, message: str | bytes) -> None:
        signal = signaling.decode(message)
        match signal["type"]:
            case "answer":
                await self.peer.accept(signal["sdp"])
            case "ice-candidate":
                await self.peer.add_candidate(signal.get("candidate"))
            case "ping":
                self.send('{"type": "pong"}')
            case "bye":
                self.peer.close("the viewer said bye")
            case "pong" | "ready" | "error":
                pass
            case other:
                raise ProtocolError(f"{other}: not expected here, the instance offers")

    def _on_peer_closed(self, reason: str) -> None:
        if self.ws_connection is not None:
            self.refuse(reason)
