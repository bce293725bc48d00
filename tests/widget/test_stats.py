"""``space.stats()``: of a real session, and from an instance's message."""

from __future__ import annotations

from openspace_widget import OpenSpace
from openspace_widget.stats import stats_of

MESSAGE = {"draw_ms": 6.0, "encode_ms": 3.0, "encoder": "H.264 (x264)", "frame_rate": 30.0, "bit_rate": 4_000_000}
WATCHING = {"queue_ms": 0.2, "frame_rate": 30.0, "bit_rate": 4_000_000}
REPORT = {"rtt_ms": 12.0, "jitter_buffer_ms": 1.5, "decode_ms": 2.5, "present_ms": 4.0, "loss": 0.01}


def test_a_session_without_viewers_reports_what_it_draws(space: OpenSpace) -> None:
    space.frame()
    stats = space.stats()
    assert stats.draw_ms > 0
    assert "264" in stats.encoder
    assert (stats.viewers, stats.transport, stats.queue_ms, stats.decode_ms) == (0, "", None, None)


def test_the_stations_are_those_of_the_busiest_view() -> None:
    idle = {"transport": "websocket images", "queue_ms": 9.0, "frame_rate": 0.0, "bit_rate": 0}
    view = WATCHING | {"transport": "webrtc", "report": REPORT}
    stats = stats_of({**MESSAGE, "each": [{"transport": "bulk"}, idle, view]})
    assert (stats.transport, stats.codec, stats.viewers) == ("webrtc", "H.264", 2)
    assert (stats.draw_ms, stats.encode_ms, stats.queue_ms, stats.network_ms) == (6.0, 3.0, 0.2, 12.0)
    assert (stats.jitter_buffer_ms, stats.decode_ms, stats.present_ms, stats.loss) == (1.5, 2.5, 4.0, 0.01)


def test_what_a_transport_does_not_have_is_none() -> None:
    view = WATCHING | {"transport": "websocket images", "round_trip_ms": 8.0}
    stats = stats_of({**MESSAGE, "each": [view]})
    assert (stats.encode_ms, stats.jitter_buffer_ms, stats.network_ms) == (None, None, 8.0)
