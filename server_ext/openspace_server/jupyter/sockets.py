"""WebSockets of a session: state changes, and relays to its instance.

Guests may open those that their page needs, ``events``, ``signaling`` and ``media``; ``bulk`` and ``api`` are for the
owner.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from dataclasses import replace
from weakref import WeakValueDictionary

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from openspace_server.jupyter.base import RESOURCE
from openspace_server.jupyter.guests import Access, GuestMixin
from openspace_server.jupyter.ice import IceSettings
from openspace_server.orchestrator.errors import OrchestratorError, SessionNotRunning, UnknownSession, UnknownShare
from openspace_server.protocols import signaling
from openspace_server.protocols.sessions import SessionWarning
from openspace_server.protocols.signaling import Join
from openspace_server.sockets.endpoints import FAULTS, MAX_MESSAGE_BYTES, Endpoint, RelayHandlerMixin, connect
from openspace_server.sockets.relay import relay
from openspace_server.sockets.tuning import tune

ENDED = 4404
NOT_RUNNING = 4409
HOST_LOST = 1011
GOING_AWAY = 1001
MAX_EVENTS_MESSAGE = 4096


class SessionSocket(GuestMixin, WebSocketMixin, WebSocketHandler, JupyterHandler):
    """A WebSocket of a session, for its owner and, if allowed, its guests. Others are refused before it opens."""

    auth_resource = RESOURCE
    allows_guests = False
    session = ""
    session_access: Access
    _task: asyncio.Task[None] | None = None

    @allow_unauthenticated
    async def get(self, session: str) -> None:
        try:
            self.session_access = await self.access(session, "execute")
        except (UnknownSession, UnknownShare) as problem:
            raise web.HTTPError(404, str(problem)) from None
        if not (self.allows_guests or self.session_access.is_owner):
            raise web.HTTPError(403, "for the session's owner only")
        self.session = session
        await super().get(session)

    def open(self, session: str) -> None:
        super().open(session)
        if self.ws_connection is not None:
            tune(getattr(self.ws_connection, "stream", None))
        self.settings["openspace"].sockets.add(self)
        self._task = asyncio.create_task(self._guarded())

    def shut_down(self) -> None:
        """Close because the server stops."""
        if self._task is not None:
            self._task.cancel()
        self.close(GOING_AWAY, "the Jupyter server is stopping")

    def close_share(self, share: str) -> None:
        """Close if it was opened by the share link ``share``, which was revoked."""
        if self.session_access.share is not None and self.session_access.share.id == share:
            self._close_refused(str(UnknownShare()))

    def _close_refused(self, reason: str) -> None:
        if self._task is not None:
            self._task.cancel()
        with contextlib.suppress(WebSocketClosedError):
            self.write_message(signaling.error(reason)).add_done_callback(lambda written: written.exception())
        self.close(ENDED, reason)

    async def serve(self) -> None:
        """Serve the open socket until it closes."""
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
    """Sends the present session, then each change. Closes after a terminal state, and when a guest's share link is not
    valid any more. Ignores received messages."""

    allows_guests = True

    @property
    def max_message_size(self) -> int:
        return MAX_EVENTS_MESSAGE

    def get_compression_options(self) -> None:
        return None

    def on_message(self, message: str | bytes) -> None:
        """Ignored."""

    def on_close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        super().on_close()

    async def serve(self) -> None:
        if self.session_access.share is None:
            await self._send_changes()
            return
        sending = asyncio.create_task(self._send_changes())
        try:
            while not sending.done():
                # Another process may revoke the share link; in this process, close_share is called.
                await asyncio.wait([sending], timeout=min(CHECK_INTERVAL, self.session_access.share.seconds + 0.1))
                await self.access(self.session)
        except UnknownShare as problem:
            self._close_refused(str(problem))
        finally:
            sending.cancel()

    async def _send_changes(self) -> None:
        orchestrator = await self.orchestrator()
        owners, state = self.session_access.owners, ""
        async with contextlib.aclosing(orchestrator.notifications(owners, self.session)) as notifications:
            async for item in notifications:
                if isinstance(item, SessionWarning):
                    await self.write_message(json.dumps(item.as_json()))
                    continue
                state = item.state
                position = await orchestrator.queue_position(owners, self.session)
                waiting = {} if position is None else {"place": position}
                await self.write_message(
                    json.dumps({"type": "session", **self.session_access.redacted(item).as_json(), **waiting})
                )
        self.close(1000, state)


CHECK_INTERVAL = 5.0
"""Seconds between checks whether a guest's share link is still valid."""
USED_INTERVAL = 15.0
"""Seconds between records that a session is used."""
MAX_ENTERING = 16
"""Guests of one session that may enter its gateway at the same time. The others wait, so that many guests leave room
among the sockets that a host's gateway accepts before their ``join``."""

_entrances: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
"""By session, while guests are entering."""


class RelayHandler(RelayHandlerMixin, SessionSocket):
    """A channel relayed to the gateway. The relay itself sends ``join``, for the owner or for the guest whose ticket it
    has checked; the token never leaves the server."""

    channel = ""
    of_kernel = False
    """Whether programs of the owner use this channel, not pages."""
    _noted = float("-inf")

    async def on_message(self, message: str | bytes) -> None:
        if time.monotonic() - self._noted > USED_INTERVAL:
            self._noted = time.monotonic()
            await (await self.orchestrator()).mark_used(self.session)
        await super().on_message(message)

    async def serve(self) -> None:
        try:
            upstream = await self._enter()
        except OrchestratorError as problem:
            code = NOT_RUNNING if isinstance(problem, SessionNotRunning) else ENDED
            await self._refuse(str(problem), code)
        except FAULTS as problem:
            await self._refuse(f"the render host does not answer: {str(problem) or type(problem).__name__}", HOST_LOST)
        else:
            await relay(self.endpoint, upstream)

    async def _enter(self) -> Endpoint:
        if self.session_access.is_owner:
            return await self._connect()
        entrance = _entrances.setdefault(self.session, asyncio.Semaphore(MAX_ENTERING))
        async with entrance:
            return await self._connect()

    async def _connect(self) -> Endpoint:
        owners = self.session_access.owners
        target = await (await self.orchestrator()).gateway(owners, self.session, self.channel)
        upstream = (
            await target.agent.open(self.channel)
            if target.agent is not None
            else await connect(target.url, max_bytes=self.relay_max_bytes)
        )
        await self._send_join(upstream, target.token)
        return upstream

    async def _send_join(self, upstream: Endpoint, token: str) -> None:
        """Send the messages that come before the relayed ones."""
        await upstream.send(self._join(token).encode())

    def _join(self, token: str) -> Join:
        access = self.session_access
        if access.share is None:
            name = f"{self.channel}-{uuid.uuid4()}"
            return Join(self.session, access.role, name, token, owner=True, kernel=self.of_kernel)
        share, name = access.share, self.guest_name
        return Join(self.session, access.role, name, token, party=access.party, share=share.id, seconds=share.seconds)

    async def _refuse(self, reason: str, code: int) -> None:
        try:
            await self.endpoint.send(signaling.error(reason))
        finally:
            await self.endpoint.close(code, reason)


class SignalingHandler(RelayHandler):
    """``…/signaling``: the messages of ``protocols.signaling``. With STUN or TURN servers, the view first gets
    ``{"type": "ice-servers", "ice_servers": […], "policy": "all" | "relay"}``."""

    allows_guests = True
    channel = "signaling"
    relay_max_bytes = signaling.MAX_MESSAGE_BYTES

    async def _send_join(self, upstream: Endpoint, token: str) -> None:
        ice: IceSettings = self.settings["openspace"].ice
        viewer = uuid.uuid4().hex
        if (message := ice.message(viewer)) is not None:
            await self.endpoint.send(message)
        join = self._join(token)
        await upstream.send((replace(join, ice_servers=ice.servers(viewer)) if ice.instances else join).encode())


class BulkHandler(RelayHandler):
    """``…/bulk``: control messages as text, arrays as binary frames."""

    channel = "bulk"
    of_kernel = True
    # A pong queues behind 64 MiB of array, so a busy peer would look dead. TCP keep-alive detects dead ones.
    ping_interval = 0
    relay_max_bytes = MAX_MESSAGE_BYTES


class MediaHandler(RelayHandler):
    """``…/media``: frames over the WebSocket, for pages that WebRTC does not reach (``protocols.media``)."""

    allows_guests = True
    channel = "media"
    relay_max_bytes = MAX_MESSAGE_BYTES


class ApiRelayHandler(BulkHandler):
    """``…/api``: the instance's OpenSpace API, as if it listened here."""

    channel = "api"
