"""The OpenSpace API server of one instance.

::

    script_host = ScriptHost(engine, user_folder)       # engine: a SceneEngine
    server = ApiServer(draw_loop, script_host)          # draw_loop.call(command(engine, now), changes=…) -> awaitable
    port = server.listen(4682)                          # WebSocket, any path; 0 = a free port
    tcp_port = server.listen_tcp(4681)                  # newline-delimited JSON, optional
    ...
    await server.close()
"""

from __future__ import annotations

import asyncio
import logging

from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback
from tornado.netutil import bind_sockets
from tornado.web import Application

from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.context import Context
from openspace_server.instance.api.feed import Feed
from openspace_server.instance.api.flight_control import FlightControl
from openspace_server.instance.api.script_access import EngineAccess, ScriptAccess
from openspace_server.instance.api.settings import ApiSettings
from openspace_server.instance.api.transports import ApiTcpServer, ApiWebSocket, check_all

log = logging.getLogger(__name__)

CHECK_MILLISECONDS = 1000.0
PING_SECONDS = 10
CLOSE_SECONDS = 2.0


class ApiServer:
    """Make it, and call its methods, on the event loop."""

    def __init__(self, engine: EngineAccess, script_host: ScriptHost, settings: ApiSettings | None = None) -> None:
        scripts = ScriptAccess(engine, script_host)
        feed, flight = Feed(scripts, script_host), FlightControl(scripts)
        self._context = Context(settings or ApiSettings(), script_host, scripts, feed, flight)
        application = Application(
            [(r".*", ApiWebSocket, {"context": self._context})],
            websocket_ping_interval=PING_SECONDS,
            websocket_ping_timeout=PING_SECONDS,
            log_function=lambda handler: None,
        )
        self._http = HTTPServer(application, max_buffer_size=self._context.settings.max_message_bytes + 64 * 1024)
        self._tcp = ApiTcpServer(self._context)
        self._check = PeriodicCallback(lambda: check_all(self._context), CHECK_MILLISECONDS)
        self._check.start()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._context.connections)

    def listen(self, port: int, address: str = "127.0.0.1") -> int:
        """Serve WebSockets; returns the port. Raises OSError when it is taken."""
        sockets = bind_sockets(port, address)
        self._http.add_sockets(sockets)
        return int(sockets[0].getsockname()[1])

    def listen_tcp(self, port: int, address: str = "127.0.0.1", *, trust_loopback: bool | None = None) -> int:
        """Serve newline-delimited JSON; returns the port. ``trust_loopback``: of the settings, unless passed.
        Raises OSError when the port is taken."""
        sockets = bind_sockets(port, address)
        if trust_loopback is not None:
            self._tcp.trust_loopback = trust_loopback
        self._tcp.add_sockets(sockets)
        return int(sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and close all connections. To be called while the draw thread still runs."""
        self._check.stop()
        self._http.stop()
        self._tcp.stop()
        for client in list(self._context.connections):
            sender = getattr(client, "sender", None)
            if sender is not None:
                sender.close()
        await self._http.close_all_connections()
        await self._context.feed.close()
        while self._context.tasks:
            await asyncio.wait(set(self._context.tasks), timeout=CLOSE_SECONDS)
            for task in self._context.tasks:
                task.cancel()
        self._context.scripts.close()
        await asyncio.sleep(0)
