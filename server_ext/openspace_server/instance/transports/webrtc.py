"""A WebRTC peer: the instance offers one viewer a video track of encoded packets and two data channels."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import av
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.sdp import candidate_from_sdp

from openspace_server.instance.streaming.codecs import TIME_BASE
from openspace_server.instance.streaming.fan_out import FanOut, FrameQueue
from openspace_server.instance.streaming.send_stats import SendStats
from openspace_server.instance.transports import playout_delay
from openspace_server.instance.viewers.channels import ViewerChannels
from openspace_server.protocols.fields import ProtocolError, describe
from openspace_server.protocols.signaling import IceServer

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 15.0
"""Seconds from the offer until the control channel must be open."""
SILENCE = 4.0
"""Seconds without a sign of life after which a viewer counts as gone; checked once a second."""
MAX_CANDIDATES = 64
BULK = "bulk"
"""The label of the channel that a viewer opens to send arrays."""
BUSY_BYTES = 64 * 1024
MAX_BACKLOG_BYTES = 4 * 1024 * 1024


class FrameTrack(MediaStreamTrack):
    """A video track of encoded packets, attached to the fan-out when aiortc first asks: when the connection is up."""

    kind = "video"

    def __init__(self, fan_out: FanOut) -> None:
        super().__init__()
        self._fan_out = fan_out
        self.queue: FrameQueue | None = None
        self.playout_delay = playout_delay.PlayoutDelay()

    async def recv(self) -> av.Packet[Any]:
        if self.readyState != "live":
            raise MediaStreamError
        if self.queue is None:
            self.queue = self._fan_out.attach()
        self.queue.stats.on_sent()  # aiortc asks again when the last one was sent
        frame = await self.queue.get()
        self.playout_delay.set(self.queue.playout_delay)
        packet = av.Packet(frame.data)
        packet.pts, packet.time_base = frame.pts, TIME_BASE
        return packet

    def stop(self) -> None:
        super().stop()
        if self.queue is not None:
            self._fan_out.detach(self.queue)


class Peer:
    """One peer connection, from offer to end: a viewer's transport.

    ``on_opened(peer)`` is called when the control channel opens and returns the viewer's channels;
    ``on_closed(peer, reason)`` once, when either side has closed the connection or it was lost.
    """

    carries_arrays = False
    transport_name = "webrtc"
    round_trip: float | None = None

    def __init__(
        self,
        fan_out: FanOut,
        on_opened: Callable[[Peer], ViewerChannels],
        on_closed: Callable[[Peer, str], None],
        ice_servers: Sequence[IceServer] = (),
    ) -> None:
        self.channels: ViewerChannels | None = None
        self._on_opened = on_opened
        self._on_closed = on_closed
        self._is_closed = False
        self._created_at = time.monotonic()
        self._candidates = 0
        self._reported_at: Any = None
        self._closing: asyncio.Task[None] | None = None
        servers = [
            RTCIceServer(list(each.urls), each.username or None, each.credential or None) for each in ice_servers
        ]
        self._connection = RTCPeerConnection(
            RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connection.on("connectionstatechange", self._on_connection_state)
        self._connection.on("datachannel", self._on_channel)
        self._track = FrameTrack(fan_out)
        with playout_delay.for_new_senders() as self._track.playout_delay:
            transceiver = self._connection.addTransceiver(self._track, direction="sendonly")
        transceiver.setCodecPreferences(_constrained_baseline())
        input = self._connection.createDataChannel("input", ordered=False, maxRetransmits=0)
        input.on("message", self._on_input)
        self._control: RTCDataChannel = self._connection.createDataChannel("control")
        self._control.on("open", self._on_control_open)
        self._control.on("message", self._on_control)
        self._control.on("close", lambda: self.close("the viewer closed its control channel"))

    # -- signaling -----------------------------------------------------------------------------------------------

    async def offer(self) -> str:
        """The offer's SDP, with all candidates."""
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return str(self._connection.localDescription.sdp)

    async def accept(self, sdp: str) -> None:
        """Apply the viewer's answer. Raises ProtocolError if it does not fit the offer."""
        lines = [line for line in sdp.splitlines() if not _is_unreachable(line) and "a=end-of-candidates" not in line]
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription("\r\n".join(lines) + "\r\n", "answer"))
        except Exception as problem:  # aiortc's SDP parser has no error of its own
            log.info("answer refused", exc_info=True)
            raise ProtocolError(f"answer: not acceptable: {type(problem).__name__}: {problem}") from None

    async def add_candidate(self, candidate: dict[str, Any] | None) -> None:
        """One of the viewer's candidates. Raises ProtocolError for one that is malformed.

        ``.local`` names and the end of candidates are ignored: the viewer's own checks show its address.
        """
        line = candidate.get("candidate") if candidate else ""
        if not isinstance(line, str):
            raise ProtocolError(f"candidate: expected a string, got {describe(line)}")
        if candidate is None or not line or _is_unreachable(line):
            return
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            raise ProtocolError(f"candidate: more than {MAX_CANDIDATES}")
        try:
            parsed = candidate_from_sdp(line.split(":", 1)[1])
            ipaddress.ip_address(parsed.ip)
            parsed.sdpMid = candidate.get("sdpMid")
            parsed.sdpMLineIndex = candidate.get("sdpMLineIndex")
            await self._connection.addIceCandidate(parsed)
        except Exception as problem:
            raise ProtocolError(f"candidate: {type(problem).__name__}: {problem}") from None

    # -- the viewer's transport ------------------------------------------------------------------------------------

    @property
    def frame_queue(self) -> FrameQueue | None:
        return self._track.queue

    @property
    def send_stats(self) -> SendStats | None:
        return self._track.queue.stats if self._track.queue is not None else None

    @property
    def is_busy(self) -> bool:
        return bool(self._control.bufferedAmount > BUSY_BYTES)

    def send(self, message: str | bytes) -> None:
        if self._is_closed or self._control.readyState != "open":
            return
        if self._control.bufferedAmount > MAX_BACKLOG_BYTES:
            self.close("the viewer does not read its control channel")
            return
        try:
            self._control.send(message)
        except ConnectionError:
            pass
        except ValueError:
            raise ProtocolError(f"{len(message)} bytes are too many for a data channel") from None

    async def wait_sent(self) -> None:
        return

    def disconnect(self, reason: str) -> None:
        self.close(reason)

    # -- end -------------------------------------------------------------------------------------------------------

    async def check_alive(self) -> None:
        """Close a peer that never connected or shows no sign of life; to be called once a second."""
        now = time.monotonic()
        if self.channels is None:
            if now - self._created_at > CONNECT_TIMEOUT:
                self.close(f"no connection within {CONNECT_TIMEOUT:g} seconds")
            return
        viewer = self.channels.viewer
        if now - viewer.last_seen < SILENCE / 2:
            return
        # A page that sleeps sends no messages, but its browser still reports what it received.
        report = await self._connection.getStats()
        reported = [entry.timestamp for entry in report.values() if entry.type == "remote-inbound-rtp"]
        if reported and reported[0] != self._reported_at:
            self._reported_at = reported[0]
            viewer.last_seen = now
        elif now - viewer.last_seen > SILENCE:
            self.close(f"silent for {SILENCE:g} seconds")

    def close(self, reason: str) -> None:
        """Close the connection. Safe to repeat."""
        if self._is_closed:
            return
        self._is_closed = True
        log.info("viewer disconnected: %s", reason)
        self._track.stop()
        self._closing = asyncio.ensure_future(self._connection.close())
        self._on_closed(self, reason)

    async def wait_closed(self) -> None:
        """Wait until a closed peer has released everything."""
        if self._closing is not None:
            await self._closing

    def _on_connection_state(self) -> None:
        state = self._connection.connectionState
        if state in ("failed", "closed"):
            self.close(f"connection {state}")

    def _on_control_open(self) -> None:
        if not self._is_closed and self.channels is None:
            self.channels = self._on_opened(self)

    def _on_control(self, message: str | bytes) -> None:
        if self.channels is not None and not self._is_closed:
            self.channels.on_control(message)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        """A viewer that sends arrays opens a channel for them; answers are sent on ``control``."""
        if channel.label != BULK:
            channel.close()
            return
        channel.on("message", self._on_bulk)

    def _on_bulk(self, message: str | bytes) -> None:
        if self.channels is not None and not self._is_closed and isinstance(message, bytes):
            self.channels.on_bulk(message)

    def _on_input(self, message: str | bytes) -> None:
        if self.channels is not None and not self._is_closed:
            self.channels.on_input(message)


def _constrained_baseline() -> list[Any]:
    codecs = RTCRtpSender.getCapabilities("video").codecs
    return [
        codec
        for codec in codecs
        if codec.mimeType == "video/rtx"
        or (codec.mimeType == "video/H264" and codec.parameters.get("profile-level-id") == "42e01f")
    ]


def _is_unreachable(line: str) -> bool:
    """A candidate line whose address is a ``.local`` name: looking it up would stall for a second each."""
    if "candidate:" not in line:
        return False
    words = line.split()
    return len(words) > 4 and words[4].endswith(".local")
