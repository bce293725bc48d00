"""Statistics of the stream: its cost, and where the time of a frame goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openspace_widget.client.mixin import ClientMixin

CODECS = {"webrtc": "H.264", "websocket h264": "H.264", "websocket images": "JPEG or WebP"}


@dataclass(frozen=True)
class StreamStats:
    """The stream over the last second, as the instance and the busiest view of it saw it.

    Times are medians in milliseconds, of one frame; None without viewers, or where the transport does not report it.

    Attributes:
        draw_ms: the engine draws.
        encode_ms: colour conversion and encoding; for images, None.
        queue_ms: the encoded frame waits in its viewer's queue.
        network_ms: to the view and back.
        jitter_buffer_ms: the browser delays it to even out the network; None where there is no such buffer.
        decode_ms: the browser decodes it.
        present_ms: from decoded to shown.
        transport: ``"webrtc"``, ``"websocket h264"``, ``"websocket images"``; empty without viewers.
        codec: of that transport.
        encoder: what encodes H.264 here, such as ``"H.264 (x264)"``.
        frame_rate: frames encoded per second; 0 while nothing moves.
        bit_rate: bits encoded per second.
        loss: fraction of the packets that were lost, 0 to 1.
        viewers: number of them.
    """

    draw_ms: float
    encode_ms: float | None
    queue_ms: float | None
    network_ms: float | None
    jitter_buffer_ms: float | None
    decode_ms: float | None
    present_ms: float | None
    transport: str
    codec: str
    encoder: str
    frame_rate: float
    bit_rate: int
    loss: float | None
    viewers: int


class Statistics(ClientMixin):
    """The statistics of :class:`~openspace_widget.OpenSpace`."""

    def stats(self) -> StreamStats:
        """What the stream costs now, and where the time of a frame goes.

        Example:
            >>> space.stats().draw_ms > 0
            True
        """
        return stats_of(self._ask("stats"))


def stats_of(message: dict[str, Any]) -> StreamStats:
    """From the instance's ``stats`` message."""
    views = [viewer for viewer in message["each"] if "queue_ms" in viewer]
    view: dict[str, Any] = max(views, key=lambda one: (one["frame_rate"], "report" in one), default={})
    report: dict[str, Any] = view.get("report") or {}
    transport = str(view.get("transport", ""))
    return StreamStats(
        draw_ms=message["draw_ms"],
        encode_ms=None if transport == "websocket images" else message["encode_ms"],
        queue_ms=view.get("queue_ms"),
        network_ms=report.get("rtt_ms") or view.get("round_trip_ms"),
        jitter_buffer_ms=report.get("jitter_buffer_ms") if transport == "webrtc" else None,
        decode_ms=report.get("decode_ms"),
        present_ms=report.get("present_ms"),
        transport=transport,
        codec=CODECS.get(transport, ""),
        encoder=str(message["encoder"]),
        frame_rate=message["frame_rate"] or view.get("frame_rate", 0.0),
        bit_rate=message["bit_rate"] or view.get("bit_rate", 0),
        loss=report.get("loss"),
        viewers=len(views),
    )
