"""Stream director: chooses the layers, their settings and the layer of each viewer, from what viewers can receive."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from openspace_server.instance.streaming.adaptation import CLEAN, Adaptation, Sample
from openspace_server.instance.streaming.automatic_rate import AutomaticRate, Load
from openspace_server.instance.streaming.fan_out import FanOut, FrameQueue
from openspace_server.instance.streaming.images import ImageFanOut
from openspace_server.instance.streaming.layers import LayerSettings
from openspace_server.instance.streaming.send_stats import SendTotals
from openspace_server.instance.streaming.stream_settings import StreamSettings
from openspace_server.protocols.viewer import Report

log = logging.getLogger(__name__)

SHORTEST_INTERVAL = 0.1
"""Seconds; a report that follows another sooner is ignored."""
SENDING = 3.0
"""Frames per second from which a viewer counts as being sent something."""
STUCK = 3
"""Frames sent without one being decoded that prove that a decoder waits for a key frame."""
LOSS_WEIGHT = 0.1
LOSSY, CLEAN_AGAIN = 0.012, 0.003
"""Smoothed loss above which a viewer delays frames until lost packets were sent again, and below which no more."""
ROUND_TRIPS, MARGIN, MAX_DELAY = 1.3, 0.03, 0.4
"""The length of that delay: so many round trips and seconds more, at most."""
JERKY = 0.5
"""With losses, a key frame helps if less than this part of the frames is shown."""


class Streamer(Protocol):
    """What the director controls: the draw loop."""

    def set_layers(self, layers: dict[int, LayerSettings], image_rate: int = 0) -> None: ...

    def request_key_frame(self, layer: int) -> None: ...


@dataclass
class LastReport:
    """Counts as of one viewer's last report."""

    at: float
    taken: int
    bytes_taken: int
    freezes: int
    decoded: int | None
    loss: float
    """Smoothed."""


class Director:
    """Lives on the event loop. ``on_frame_rate()`` is called when :attr:`frame_rate` has changed by itself.

    The draw loop calls ``on_encoded(frame)``, ``on_image(frame)`` and :meth:`on_load`.
    """

    def __init__(
        self,
        streamer: Streamer,
        settings: StreamSettings,
        *,
        stamped: bool,
        on_frame_rate: Callable[[], None] = lambda: None,
    ) -> None:
        self._streamer = streamer
        self._settings = settings
        self._on_frame_rate = on_frame_rate
        self._plan: tuple[dict[int, LayerSettings], int] = ({}, 0)
        self._is_deciding = False
        self._automatic = AutomaticRate()
        self._adaptation = Adaptation(settings.bit_rate, self.frame_rate)
        self._reports: dict[FrameQueue, LastReport] = {}
        self._acks: dict[FrameQueue, tuple[float, int, int]] = {}
        self.send_totals = SendTotals()
        self.fan_out = FanOut(self.decide, streamer.request_key_frame, self.send_totals)
        self.images = ImageFanOut(self.decide, self.send_totals, stamped=stamped)
        self.on_encoded, self.on_image = self.fan_out.publish, self.images.publish

    @property
    def layers(self) -> dict[int, LayerSettings]:
        """The layers encoded now."""
        return self._plan[0]

    @property
    def frame_rate(self) -> int:
        """Frames per second at most: the chosen ones, else what the machine can afford now."""
        return self._settings.chosen_frame_rate or self._automatic.rate

    def change_settings(self, settings: StreamSettings) -> None:
        """Apply new stream settings."""
        if settings.chosen_frame_rate is not None:
            self._automatic = AutomaticRate()
        self._settings = settings
        self._set_limits()

    def on_load(self, load: Load) -> None:
        """Something moves, and its frames cost ``load``."""
        if self._settings.chosen_frame_rate is None:
            # Images have no bit rate to keep: twice as many would be twice the bits.
            is_full_quality = self._adaptation.is_full_quality and not self.images.is_watched
            self._automatic.learn(load, is_full_quality=is_full_quality)
            self._keep_pace()

    def on_report(self, queue: FrameQueue, report: Report) -> None:
        """A viewer's browser reports its measurements."""
        before, now = self._reports.get(queue), time.monotonic()
        if queue not in self.fan_out.queues or (before is not None and now - before.at < SHORTEST_INTERVAL):
            return
        stats = queue.stats
        smoothed = before.loss if before is not None else 0.0
        smoothed += LOSS_WEIGHT * (report.loss - smoothed)
        decoded = report.frames_decoded
        self._reports[queue] = LastReport(now, stats.taken, stats.bytes_taken, report.freezes, decoded, smoothed)
        if before is None:
            return
        if smoothed > LOSSY:
            round_trip = min(MAX_DELAY, (report.rtt_ms or 0.0) / 1e3)
            queue.playout_delay = min(MAX_DELAY, ROUND_TRIPS * round_trip + MARGIN)
        elif smoothed < CLEAN_AGAIN:
            queue.playout_delay = 0.0
        frames, passed = stats.taken - before.taken, now - before.at
        is_stuck = frames >= STUCK and report.frames_decoded is not None and report.frames_decoded == before.decoded
        is_jerky = report.loss >= CLEAN and report.fps < JERKY * frames / passed
        if is_stuck or is_jerky or report.freezes > before.freezes:
            queue.key_requests.request()
        self._learn(
            queue,
            Sample(
                sent=(stats.bytes_taken - before.bytes_taken) * 8 / passed,
                loss=report.loss,
                round_trip=None if report.rtt_ms is None else report.rtt_ms / 1e3,
                arrived=report.bit_rate,
                is_overloaded=report.decode_ms is not None and report.decode_ms * frames / passed > 1e3,
            ),
        )

    def on_ack(self, queue: FrameQueue, round_trip: float) -> None:
        """A viewer over a socket has acknowledged a frame ``round_trip`` seconds after it was sent."""
        before, now = self._acks.get(queue), time.monotonic()
        if queue not in self.fan_out.queues or (before is not None and now - before[0] < 2 * SHORTEST_INTERVAL):
            return
        self._acks[queue] = now, queue.stats.bytes_taken, queue.overflows
        if before is not None:
            at, bytes, overflows = before
            sent = (queue.stats.bytes_taken - bytes) * 8 / (now - at)
            is_full = queue.overflows > overflows
            arrived = sent if is_full else None
            self._learn(queue, Sample(sent, round_trip=round_trip, arrived=arrived, is_overloaded=is_full))

    def tick(self) -> None:
        """To be called once a second."""
        now = time.monotonic()
        for queue in self.fan_out.queues:
            estimate = self._adaptation.estimate(queue, now)
            estimate.tick(now, is_sending=queue.stats.frame_rate >= SENDING or queue.is_stalled)
            estimate.needs_key_frames = queue.key_requests.are_too_many
        self.decide()

    def decide(self) -> None:
        """Plan the layers, and configure the streamer if the plan has changed."""
        if self._is_deciding:
            return
        self._is_deciding = True
        try:
            now = time.monotonic()
            self._update_queues(now)
            for queue, layer in self._adaptation.assign(now).items():
                assert isinstance(queue, FrameQueue)
                self.fan_out.move(queue, layer)
            image_rate = self.frame_rate if self.images.is_watched else 0
            plan = self._adaptation.plan(self.fan_out.layers, now), image_rate
            if plan != self._plan:
                self._plan = plan
                self._streamer.set_layers(*plan)
        finally:
            self._is_deciding = False

    def _keep_pace(self) -> None:
        if self.frame_rate != self._adaptation.frame_rate:
            log.info("%d frames per second while something moves", self.frame_rate)
            self._set_limits()
            self._on_frame_rate()

    def _set_limits(self) -> None:
        self._adaptation.set_limits(self._settings.bit_rate, self.frame_rate)
        self.decide()

    def _learn(self, queue: FrameQueue, sample: Sample) -> None:
        self._adaptation.sample(queue, sample, time.monotonic())
        if sample.is_overloaded:
            self._automatic.step_back()
            self._keep_pace()
        self.decide()
        log.debug("%s: layers %s", sample, self._plan[0])

    def _update_queues(self, now: float) -> None:
        """Add new viewers to the adaptation and remove those that left."""
        queues = self.fan_out.queues
        for queue in queues:
            self._adaptation.estimate(queue, now)
        for gone in self._adaptation.viewers - queues:
            assert isinstance(gone, FrameQueue)
            self._adaptation.forget(gone)
            self._reports.pop(gone, None)
            self._acks.pop(gone, None)
