"""The ``/media`` socket: frames over a WebSocket, with the viewer's ``control`` and ``input`` on the same socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from openspace_server.instance.streaming.codecs import CLOCK_RATE
from openspace_server.instance.streaming.encoder import EncodedFrame
from openspace_server.instance.streaming.fan_out import FrameQueue
from openspace_server.instance.streaming.images import Image
from openspace_server.instance.streaming.send_stats import SendStats
from openspace_server.instance.transports.ack_window import AckWindow
from openspace_server.instance.transports.websocket import ViewerSocket
from openspace_server.instance.viewers.rate_limit import RateLimit
from openspace_server.protocols import media
from openspace_server.protocols import viewer as messages
from openspace_server.protocols.fields import ProtocolError, parse_object
from openspace_server.protocols.media import Kind, MediaHeader, MediaRequest, Mode

if TYPE_CHECKING:
    from openspace_server.instance.transports.server import Server

log = logging.getLogger(__name__)

SILENCE = 20.0
"""Seconds that a frame may be unacknowledged; then the viewer counts as gone."""

CHANGES_RATE, CHANGES_BURST = 0.5, 8.0
"""Changes of mode per second, and at once: each costs all viewers a key frame."""


class MediaSocket(ViewerSocket):
    """One viewer over a WebSocket, see ``protocols/media.py``."""

    limit = media.MAX_MESSAGE_BYTES

    def initialize(self, server: Server) -> None:
        super().initialize(server)
        self.ack_window = AckWindow()
        self.send_stats: SendStats | None = None
        self.frame_queue: FrameQueue | None = None
        self._mode = Mode.NONE
        self._changes = RateLimit(CHANGES_RATE, CHANGES_BURST)
        self._sending: asyncio.Task[None] | None = None
        self._number = 0

    @property
    def transport_name(self) -> str:
        return f"websocket {self._mode}"

    @property
    def round_trip(self) -> float | None:
        """Seconds from sending a frame until it was acknowledged."""
        return self.ack_window.round_trip

    async def on_received(self, message: str | bytes) -> None:
        if self.channels is None:
            return
        if isinstance(message, bytes):
            self.send(messages.error(None, "no binary message is expected here"))
            return
        type = _type_of(message)
        if type == "input":
            self.channels.on_input(message)
        elif type == "ack":
            await self.channels.wait_turn(len(message))
            now = self.channels.viewer.last_seen = time.monotonic()
            self.ack_window.on_ack(media.read_ack(parse_object(message)), now)
            if self.frame_queue is not None and self.ack_window.round_trip is not None:
                self.server.instance.director.on_ack(self.frame_queue, self.ack_window.round_trip)
        elif type == "media":
            request = MediaRequest.read(parse_object(message))
            if not self._changes.allows(time.monotonic()):
                raise ProtocolError("media: changed too often")
            self._begin(request)
        else:
            await self.channels.wait_turn(len(message))
            self.channels.on_control(message)

    def check_alive(self) -> None:
        """Disconnect a viewer that is gone without closing; to be called once a second."""
        if self.channels is not None and self.ack_window.oldest_age(time.monotonic()) > SILENCE:
            self.disconnect(f"no acknowledgement for {SILENCE:g} seconds")

    def on_close(self) -> None:
        self._end()
        super().on_close()

    def _begin(self, request: MediaRequest) -> None:
        """Send what is requested from now on, in place of anything else."""
        self._end()
        self._mode = request.mode
        if request.mode is Mode.H264:
            self.ack_window = AckWindow()
            self._sending = asyncio.create_task(self._guard(self._send_video()))
        elif request.mode is Mode.IMAGES:
            self.ack_window = AckWindow(size=1)
            self._sending = asyncio.create_task(self._guard(self._send_images(request.format)))

    def _end(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    async def _guard(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except (ConnectionError, OSError):
            pass  # the viewer is gone: on_close follows
        except Exception:
            log.exception("sending frames failed")
            self.refuse("internal error, see the instance's log")

    async def _send_video(self) -> None:
        fan_out = self.server.instance.director.fan_out
        queue = self.frame_queue = fan_out.attach()
        self.send_stats = queue.stats
        try:
            while True:
                frame = await queue.get()
                await self._send(_video_header(frame), frame.data)
                queue.stats.on_sent()
                if not self.ack_window.has_room:
                    queue.set_stalled(True)
                    await self.ack_window.wait_room()
                    queue.set_stalled(False)
        finally:
            fan_out.detach(queue)
            if self.frame_queue is queue:  # another mode may have begun
                self.frame_queue = None

    async def _send_images(self, kind: Kind) -> None:
        fan_out = self.server.instance.director.images
        feed = fan_out.attach(kind)
        self.send_stats = feed.stats
        try:
            while True:
                image = await feed.get()
                await self._send(_image_header(image), image.data)
                feed.stats.on_sent()
                await self.ack_window.wait_room()
        finally:
            fan_out.detach(feed)

    async def _send(self, header: MediaHeader, data: bytes) -> None:
        now = time.monotonic()
        self._number += 1
        self.ack_window.on_sent(self._number, now)
        self.send(replace(header, number=self._number, sent_at=now * 1e3).encode() + data)
        await self.wait_sent()


def _video_header(frame: EncodedFrame) -> MediaHeader:
    pts = frame.pts * 1_000_000 // CLOCK_RATE
    return MediaHeader(Kind.H264, frame.is_key, frame.width, frame.height, 0, pts, frame.frame_id, frame.input_seq, 0.0)


def _image_header(image: Image) -> MediaHeader:
    drawn = image.drawn
    pts = int(drawn.at * 1e6)
    return MediaHeader(image.kind, True, image.width, image.height, 0, pts, drawn.frame.id, drawn.input_seq, 0.0)


def _type_of(message: str) -> object:
    with contextlib.suppress(ProtocolError):
        return parse_object(message).get("type")
    return None
