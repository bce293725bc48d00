"""Lets a page reach an instance's socket, as the Jupyter server does: says ``join`` for it and relays."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from openspace_server.sockets.endpoints import RelayHandlerMixin, connect
from openspace_server.sockets.relay import relay
from openspace_server.sockets.tuning import tune


class Page(RequestHandler):
    """One HTML page."""

    def initialize(self, html: str) -> None:
        self.html = html

    def get(self) -> None:
        self.write(self.html)


class Bridge(RelayHandlerMixin, WebSocketHandler):
    """``/<channel>``, relayed to the instance."""

    def initialize(self, port: int, secret: str, join: str) -> None:
        self.port, self.secret, self.join = port, secret, join

    def open(self, channel: str) -> None:
        if self.ws_connection is not None:
            tune(getattr(self.ws_connection, "stream", None))
        self.task = asyncio.ensure_future(self._serve(channel))

    async def _serve(self, channel: str) -> None:
        url = f"ws://127.0.0.1:{self.port}/{channel}"
        instance = await connect(url, {"Authorization": f"Bearer {self.secret}"})
        await instance.send(self.join)
        await relay(self.endpoint, instance)


def serve(html: str, port: int, secret: str, join: str) -> tuple[HTTPServer, str]:
    """A running server and its address."""
    bridge: dict[str, Any] = {"port": port, "secret": secret, "join": join}
    server = HTTPServer(Application([("/", Page, {"html": html}), (r"/ws/(\w+)", Bridge, bridge)]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    return server, f"http://127.0.0.1:{sockets[0].getsockname()[1]}/"
