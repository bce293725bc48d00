"""``space.stats()``: what the stream costs and where a picture's time goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openspace_widget.client.mixin import ClientMixin

CODECS = {"webrtc": "H.264", "websocket h264": "H.264", "websocket images": "JPEG or WebP"}


@dataclass(frozen=True)
class StreamStats:
    """The stream over the last second, as the instance and the busiest view of it saw it.

    Times are medians in milliseconds, of one picture; None where nobody watches or the way does not tell.

    Attributes:
        draw_ms: the engine draws.
        encode_ms: colour conversion and encoding; for images, None.
        queue_ms: the encoded picture waits for its viewer's turn.
        network_ms: to the view and back.
        jitter_buffer_ms: the browser keeps it back to even out the network; None where there is no such buffer.
        decode_ms: the browser decodes it.
        present_ms: from decoded to shown.
        transport: ``"webrtc"``, ``"websocket h264"``, ``"websocket images"``; empty while nobody watches.
        codec: of that transport.
        encoder: what encodes H.264 here, such as ``"H.264 (x264)"``.
        frame_rate: pictures encoded per second; 0 while nothing moves.
        bit_rate: bits encoded per second.
        loss: part of the packets that were lost on the way, 0 to 1.
        viewers: how many watch.
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
    """The figures of :class:`~openspace_widget.space.OpenSpace`."""

    def stats(self) -> StreamStats:
        """What the stream costs now, and where a picture's time goes.

        Example:
            >>> space.stats().draw_ms > 0
            True
        """
        return stats_of(self._ask("stats"))


def stats_of(told: dict[str, Any]) -> StreamStats:
    """From the instance's ``stats`` message."""
    views = [viewer for viewer in told["each"] if "queue_ms" in viewer]
    view: dict[str, Any] = max(views, key=lambda one: (one["frame_rate"], "report" in one), default={})
    report: dict[str, Any] = view.get("report") or {}
    transport = str(view.get("transport", ""))
    return StreamStats(
        draw_ms=told["draw_ms"],
        encode_ms=None if transport == "websocket images" else told["encode_ms"],
        queue_ms=view.get("queue_ms"),
        network_ms=report.get("rtt_ms") or view.get("round_trip_ms"),
        jitter_buffer_ms=report.get("jitter_buffer_ms") if transport == "webrtc" else None,
        decode_ms=report.get("decode_ms"),
        present_ms=report.get("present_ms"),
        transport=transport,
        codec=CODECS.get(transport, ""),
        encoder=str(told["encoder"]),
        frame_rate=told["frame_rate"] or view.get("frame_rate", 0.0),
        bit_rate=told["bit_rate"] or view.get("bit_rate", 0),
        loss=report.get("loss"),
        viewers=len(views),
    )
