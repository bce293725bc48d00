"""The pacing of drawing and encoding with a simulated clock."""

from __future__ import annotations

import itertools
import math

from openspace_server.instance.streaming.pacing import (
    KEY_FRAME_INTERVAL,
    NEVER,
    REFINEMENTS,
    SETTLED,
    DrawPacing,
    StreamPacing,
)


class Clockwork:
    """The draw thread's use of the two kinds of pacing, for one layer."""

    def __init__(self, frame_rate: int) -> None:
        self.draws = DrawPacing(frame_rate)
        self.stream = StreamPacing(frame_rate)
        self.draws.is_watched = True
        self.interval = self.draws.interval
        self.changed = self.draws.on_change
        self.draw_due = self.draws.is_due
        self.encode_due = self.stream.is_due
        self.key_due = self.stream.is_key_frame_due
        self.request_key_frame = self.stream.request_key_frame
        self.encoded = self.stream.on_encoded

    def drew(self, now: float, change_at: float) -> None:
        self.draws.on_drawn(now, change_at)
        self.stream.on_drawn()

    def wake_at(self) -> float:
        return min(self.draws.wake_at(), self.stream.wake_at())


def watched(frame_rate: int = 30) -> Clockwork:
    """At second 100, with a view at rest that has been drawn, sent and refined."""
    pacing = Clockwork(frame_rate)
    pacing.drew(90.0, NEVER)
    pacing.encoded(90.0, is_key=True, is_slight=False)
    for n in range(REFINEMENTS):
        pacing.encoded(91.0 + n / 10, is_key=False, is_slight=False)
    return pacing


def draw_and_encode(pacing: Clockwork, now: float, change_at: float) -> None:
    assert pacing.draw_due(now)
    pacing.drew(now, change_at)
    assert pacing.encode_due(now)
    pacing.encoded(now, is_key=False, is_slight=False)


def test_nothing_is_due_while_nothing_changes() -> None:
    pacing = watched()
    assert pacing.wake_at() == NEVER
    assert not pacing.draw_due(100.0)
    assert not pacing.encode_due(100.0)


def test_a_change_at_rest_is_drawn_at_once() -> None:
    pacing = watched()
    pacing.changed(100.0)
    assert pacing.wake_at() <= 100.0
    draw_and_encode(pacing, 100.0, NEVER)


def test_motion_is_drawn_at_the_frame_rate_and_no_faster() -> None:
    pacing = watched(frame_rate=50)
    now, times = 100.0, []
    pacing.changed(now)
    while now < 101.0:
        draw_and_encode(pacing, now, change_at=now)
        times.append(now)
        pacing.changed(now + 0.001)
        now = pacing.wake_at()
    assert 50 <= len(times) <= 51
    assert min(b - a for a, b in itertools.pairwise(times)) > 0.0199


def test_a_frame_a_little_late_does_not_slow_the_rate() -> None:
    pacing = watched(frame_rate=50)
    pacing.changed(100.0)
    draw_and_encode(pacing, 100.0, 100.0)
    draw_and_encode(pacing, 100.022, 100.022)
    assert math.isclose(pacing.wake_at(), 100.04)


def test_input_while_a_view_at_rest_is_refined_does_not_wait() -> None:
    pacing = watched()
    pacing.changed(100.0)
    draw_and_encode(pacing, 100.0, NEVER)
    for n in range(1, 4):
        assert pacing.encode_due(100.0 + 0.04 * n)
        pacing.encoded(100.0 + 0.04 * n, is_key=False, is_slight=False)
    pacing.changed(100.121)
    assert pacing.draw_due(100.121)


def test_a_view_at_rest_is_refined_a_few_times_and_then_left_alone() -> None:
    pacing = watched()
    pacing.changed(100.0)
    draw_and_encode(pacing, 100.0, NEVER)
    for _ in range(REFINEMENTS):
        now = pacing.wake_at()
        assert not pacing.draw_due(now)
        assert pacing.encode_due(now)
        pacing.encoded(now, is_key=False, is_slight=False)
    assert pacing.wake_at() == NEVER


def test_refining_ends_when_it_adds_nothing_any_more() -> None:
    pacing = watched()
    pacing.changed(100.0)
    draw_and_encode(pacing, 100.0, NEVER)
    for n in range(SETTLED):
        assert pacing.wake_at() < NEVER
        pacing.encoded(100.1 + n / 10, is_key=False, is_slight=True)
    assert pacing.wake_at() == NEVER


def test_a_body_that_creeps_is_drawn_when_it_has_crept_a_pixel() -> None:
    pacing = watched()
    pacing.drew(100.0, 100.5)
    pacing.encoded(100.0, is_key=False, is_slight=False)
    assert not pacing.draw_due(100.4)
    assert pacing.draw_due(100.5)


def test_key_frames_are_rate_limited_and_none_is_forgotten() -> None:
    pacing = watched()
    pacing.request_key_frame()
    assert pacing.encode_due(100.0)
    assert pacing.key_due(100.0)
    pacing.encoded(100.0, is_key=True, is_slight=False)
    pacing.request_key_frame()
    assert not pacing.key_due(100.1)
    assert pacing.key_due(100.0 + KEY_FRAME_INTERVAL)
    assert pacing.encode_due(100.0 + KEY_FRAME_INTERVAL)


def test_without_viewers_nothing_is_drawn() -> None:
    pacing = DrawPacing(30)
    pacing.on_change(100.0)
    assert not pacing.is_due(100.0)
    assert pacing.wake_at() == NEVER


def test_a_frame_drawn_for_a_grab_is_sent_in_its_turn() -> None:
    pacing = watched()
    pacing.changed(100.0)
    draw_and_encode(pacing, 100.0, NEVER)
    pacing.drew(100.001, NEVER)
    assert not pacing.encode_due(100.001)
    assert pacing.encode_due(100.0 + pacing.interval)


def test_a_grab_does_not_part_drawing_and_sending() -> None:
    pacing = watched()
    pacing.drew(100.0, NEVER)
    pacing.encoded(100.0, is_key=False, is_slight=False)
    pacing.changed(100.005)
    at = pacing.wake_at()
    assert pacing.draw_due(at)
    pacing.drew(at, NEVER)
    assert pacing.encode_due(at)


def test_a_layer_of_half_the_rate_takes_every_second_drawing() -> None:
    draws, stream = DrawPacing(30), StreamPacing(15)
    draws.is_watched = True
    draws.on_drawn(99.0, 100.0)
    sent, drawn = 0, 0
    now = 100.0
    for _ in range(60):
        draws.on_change(now)
        now = draws.wake_at() + 0.002
        draws.on_drawn(now, now)
        stream.on_drawn()
        drawn += 1
        if stream.is_due(now):
            stream.on_encoded(now, is_key=False, is_slight=False)
            sent += 1
    assert (drawn, sent) == (60, 30)
