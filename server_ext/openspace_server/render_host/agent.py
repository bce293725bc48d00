"""The agent of ``openspace-widget host --join URL``: dials out to an orchestrator, so that a host behind a NAT, or in a
batch job, needs no open port. Commands go to this host's supervisor, streams to its gateway."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from dataclasses import dataclass, field

from openspace_server.protocols import agent as protocol
from openspace_server.protocols import supervisor
from openspace_server.protocols.fields import ProtocolError
from openspace_server.render_host.host import RenderHost
from openspace_server.render_host.settings import HostError
from openspace_server.sockets.endpoints import FAULTS, ClientEndpoint, connect
from openspace_server.sockets.mux import Mux, MuxStream
from openspace_server.sockets.relay import relay

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
HANDSHAKE_TIMEOUT = 10.0
PATH = "openspace/api/v1/hosts/join"


@dataclass(frozen=True)
class JoinSettings:
    """``url``: of the Jupyter server or service that runs the orchestrator; ``name`` and ``secret`` as made by
    ``openspace-widget hosts add --agent NAME``; ``traits``: region, graphics_card, ram, storage, engines."""

    url: str
    name: str
    secret: str = field(repr=False)
    traits: dict[str, str] = field(default_factory=dict)

    @property
    def socket_url(self) -> str:
        """Raises HostError for anything but http(s) or ws(s)."""
        scheme, found, rest = self.url.partition("://")
        socket_scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(scheme)
        if not found or socket_scheme is None:
            raise HostError(f"--join {self.url}: expected https://… or http://…")
        return f"{socket_scheme}://{rest.rstrip('/')}/{PATH}"


class Agent:
    """Keeps one connection to an orchestrator open until it is cancelled."""

    def __init__(self, host: RenderHost, settings: JoinSettings) -> None:
        self._host = host
        self._settings = settings

    async def run(self) -> None:
        """Dial, serve, and dial again; never returns. Sessions outlive a broken connection."""
        pause = FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                await self._serve_once()
                log.warning("%s closed the connection", self._settings.url)
            except (*FAULTS, ProtocolError) as fault:
                log.warning("%s: %s", self._settings.url, str(fault) or type(fault).__name__)
            if time.monotonic() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            # Hosts must not all dial at the same moment when the orchestrator is back.
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _serve_once(self) -> None:
        socket = await connect(self._settings.socket_url, max_bytes=protocol.MAX_FRAME_BYTES)
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                seal, lease = await self._shake_hands(socket)
            log.info("joined %s as %s", self._settings.url, self._settings.name)
            mux = Mux(socket, seal, self._answer, self._accept)
            heartbeat = asyncio.create_task(_send_heartbeats(mux, lease / 3))
            try:
                await mux.run()
            finally:
                heartbeat.cancel()
        finally:
            await socket.close(1001, "the agent leaves")

    async def _shake_hands(self, socket: ClientEndpoint) -> tuple[protocol.Seal, float]:
        settings, nonce = self._settings, secrets.token_hex(16)
        challenge = str(protocol.decode(await _next(socket), "challenge").get("nonce"))
        hello = protocol.hello(settings.secret, settings.name, nonce, challenge, settings.traits, time.time())
        await socket.send(hello.encode())
        welcome = protocol.decode(await _next(socket), "welcome")
        lease = protocol.check_welcome(settings.secret, challenge, nonce, welcome)
        return protocol.Seal(protocol.session_key(settings.secret, challenge, nonce), agent=True), lease

    async def _answer(self, command: str) -> str:
        self._host.note_command()
        return supervisor.encode(self._host.supervisor.answer(command))

    async def _accept(self, channel: str, stream: MuxStream) -> None:
        try:
            gateway = await connect(f"ws://127.0.0.1:{self._host.gateway_port}/{channel}")
        except FAULTS as problem:
            log.warning("channel %s: %s", channel, problem)
            await stream.close(1011, "the gateway does not answer")
            return
        await relay(stream, gateway)


async def _next(socket: ClientEndpoint) -> str | bytes:
    message = await socket.receive()
    if message is None:
        raise ProtocolError(f"closed during the handshake: {socket.close_reason or socket.close_code}")
    return message


async def _send_heartbeats(mux: Mux, interval: float) -> None:
    while True:
        await asyncio.sleep(interval)
        await mux.heartbeat()
