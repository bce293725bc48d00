"""Sockets of viewers: the secret, the ``join``, errors as messages; and ``/bulk``, which needs nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPHeaders
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from openspace_server.instance.streaming.fan_out import FrameQueue
from openspace_server.instance.streaming.send_stats import SendStats
from openspace_server.instance.viewers.channels import ViewerChannels
from openspace_server.protocols import signaling
from openspace_server.protocols.fields import ProtocolError, describe
from openspace_server.protocols.signaling import Join

if TYPE_CHECKING:
    from openspace_server.instance.transports.server import Server

log = logging.getLogger(__name__)

MAX_BULK_BYTES = 64 * 1024 * 1024
JOIN_TIMEOUT = 10.0
"""Seconds a new socket has for its ``join``."""
MAX_UNJOINED = 512
"""As many as a gateway has open. Only its host knows the secret, and a rush of guests must not keep others out."""


def check_secret(headers: HTTPHeaders, secret: str) -> None:
    """Raises HTTPError 401 unless the request carries ``secret``."""
    authorization = headers.get("Authorization", "")
    if not hmac.compare_digest(authorization.encode(), f"Bearer {secret}".encode()):
        raise HTTPError(401)


class JoinedSocket(WebSocketHandler):
    """One WebSocket of the instance; subclasses define what follows ``join``."""

    limit = signaling.MAX_MESSAGE_BYTES

    def initialize(self, server: Server) -> None:
        self.server = server
        self._is_joined = False
        self._is_counted = False
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def max_message_size(self) -> int:
        return self.limit

    def get_compression_options(self) -> dict[str, Any] | None:
        return None

    def check_origin(self, origin: str) -> bool:
        return False  # browsers connect to the Jupyter server only

    def prepare(self) -> None:
        check_secret(self.request.headers, self.server.secret)
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
        if self.ws_connection is None:
            return  # closed by us: a socket that was refused must not join with what it sent meanwhile
        try:
            if self._is_joined:
                await self.on_received(message)
            else:
                await self._join(message)
        except ProtocolError as problem:
            self.send(signaling.error(str(problem)))
        except Exception:
            log.exception("a message on %s failed", self.request.path)
            self.send(signaling.error("internal error, see the instance's log"))

    def check_alive(self) -> None:
        """To be called once a second."""

    def on_close(self) -> None:
        self.server.sockets.discard(self)
        self._count(False)

    async def on_join(self, join: Join) -> None:
        """The ``join`` was accepted. Raises ProtocolError to refuse it after all."""
        raise NotImplementedError

    async def on_received(self, message: str | bytes) -> None:
        """A message after ``join``."""
        raise NotImplementedError

    def refuse(self, reason: str) -> None:
        """Send the reason and close."""
        self.send(signaling.error(reason))
        self.close(1008, reason[:120])

    def send(self, message: str | bytes) -> None:
        with contextlib.suppress(WebSocketClosedError, StreamClosedError):
            written = self.write_message(message, binary=isinstance(message, bytes))
            written.add_done_callback(lambda done: done.exception())

    async def _join(self, message: str | bytes) -> None:
        try:
            join = Join.decode(message)
            if self.server.session and join.session != self.server.session:
                raise ProtocolError(f"session: this instance does not serve {describe(join.session)}")
            self._count(False)
            await asyncio.shield(self.server.instance.ready)
            await self.on_join(join)
        except ProtocolError as problem:
            self.refuse(str(problem))
            return
        except Exception:
            log.exception("a join on %s failed", self.request.path)
            self.refuse("internal error, see the instance's log")
            return
        self._is_joined = True

    def _count(self, is_unjoined: bool) -> None:
        if is_unjoined != self._is_counted:
            self._is_counted = is_unjoined
            self.server.unjoined += 1 if is_unjoined else -1
        if not is_unjoined and self._deadline is not None:
            self._deadline.cancel()


class ViewerSocket(JoinedSocket):
    """A socket that is a viewer's transport, from ``join`` to its end."""

    carries_arrays = False
    send_stats: SendStats | None = None
    frame_queue: FrameQueue | None = None
    channels: ViewerChannels | None = None
    _written: asyncio.Future[None] | None = None

    @property
    def transport_name(self) -> str:
        return "bulk"

    @property
    def round_trip(self) -> float | None:
        return None

    async def on_join(self, join: Join) -> None:
        self.server.peers.check_room(join)
        if self.ws_connection is not None:
            self.channels = self.server.instance.attach(join, self)

    def on_close(self) -> None:
        super().on_close()
        if self.channels is not None:
            self.server.instance.detach(self.channels.viewer)

    @property
    def is_busy(self) -> bool:
        return self._written is not None and not self._written.done()

    def send(self, message: str | bytes) -> None:
        with contextlib.suppress(WebSocketClosedError, StreamClosedError):
            self._written = self.write_message(message, binary=isinstance(message, bytes))
            self._written.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def wait_sent(self) -> None:
        if self._written is not None:
            with contextlib.suppress(WebSocketClosedError, StreamClosedError):
                await asyncio.shield(self._written)

    def disconnect(self, reason: str) -> None:
        if self.channels is not None:
            self.server.instance.detach(self.channels.viewer)
            self.channels = None
        self.refuse(reason)


class BulkSocket(ViewerSocket):
    """A headless viewer: ``control`` in text messages, arrays in binary ones."""

    limit = MAX_BULK_BYTES
    carries_arrays = True

    async def on_received(self, message: str | bytes) -> None:
        if self.channels is None:
            return
        if isinstance(message, bytes):
            self.channels.on_bulk(message)
        else:
            await self.channels.wait_turn(len(message))
            self.channels.on_control(message)
        await self.wait_sent()
