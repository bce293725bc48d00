"""The WebSockets of a session: its state as it changes, and the relays to its instance."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError, WebSocketError, WebSocketHandler

from openspace_server.jupyter.base import RESOURCE, OrchestratorMixin
from openspace_server.orchestrator.errors import OrchestratorError, SessionNotRunning, UnknownSession
from openspace_server.protocols import signaling
from openspace_server.protocols.sessions import SessionWarning
from openspace_server.protocols.signaling import Join, Role
from openspace_server.sockets.ends import MAX_MESSAGE_BYTES, End, RelayHandlerMixin, connect
from openspace_server.sockets.relay import relay
from openspace_server.sockets.tuning import tune

ENDED = 4404
NOT_RUNNING = 4409
HOST_LOST = 1011
GOING_AWAY = 1001
MAX_EVENTS_MESSAGE = 4096


class SessionSocket(OrchestratorMixin, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """A WebSocket of one of my sessions. Somebody else's is refused with 404 before it opens."""

    auth_resource = RESOURCE
    session = ""
    _task: asyncio.Task[None] | None = None

    @ws_authenticated
    async def get(self, session: str) -> None:
        if not await ensure_async(self.authorizer.is_authorized(self, self.current_user, "execute", RESOURCE)):
            raise web.HTTPError(403)
        try:
            await (await self.orchestrator()).get(self.rights.owners, session)
        except UnknownSession as problem:
            raise web.HTTPError(404, str(problem)) from None
        self.session = session
        await super().get(session)

    def open(self, session: str) -> None:
        super().open(session)
        if self.ws_connection is not None:
            tune(getattr(self.ws_connection, "stream", None))
        self.settings["openspace"].sockets.add(self)
        self._task = asyncio.create_task(self._guarded())

    def leave(self) -> None:
        """The server is stopping."""
        if self._task is not None:
            self._task.cancel()
        self.close(GOING_AWAY, "the Jupyter server is stopping")

    async def serve(self) -> None:
        """The life of the open socket."""
        raise NotImplementedError

    async def _guarded(self) -> None:
        try:
            await self.serve()
        except WebSocketClosedError:
            pass
        except Exception:
            self.log.exception("OpenSpace: %s", self.request.path)
            self.close(HOST_LOST, "internal error")


class EventsHandler(SessionSocket):
    """Sends the session as it is, then each change; closes after a terminal state. What it is sent is ignored."""

    @property
    def max_message_size(self) -> int:
        return MAX_EVENTS_MESSAGE

    def get_compression_options(self) -> None:
        return None

    def on_message(self, message: str | bytes) -> None:
        """Nothing to say here."""

    def on_close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        super().on_close()

    async def serve(self) -> None:
        orchestrator = await self.orchestrator()
        state = ""
        async with contextlib.aclosing(orchestrator.news(self.rights.owners, self.session)) as news:
            async for item in news:
                if isinstance(item, SessionWarning):
                    await self.write_message(json.dumps(item.as_json()))
                    continue
                state = item.state
                place = await orchestrator.place(self.rights.owners, self.session)
                waiting = {} if place is None else {"place": place}
                await self.write_message(json.dumps({"type": "session", **item.as_json(), **waiting}))
        self.close(1000, state)


USED_INTERVAL = 15.0
"""Seconds between notes that a session is used."""


class RelayHandler(RelayHandlerMixin, SessionSocket):
    """A channel relayed to the gateway. The relay itself says ``join``, as the controller that the owner is; the token
    never leaves the server."""

    channel = ""
    _noted = float("-inf")

    async def on_message(self, message: str | bytes) -> None:
        if time.monotonic() - self._noted > USED_INTERVAL:
            self._noted = time.monotonic()
            await (await self.orchestrator()).used(self.session)
        await super().on_message(message)

    async def serve(self) -> None:
        try:
            upstream = await self._enter()
        except OrchestratorError as problem:
            code = NOT_RUNNING if isinstance(problem, SessionNotRunning) else ENDED
            await self._refuse(str(problem), code)
        except (OSError, HTTPClientError, WebSocketError) as problem:
            await self._refuse(f"the render host does not answer: {str(problem) or type(problem).__name__}", HOST_LOST)
        else:
            await relay(self.end, upstream)

    async def _enter(self) -> End:
        target = await (await self.orchestrator()).gateway(self.rights.owners, self.session, self.channel)
        upstream = (
            await target.link.open(self.channel)
            if target.link is not None
            else await connect(target.url, max_bytes=self.relay_max_bytes)
        )
        viewer = f"{self.channel}-{uuid.uuid4()}"
        await upstream.send(Join(self.session, Role.CONTROLLER, viewer, target.token, owner=True).encode())
        return upstream

    async def _refuse(self, reason: str, code: int) -> None:
        try:
            await self.end.send(signaling.error(reason))
        finally:
            await self.end.close(code, reason)


class SignalingHandler(RelayHandler):
    """``…/signaling``: the messages of ``protocols.signaling``."""

    channel = "signaling"
    relay_max_bytes = signaling.MAX_MESSAGE_BYTES


class BulkHandler(RelayHandler):
    """``…/bulk``: control messages as text, arrays as binary frames."""

    channel = "bulk"
    # A pong waits behind 64 MiB of array; a peer that is busy reading is not gone. TCP keep-alive finds dead ones.
    ping_interval = 0
    relay_max_bytes = MAX_MESSAGE_BYTES


class MediaHandler(RelayHandler):
    """``…/media``: pictures over the WebSocket, for pages that WebRTC does not reach (``protocols.media``)."""

    channel = "media"
    relay_max_bytes = MAX_MESSAGE_BYTES


class ApiRelayHandler(BulkHandler):
    """``…/api``: the instance's OpenSpace API, as if it listened here."""

    channel = "api"
