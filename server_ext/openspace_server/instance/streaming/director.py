"""Decides which streams there are, what each is made like and who gets which, from what viewers can take."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from openspace_server.instance.streaming.adaptation import CLEAN, Adaptation, Sample
from openspace_server.instance.streaming.automatic_rate import AutomaticRate, Load
from openspace_server.instance.streaming.encoder import EncodedPicture
from openspace_server.instance.streaming.fan_out import PictureFan, PictureQueue
from openspace_server.instance.streaming.images import DrawnFrame, ImageFan
from openspace_server.instance.streaming.layers import RungSettings
from openspace_server.instance.streaming.picture_settings import PictureSettings
from openspace_server.protocols.viewer import Report

log = logging.getLogger(__name__)

SHORTEST_INTERVAL = 0.1
"""Seconds; a report that follows another sooner is not looked at."""
SENDING = 3.0
"""Pictures per second that prove that a viewer is being sent something."""
STUCK = 3
"""Pictures sent without one being decoded that prove that a decoder waits for a key frame."""
LOSS_WEIGHT = 0.1
LOSSY, CLEAN_AGAIN = 0.012, 0.003
"""Smoothed loss above which a viewer keeps pictures back until lost packets came again, and below which no more."""
ROUND_TRIPS, MARGIN, MOST_DELAY = 1.3, 0.03, 0.4
"""How long: so many round trips and seconds more, at most."""
JERKY = 0.5
"""With losses, a key frame helps if less than this part of the pictures is shown."""


class Streamer(Protocol):
    """What the director directs: the draw loop."""

    def set_streams(self, wanted: dict[int, RungSettings], image_rate: int = 0) -> None: ...

    def want_key(self, rung: int) -> None: ...


@dataclass
class Reported:
    """Where one viewer's last report left off."""

    at: float
    pictures: int
    bytes: int
    freezes: int
    decoded: int | None
    loss: float
    """Smoothed."""


class Director:
    """Lives on the event loop. ``paced()`` hears that :attr:`frame_rate` has changed by itself."""

    def __init__(
        self, streamer: Streamer, settings: PictureSettings, *, stamped: bool, paced: Callable[[], None] = lambda: None
    ) -> None:
        self._streamer = streamer
        self._settings = settings
        self._paced = paced
        self._told: tuple[dict[int, RungSettings], int] = ({}, 0)
        self._deciding = False
        self._automatic = AutomaticRate()
        self._adaptation = Adaptation(settings.bit_rate, self.frame_rate)
        self._reported: dict[PictureQueue, Reported] = {}
        self._acknowledged: dict[PictureQueue, tuple[float, int, int]] = {}
        self.fan = PictureFan(self.decide, streamer.want_key)
        self.images = ImageFan(self.decide, stamped=stamped)

    @property
    def streams(self) -> dict[int, RungSettings]:
        """What is made now."""
        return self._told[0]

    @property
    def frame_rate(self) -> int:
        """Pictures per second at most: what somebody has chosen, else what is affordable now."""
        return self._settings.chosen_frame_rate or self._automatic.rate

    def encoded(self, picture: EncodedPicture) -> None:
        self.fan.publish(picture)

    def drawn(self, frame: DrawnFrame) -> None:
        self.images.drawn(frame)

    def set_picture(self, settings: PictureSettings) -> None:
        """What the picture should be, and at most be, has changed."""
        if settings.chosen_frame_rate is not None:
            self._automatic = AutomaticRate()
        self._settings = settings
        self._set_limits()

    def moved(self, load: Load) -> None:
        """Something moves, and its pictures cost ``load``."""
        if self._settings.chosen_frame_rate is None:
            # Images have no bit rate to keep: twice as many would be twice the bits.
            self._automatic.learn(load, roads_full=self._adaptation.full and not self.images.watched)
            self._keep_pace()

    def report(self, queue: PictureQueue, report: Report) -> None:
        """A viewer tells how it fares."""
        before, now = self._reported.get(queue), time.monotonic()
        if queue not in self.fan.queues or (before is not None and now - before.at < SHORTEST_INTERVAL):
            return
        flow = queue.flow
        smoothed = before.loss if before is not None else 0.0
        smoothed += LOSS_WEIGHT * (report.loss - smoothed)
        decoded = report.frames_decoded
        self._reported[queue] = Reported(now, flow.pictures, flow.bytes, report.freezes, decoded, smoothed)
        if before is None:
            return
        if smoothed > LOSSY:
            round_trip = min(MOST_DELAY, (report.rtt_ms or 0.0) / 1e3)
            queue.playout_delay = min(MOST_DELAY, ROUND_TRIPS * round_trip + MARGIN)
        elif smoothed < CLEAN_AGAIN:
            queue.playout_delay = 0.0
        pictures, passed = flow.pictures - before.pictures, now - before.at
        stuck = pictures >= STUCK and report.frames_decoded is not None and report.frames_decoded == before.decoded
        jerky = report.loss >= CLEAN and report.fps < JERKY * pictures / passed
        if stuck or jerky or report.freezes > before.freezes:
            queue.keys.ask()
        self._learn(
            queue,
            Sample(
                sent=(flow.bytes - before.bytes) * 8 / passed,
                loss=report.loss,
                round_trip=None if report.rtt_ms is None else report.rtt_ms / 1e3,
                arrived=report.bit_rate,
                overloaded=report.decode_ms is not None and report.decode_ms * pictures / passed > 1e3,
            ),
        )

    def acknowledged(self, queue: PictureQueue, round_trip: float) -> None:
        """A viewer over a socket has taken a picture ``round_trip`` seconds after it was sent."""
        before, now = self._acknowledged.get(queue), time.monotonic()
        if queue not in self.fan.queues or (before is not None and now - before[0] < 2 * SHORTEST_INTERVAL):
            return
        self._acknowledged[queue] = now, queue.flow.bytes, queue.overflows
        if before is not None:
            at, bytes, overflows = before
            sent = (queue.flow.bytes - bytes) * 8 / (now - at)
            full = queue.overflows > overflows
            self._learn(queue, Sample(sent, round_trip=round_trip, arrived=sent if full else None, overloaded=full))

    def tick(self) -> None:
        """To be called once a second."""
        now = time.monotonic()
        for queue in self.fan.queues:
            road = self._adaptation.road(queue, now)
            road.tick(now, sending=queue.flow.frame_rate >= SENDING or queue.stalled)
            road.troubled = queue.keys.troubled
        self.decide()

    def decide(self) -> None:
        """Tell the streamer what is wanted now, if that is anything new."""
        if self._deciding:
            return
        self._deciding = True
        try:
            now = time.monotonic()
            self._take_note(now)
            for queue, rung in self._adaptation.assign(now).items():
                assert isinstance(queue, PictureQueue)
                self.fan.move(queue, rung)
            wanted = self._adaptation.plan(self.fan.rungs, now), self.frame_rate if self.images.watched else 0
            if wanted != self._told:
                self._told = wanted
                self.fan.bit_rates = {rung: settings.bit_rate for rung, settings in wanted[0].items()}
                self._streamer.set_streams(*wanted)
        finally:
            self._deciding = False

    def _keep_pace(self) -> None:
        if self.frame_rate != self._adaptation.frame_rate:
            log.info("%d pictures per second while something moves", self.frame_rate)
            self._set_limits()
            self._paced()

    def _set_limits(self) -> None:
        self._adaptation.limit(self._settings.bit_rate, self.frame_rate)
        self.decide()

    def _learn(self, queue: PictureQueue, sample: Sample) -> None:
        self._adaptation.sample(queue, sample, time.monotonic())
        if sample.overloaded:
            self._automatic.step_back()
            self._keep_pace()
        self.decide()
        log.debug("%s: streams %s", sample, self._told[0])

    def _take_note(self, now: float) -> None:
        """Who came and who went."""
        queues = self.fan.queues
        for queue in queues:
            self._adaptation.road(queue, now)
        for gone in self._adaptation.viewers - queues:
            assert isinstance(gone, PictureQueue)
            self._adaptation.forget(gone)
            self._reported.pop(gone, None)
            self._acknowledged.pop(gone, None)
