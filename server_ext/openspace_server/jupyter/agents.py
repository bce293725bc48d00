"""WebSocket for render hosts that dial in. A host proves its own secret; browsers are refused."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from openspace_server.jupyter.base import OrchestratorMixin
from openspace_server.protocols import agent as protocol
from openspace_server.protocols import signaling
from openspace_server.protocols.fields import ProtocolError
from openspace_server.sockets.endpoints import RelayHandlerMixin
from openspace_server.sockets.mux import Mux
from openspace_server.sockets.tuning import tune

if TYPE_CHECKING:
    from openspace_server.orchestrator.store.models import HostRow

HANDSHAKE_TIMEOUT = 10.0
MAX_HANDSHAKES = 16
REFUSED = 4401
GOING_AWAY = 1001
NOT_AUTHENTICATED = "unknown host name or wrong secret"


class AgentHandler(RelayHandlerMixin, OrchestratorMixin, WebSocketHandler, JupyterHandler):
    """``…/hosts/join``: the connection of one render host that dials in."""

    relay_max_bytes = protocol.MAX_FRAME_BYTES
    handshakes = 0
    _task: asyncio.Task[None] | None = None

    @allow_unauthenticated
    async def get(self) -> None:
        if self.request.headers.get("Origin") is not None:
            raise web.HTTPError(403, "browsers are refused here")
        if AgentHandler.handshakes >= MAX_HANDSHAKES:
            raise web.HTTPError(503)
        await super().get()

    def check_origin(self, origin: str | None = None) -> bool:
        return True  # get() refuses all requests with an origin

    def open(self) -> None:
        if self.ws_connection is not None:
            tune(getattr(self.ws_connection, "stream", None))
        self.settings["openspace"].agent_sockets.add(self)
        self._task = asyncio.create_task(self._guarded())

    def shut_down(self) -> None:
        """Close because the server stops."""
        if self._task is not None:
            self._task.cancel()
        self.close(GOING_AWAY, "the Jupyter server is stopping")

    def on_close(self) -> None:
        self.settings["openspace"].agent_sockets.discard(self)
        super().on_close()

    async def _guarded(self) -> None:
        try:
            await self._serve()
        except WebSocketClosedError:
            pass
        except (ProtocolError, TimeoutError) as problem:
            reason = str(problem) or "no answer in time"
            self.log.warning("OpenSpace: a render host that dials in: %s", reason)
            with contextlib.suppress(WebSocketClosedError):
                await self.endpoint.send(signaling.error(reason))
            self.close(REFUSED, reason[:120])
        except Exception:
            self.log.exception("OpenSpace: %s", self.request.path)
            self.close(1011, "internal error")

    async def _serve(self) -> None:
        orchestrator = await self.orchestrator()
        AgentHandler.handshakes += 1
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                host, seal = await self._shake_hands()
        finally:
            AgentHandler.handshakes -= 1
        received = asyncio.Event()
        mux = Mux(self.endpoint, seal, on_received=received.set)
        renewing = asyncio.create_task(self._renew(host.id, received))
        joining = asyncio.create_task(orchestrator.admin.join(host.id, mux))
        try:
            await mux.run()
        finally:
            renewing.cancel()
            joining.cancel()
            orchestrator.agents.drop(host.id, mux)

    async def _shake_hands(self) -> tuple[HostRow, protocol.Seal]:
        orchestrator = await self.orchestrator()
        nonce = secrets.token_hex(16)
        await self.endpoint.send(protocol.challenge(nonce))
        raw = await self.endpoint.receive()
        if raw is None:
            raise WebSocketClosedError
        hello = protocol.decode_hello(raw)
        host = await orchestrator.admin.agent(hello.name)
        # An unknown name takes as long and gets the same answer.
        secret = host.secret if host is not None else secrets.token_hex(16)
        if not hello.proves(secret, nonce, time.time()) or host is None:
            raise ProtocolError(NOT_AUTHENTICATED)
        await orchestrator.admin.describe(host.id, hello.traits)
        lease = orchestrator.settings.host_timeout
        await self.endpoint.send(protocol.welcome(secret, nonce, hello.nonce, lease))
        return host, protocol.Seal(protocol.session_key(secret, nonce, hello.nonce), agent=False)

    async def _renew(self, host: str, received: asyncio.Event) -> None:
        """Renew the host's lease as long as frames arrive."""
        orchestrator = await self.orchestrator()
        while True:
            await received.wait()
            received.clear()
            await orchestrator.admin.renew(host)
            await asyncio.sleep(orchestrator.settings.host_timeout / 4)
