"""The gateway: checks a viewer's token and relays its sockets to the instance of its session.

``/`` and ``/signaling`` carry signaling, ``/media`` frames, ``/bulk`` arrays, ``/api`` the instance's OpenSpace API,
which has a port of its own and does not get the ``join``. The published signaling dialect is served on the same port
(``published_signaling.py``); the first message tells which dialect a connection uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from openspace_server.protocols import media, published_signaling, signaling
from openspace_server.protocols.fields import ProtocolError, parse_object
from openspace_server.protocols.signaling import Join, Role
from openspace_server.protocols.supervisor import InstanceState
from openspace_server.render_host.access import refuse_browsers, same_secret
from openspace_server.render_host.published_signaling import (
    Exchange,
    serve_instance_viewer,
    serve_published_viewer,
    serve_widget_viewer,
)
from openspace_server.render_host.settings import HostSettings
from openspace_server.render_host.slots import Slot, Slots
from openspace_server.sockets.endpoints import MAX_MESSAGE_BYTES, ClientEndpoint, Message, RelayHandlerMixin, connect
from openspace_server.sockets.relay import relay
from openspace_server.sockets.tuning import tune

log = logging.getLogger(__name__)

API = "api"
CHANNELS = {
    "signaling": signaling.MAX_MESSAGE_BYTES,
    "bulk": MAX_MESSAGE_BYTES,
    "media": media.MAX_MEDIA_BYTES,
    API: MAX_MESSAGE_BYTES,
}
"""Channel name → the largest message it passes, in bytes."""

FIRST_MESSAGE_BYTES = 64 * 1024
MAX_PENDING = 64
"""Sockets that have sent nothing yet, or are being refused. The oldest makes room for the next: a viewer that has a
token sends it at once."""
MAX_UNPROVEN = 512
"""Sockets that proved no token, pending or not. The others have their bound in the instance that they enter."""
CONNECT_TIMEOUT = 5.0

PUBLISHED_REFUSED = (
    "the published signaling dialect is disabled on this host, because it has no secrets: start the host with "
    "--published-signaling"
)
STATE_INTERVAL = 0.2

REFUSED = 4400
UNAUTHORIZED = 4401
NOT_RUNNING = 4409
UNREACHABLE = 1011
GOING_AWAY = 1001


class GatewayRefusal(Exception):
    """A refused socket: the reason, and the code to close it with."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


class PublishedDialect(Exception):
    """The first message belongs to the published signaling protocol."""

    def __init__(self, first: published_signaling.Published) -> None:
        super().__init__(first.type)
        self.first = first


class PublishedHostRequested(Exception):
    """One of our views requests a session whose OpenSpace streams itself, as the published host ``host``."""

    def __init__(self, host: int) -> None:
        super().__init__(host)
        self.host = host


@dataclass
class Gateway:
    """The state that all connections share: the slots and the open sockets."""

    slots: Slots
    settings: HostSettings
    exchange: Exchange = field(default_factory=Exchange)
    pending: dict[GatewayHandler, None] = field(default_factory=dict)
    """The sockets that make room for others, the oldest first."""
    unproven: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def admit(self, join: Join) -> Slot:
        """The slot of the session that ``join`` names.

        Raises:
            GatewayRefusal: unknown session or wrong token (the same text), or its instance is not running.
        """
        slot = self.slots.of_session(join.session)
        if slot is None or slot.assignment is None or not self._may_enter(join, slot.assignment.token):
            raise GatewayRefusal("unknown session or wrong token", UNAUTHORIZED)
        if slot.state is not InstanceState.RUNNING or slot.port is None:
            raise GatewayRefusal(f"the instance is not running: {slot.state}", NOT_RUNNING)
        return slot

    def _may_enter(self, join: Join, token: str | None) -> bool:
        if token is None:
            return self.settings.secret is None
        return same_secret(join.token, token)

    async def close(self) -> None:
        """End all relays and close their sockets."""
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)


class GatewayHandler(RelayHandlerMixin, WebSocketHandler):
    """One viewer's socket."""

    relay_max_bytes = FIRST_MESSAGE_BYTES  # until it has joined

    def initialize(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._counts_as_unproven = False

    def prepare(self) -> None:
        refuse_browsers(self.request.headers, self._gateway.settings.allowed_origins)
        if self._gateway.unproven >= MAX_UNPROVEN:
            raise HTTPError(503, "too many gateway connections")

    def check_origin(self, origin: str) -> bool:
        return True  # prepare() has refused what is not allowed

    def open(self, channel: str | None = None) -> None:
        self._stream = getattr(self.ws_connection, "stream", None)
        if self.ws_connection is not None:
            tune(self._stream)
        task = asyncio.ensure_future(self._serve(channel or "signaling"))
        self._gateway.tasks.add(task)
        task.add_done_callback(self._gateway.tasks.discard)

    async def _serve(self, channel: str) -> None:
        self._gateway.unproven += 1
        self._counts_as_unproven = True
        try:
            await self._join_and_relay(channel)
        except WebSocketClosedError:
            pass  # closed while it was sent a message
        except asyncio.CancelledError:
            self.close(GOING_AWAY, "the render host ends")
            raise
        except Exception:
            log.exception("gateway, %s", channel)
            self.close(UNREACHABLE, "internal error")
        finally:
            self._proven()

    def _proven(self) -> None:
        if self._counts_as_unproven:
            self._counts_as_unproven = False
            self._gateway.unproven -= 1

    def make_room(self) -> None:
        """End this socket at once."""
        self._gateway.pending.pop(self, None)
        self.endpoint.inbox.end()
        self.close(REFUSED, "no join in time")
        if self._stream is not None:
            self._stream.close()  # without waiting for an answer, which may never come

    @contextlib.contextmanager
    def _replaceable(self) -> Iterator[None]:
        pending = self._gateway.pending
        while len(pending) >= MAX_PENDING:
            next(iter(pending)).make_room()
        pending[self] = None
        try:
            yield
        finally:
            pending.pop(self, None)

    async def _join_and_relay(self, channel: str) -> None:
        try:
            instance = await self._enter(channel)
        except GatewayRefusal as refusal:
            await self._refuse(signaling.error(str(refusal)), refusal.code, str(refusal))
        except PublishedDialect as dialect:
            self.allow_messages_of(signaling.MAX_MESSAGE_BYTES)
            await self._speak_published(dialect.first)
        except PublishedHostRequested as request:
            self.allow_messages_of(signaling.MAX_MESSAGE_BYTES)
            await serve_widget_viewer(self._gateway.exchange, self.endpoint, request.host)
        else:
            if instance is not None:
                self.allow_messages_of(CHANNELS[channel])
                await relay(self.endpoint, instance)

    async def _enter(self, channel: str) -> ClientEndpoint | None:
        """From the first message to the instance's open socket; None when the viewer left before."""
        if channel not in CHANNELS:
            raise GatewayRefusal(f"channel {channel[:32]} is not supported", REFUSED)
        first = await self._first_message()
        if first is None:
            return None
        join = _read_join(first)
        slot = self._gateway.admit(join)
        if slot.assignment is not None and slot.assignment.token is not None:
            self._proven()
        if channel == "signaling" and self._gateway.exchange.is_free(slot.id):
            raise PublishedHostRequested(slot.id)
        return await _connect(slot, channel, join)

    async def _first_message(self) -> Message | None:
        """The first message, before the viewer is authenticated. Authenticated viewers do not count as pending, since
        many may come at once."""
        try:
            with self._replaceable():
                async with asyncio.timeout(self._gateway.settings.timings.join):
                    return await self.endpoint.receive()
        except TimeoutError:
            raise GatewayRefusal("no join in time", REFUSED) from None

    async def _speak_published(self, first: published_signaling.Published) -> None:
        gateway = self._gateway
        if not gateway.settings.speaks_published:
            await self._refuse(published_signaling.error(PUBLISHED_REFUSED), REFUSED, PUBLISHED_REFUSED)
        elif first.type != "REGISTER":
            reason = f"expected REGISTER as the first message, got {first.type}"
            await self._refuse(published_signaling.error(reason), REFUSED, reason)
        elif not first.is_viewer:
            await gateway.exchange.serve_host(self.endpoint, first.host)
        else:
            await self._serve_published_viewer(first.host)

    async def _serve_published_viewer(self, id: int) -> None:
        """Serve a web GUI that watches instance ``id``: the instance's own stream if it has one, else ours. As
        upstream, it waits for an instance that is not present yet."""
        gateway = self._gateway
        slot = gateway.slots[id] if id < len(gateway.slots) else None
        acknowledged = False
        while True:
            assignment = slot.assignment if slot is not None else None
            if assignment is not None and assignment.token is not None:
                reason = f"instance {id} belongs to a session that can be watched in its owner's pages only"
                await self._refuse(published_signaling.error(reason), UNAUTHORIZED, reason)
                return
            if not acknowledged:
                await self.endpoint.send(published_signaling.REGISTERED)
                acknowledged = True
            if gateway.exchange.has_host(id):
                await serve_published_viewer(gateway.exchange, self.endpoint, id)
                return
            if slot is not None and assignment is not None and slot.state is InstanceState.RUNNING:
                join = Join(assignment.session, Role.SPECTATOR, f"published-{id}")
                try:
                    instance = await _connect(slot, "signaling", join)
                except GatewayRefusal as refused:
                    await self._refuse(published_signaling.error(str(refused)), refused.code, str(refused))
                else:
                    await serve_instance_viewer(self.endpoint, id, instance)
                return
            if self.ws_connection is None:
                return  # it has left
            await asyncio.sleep(STATE_INTERVAL)

    async def _refuse(self, message: str, code: int, reason: str) -> None:
        with self._replaceable() if self._counts_as_unproven else contextlib.nullcontext():
            try:
                await self.endpoint.send(message)
            finally:
                await self.endpoint.close(code, reason)


def _read_join(first: Message) -> Join:
    if isinstance(first, bytes):
        raise GatewayRefusal("expected join as the first message, got a binary frame", REFUSED)
    try:
        if published_signaling.is_published(parse_object(first)):
            raise PublishedDialect(published_signaling.decode(first))
        return Join.decode(first)
    except ProtocolError as problem:
        raise GatewayRefusal(str(problem), REFUSED) from None


async def _connect(slot: Slot, channel: str, join: Join) -> ClientEndpoint:
    """The instance's socket, with ``join`` sent without the token. Only a token proves the orchestrator."""
    url = f"ws://127.0.0.1:{slot.port}/{channel}"
    if channel == API:
        port = await slot.find_api()
        if port is None:
            raise GatewayRefusal("this instance has no OpenSpace API", REFUSED)
        url = f"ws://127.0.0.1:{port}/"
    try:
        instance = await connect(
            url, {"Authorization": f"Bearer {slot.secret}"}, timeout=CONNECT_TIMEOUT, max_bytes=CHANNELS[channel]
        )
    except Exception as problem:  # refused, timed out, no WebSocket there: all the same to the viewer
        log.warning("slot %d: %s not reached: %s", slot.id, url, problem)
        raise GatewayRefusal("the instance does not answer", UNREACHABLE) from None
    if channel != API:
        has_token = slot.assignment is not None and slot.assignment.token is not None
        await instance.send(replace(join, token=None, observer=join.observer and has_token).encode())
    return instance
