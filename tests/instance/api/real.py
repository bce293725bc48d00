"""A real render host with a real instance of the embedded engine, its API on both transports."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from openspace_server.protocols.signaling import Join, Role
from openspace_server.render_host.host import RenderHost, port_is_free
from openspace_server.render_host.settings import HostSettings
from tests.helpers import free_ports, until
from tests.instance.api.harness import HANDSHAKE, Client, TcpLink, WebSocketLink
from tests.instance.harness import Bulk, Media, websocket_connect
from tests.render_host.helpers import start_running

HOST = "127.0.0.1"
SESSION, TOKEN = "s", "a token for the tests"
TRACEBACK = "Traceback (most recent call last)"


@dataclass
class RealInstance:
    """The instance in slot 0 of ``host``. ``port`` and ``tcp_port`` are its API's."""

    host: RenderHost
    port: int
    tcp_port: int
    log: Path

    @property
    def process(self) -> psutil.Process:
        """The instance's process."""
        return next(child for child in psutil.Process().children() if "openspace_server.instance" in child.cmdline())

    @property
    def tracebacks(self) -> str:
        """The instance's log from its first exception on; empty when there is none."""
        said = self.log.read_text(errors="replace")
        return said[said.index(TRACEBACK) - 500 :] if TRACEBACK in said else ""

    async def client(self, kind: str = "1.0", transport: str = "ws") -> Client:
        """A client of the API."""
        link: Any = await (WebSocketLink.open(self.port) if transport == "ws" else TcpLink.open(self.tcp_port))
        if kind == "1.0":
            await link.send(json.dumps(HANDSHAKE))
        return Client(link, legacy=kind == "legacy")

    @asynccontextmanager
    async def viewer(self, channel: str) -> AsyncIterator[Any]:
        """A viewer on ``bulk``, or on ``media``, where it acknowledges every frame."""
        connection = await websocket_connect(f"ws://{HOST}:{self.host.gateway_port}/{channel}", max_message_size=2**30)
        await connection.write_message(Join(SESSION, Role.CONTROLLER, "test", TOKEN).encode())
        talking = Bulk(connection) if channel == "bulk" else Media(connection, acks=True)
        try:
            yield talking
        finally:
            connection.close()
            talking.reading.cancel()


@asynccontextmanager
async def real_instance(folder: Path, **settings: Any) -> AsyncIterator[RealInstance]:
    """Start one; its log is below ``folder``. ``settings``: of the host."""
    base, tcp_base = free_ports(2)
    defaults: dict[str, Any] = {"slots": 1, "port": 0, "gateway_port": 0, "api_port": base, "api_tcp_port": tcp_base}
    host = RenderHost(HostSettings(log_dir=folder, **defaults | settings))
    await host.start()
    try:
        await start_running(host.port, SESSION, token=TOKEN)
        # The API comes after the first picture.
        await until(lambda: not port_is_free(HOST, tcp_base), "the API")
        yield RealInstance(host, base, tcp_base, one_log(folder))
    finally:
        await host.close()


def one_log(folder: Path) -> Path:
    return next(folder.glob("*.log"))
