"""Bandwidth adaptation: the quality that each viewer's connection can carry, from its reports. No I/O, no clock.

Bit rates in bit/s, times in seconds of one monotonic clock.

Each viewer has a :class:`BandwidthEstimate`, which falls at once when frames queue up or many are lost, and grows back
slowly. Viewers share two layers: those with a clearly lower estimate than the best one, and those that need key frames
all the time, get the small layer, so that they do not lower the quality of the others. A layer first loses bits, then
every second frame, then pixels, and regains them in the opposite order (:class:`QualityLevel`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from openspace_server.instance.streaming.layers import MAIN, SMALL, LayerSettings

FLOOR = 150_000
LOST = 0.15
"""Loss above this part means congestion; below, it may be a lossy network, where fewer bits do not help."""
CLEAN = 0.02
"""Loss below this part does not keep the capacity from growing."""
QUEUE = 0.12
"""A round trip longer than the shortest by this much, in seconds, means that frames queue somewhere."""
ARRIVED = 0.75
"""Less than this part of what was sent arrives: the rest queues somewhere."""
COLLAPSED = 0.4
"""Less than this part arrives of what has been sent for a while: that alone proves congestion."""
DECREASE = 0.7
MARGIN = 0.85
"""This part of what arrived is sent."""
PATIENCE = 0.4
DEEP_PATIENCE = 0.8
"""Seconds after a decrease before the next, and after one by more than half: it takes effect first."""
SLOW_GROWTH, FAST_GROWTH = 1.08, 1.6
"""Per second, near the last rate that was too high, and elsewhere."""
FORGOTTEN = 6.0
"""Seconds after which the last rate that was too high is forgotten."""
SILENT = 1.5
"""Seconds without a report after which the estimate of a viewer that used to report is reduced."""

NARROW, WIDE = 0.6, 0.85
"""Parts of the best capacity: below the first a viewer gets the small layer, with the second it returns."""
RETRY, LONGEST_RETRY = 10.0, 160.0
"""A viewer of the small layer tries the main one after so many calm seconds, ever later if that fails."""
FAILED_WITHIN = 8.0
SMALL_SCALE = 0.5
SMALL_SHARE = 0.35
"""The small layer's largest part of the bit rate."""

LEVELS = ((0.25, 1, 1.0), (0.12, 2, 1.0), (0.07, 2, 0.75), (0.0, 2, 0.5))
"""Down to which part of the full bit rate, one of how many frames is kept, and the scale of the sides."""
UP_FACTOR = 1.3
UP_AFTER = 2.0
"""A better level follows when the bit rate exceeds its threshold by this factor for so many seconds."""
SUDDEN = 0.3
"""A sudden fall to less than this part goes straight to the last level, from which quality grows again."""
LEAST_FRAME_RATE = 12
GRAIN = 10_000
"""Bit rates are multiples of this: smaller changes are not worth reconfiguring an encoder."""


@dataclass(frozen=True)
class Sample:
    """Measurements of a viewer's last fraction of a second; None for unknown ones.

    Attributes:
        loss: part of the packets that did not arrive.
        round_trip: seconds.
        sent, arrived: bit/s.
        is_overloaded: the viewer cannot decode or receive what arrives.
    """

    sent: float
    loss: float = 0.0
    round_trip: float | None = None
    arrived: float | None = None
    is_overloaded: bool = False


class BandwidthEstimate:
    """One viewer's capacity."""

    def __init__(self, capacity: float, now: float) -> None:
        self.capacity = capacity
        self.needs_key_frames = False
        """All the time."""
        self.layer = MAIN
        self.calm_since = now
        self.changed_at = now
        self.retry_after = RETRY
        self._sampled_at: float | None = None
        self._reduced_at = now - FORGOTTEN
        self._too_high = 0.0
        self._shortest: float | None = None
        self._round_trip: float | None = None
        self._measured: float | None = None
        self._missing = 0
        self._sent_before = 0.0
        self._patience = PATIENCE

    def sample(self, sample: Sample, now: float, limit: float) -> None:
        """Learn from ``sample``; the capacity never exceeds ``limit``."""
        passed = min(1.0, now - self._sampled_at) if self._sampled_at is not None else 0.0
        self._sampled_at = now
        self.capacity = min(self.capacity, limit)
        if self._is_congested(sample):
            self.calm_since = now
            if now - self._reduced_at >= self._patience:
                self._reduce(sample.arrived, sample.sent, now)
        elif sample.loss < CLEAN and sample.sent > 0.4 * self.capacity:
            near = self._too_high and now - self._reduced_at < FORGOTTEN and self.capacity > 0.7 * self._too_high
            growth = SLOW_GROWTH if near else FAST_GROWTH
            self.capacity = min(limit, self.capacity * growth**passed)

    def tick(self, now: float, is_sending: bool) -> None:
        """Time has passed; ``is_sending``: frames are being sent to this viewer."""
        if is_sending and self._sampled_at is not None and now - self._sampled_at > SILENT:
            self.calm_since = self._sampled_at = now
            self._reduce(None, 0.0, now)

    def _is_congested(self, sample: Sample) -> bool:
        is_queueing = False
        if sample.round_trip is not None and sample.round_trip != self._measured:  # browsers measure every few seconds
            self._measured = sample.round_trip
            before = self._round_trip if self._round_trip is not None else sample.round_trip
            self._round_trip = before + 0.5 * (sample.round_trip - before)
            shortest = self._shortest if self._shortest is not None else self._round_trip
            self._shortest = min(shortest * 1.005, self._round_trip)
            is_queueing = self._round_trip > self._shortest + QUEUE
        missing = sample.arrived is not None and sample.sent > FLOOR / 2 and sample.arrived < ARRIVED * sample.sent
        # What was sent last may still be in flight when the report was made: a single report proves nothing, unless
        # nearly as much was sent before and hardly anything has arrived.
        self._missing = self._missing + 1 if missing else 0
        steady, self._sent_before = self._sent_before > 0.5 * sample.sent, sample.sent
        collapsed = missing and steady and sample.arrived is not None and sample.arrived < COLLAPSED * sample.sent
        lost = sample.loss > LOST or self._missing > 1 or collapsed
        return lost or sample.is_overloaded or (is_queueing and sample.sent > FLOOR / 4)

    def _reduce(self, arrived: float | None, sent: float, now: float) -> None:
        self._too_high, self._reduced_at = min(self.capacity, arrived or self.capacity), now
        reduced = self.capacity * DECREASE
        if arrived is not None and sent > 0.4 * self.capacity:
            reduced = min(reduced, arrived * MARGIN)
        self._patience = PATIENCE if reduced > self.capacity / 2 else DEEP_PATIENCE
        self.capacity = max(FLOOR, reduced)


class QualityLevel:
    """One layer's quality level: reduced at once, raised after a while."""

    def __init__(self) -> None:
        self._level = 0
        self._part = 1.0
        self._above_since: float | None = None

    @property
    def is_at_top(self) -> bool:
        return self._level == 0

    def settings(self, bit_rate: float, full: float, frame_rate: int, scale: float, now: float) -> LayerSettings:
        """The settings for ``bit_rate`` if ``full`` carries ``frame_rate`` at ``scale``."""
        part = bit_rate / full
        if part < SUDDEN * self._part and part < LEVELS[0][0]:
            # The key frame that follows has to pass a congested network: the smaller the sooner.
            self._level = len(LEVELS) - 1
            self._above_since = None
        self._part = part
        while part < LEVELS[self._level][0]:
            self._level += 1
            self._above_since = None
        if self._level and part > LEVELS[self._level - 1][0] * UP_FACTOR:
            self._above_since = now if self._above_since is None else self._above_since
            if now - self._above_since >= UP_AFTER:
                self._level -= 1
                self._above_since = None
        else:
            self._above_since = None
        _, divisor, shrink = LEVELS[self._level]
        rate = frame_rate // divisor if frame_rate // divisor >= LEAST_FRAME_RATE else frame_rate
        return LayerSettings(round(bit_rate / GRAIN) * GRAIN, rate, scale * shrink)


class Adaptation:
    """The estimates of all viewers, and the settings of the layers, at most ``frame_rate`` frames per second."""

    def __init__(self, bit_rate: int, frame_rate: int) -> None:
        self._limit = bit_rate
        self.frame_rate = frame_rate
        self._estimates: dict[object, BandwidthEstimate] = {}
        self._levels = {MAIN: QualityLevel(), SMALL: QualityLevel()}

    def set_limits(self, bit_rate: int, frame_rate: int) -> None:
        """New limits of the stream settings; a viewer that was at the old one is at the new one."""
        for estimate in self._estimates.values():
            if estimate.capacity >= self._limit:
                estimate.capacity = bit_rate
        self._limit, self.frame_rate = bit_rate, frame_rate

    def estimate(self, viewer: object, now: float) -> BandwidthEstimate:
        if viewer not in self._estimates:
            self._estimates[viewer] = BandwidthEstimate(self._limit, now)
        return self._estimates[viewer]

    @property
    def is_full_quality(self) -> bool:
        """Whether all viewers get the main layer, with all its frames and pixels."""
        return self._levels[MAIN].is_at_top and all(estimate.layer == MAIN for estimate in self._estimates.values())

    @property
    def viewers(self) -> set[object]:
        return set(self._estimates)

    def forget(self, viewer: object) -> None:
        self._estimates.pop(viewer, None)

    def sample(self, viewer: object, sample: Sample, now: float) -> None:
        self.estimate(viewer, now).sample(sample, now, self._limit)

    def assign(self, now: float) -> dict[object, int]:
        """The layer that each viewer should get."""
        best = max((min(self._limit, estimate.capacity) for estimate in self._estimates.values()), default=0.0)
        alone = len(self._estimates) == 1
        for estimate in self._estimates.values():
            layer = self._layer_of(estimate, best, alone, now)
            if layer != estimate.layer:
                if layer == SMALL:
                    failed = now - estimate.changed_at < FAILED_WITHIN
                    estimate.retry_after = min(LONGEST_RETRY, 2 * estimate.retry_after) if failed else RETRY
                else:
                    estimate.capacity = max(estimate.capacity, WIDE * best)
                estimate.layer, estimate.changed_at, estimate.calm_since = layer, now, now
        if self._estimates and all(estimate.layer == SMALL for estimate in self._estimates.values()):
            for estimate in self._estimates.values():  # no viewer is left whose quality it would lower
                estimate.layer, estimate.changed_at = MAIN, now
        return {viewer: estimate.layer for viewer, estimate in self._estimates.items()}

    def plan(self, layers: Iterable[int], now: float) -> dict[int, LayerSettings]:
        """The settings of each of ``layers``."""
        return {layer: self._settings(layer, now) for layer in sorted(layers)}

    def _layer_of(self, estimate: BandwidthEstimate, best: float, alone: bool, now: float) -> int:
        if alone:
            return MAIN
        if estimate.needs_key_frames:
            return SMALL
        if estimate.layer == SMALL:
            calm = now - max(estimate.calm_since, estimate.changed_at) >= estimate.retry_after
            return MAIN if calm else SMALL
        return SMALL if estimate.capacity < NARROW * best else MAIN

    def _settings(self, layer: int, now: float) -> LayerSettings:
        share, scale = (1.0, 1.0) if layer == MAIN else (SMALL_SHARE, SMALL_SCALE)
        full = self._limit * share
        carried = [estimate.capacity for estimate in self._estimates.values() if estimate.layer == layer]
        bit_rate = max(min(FLOOR, full), min([full, *carried]))
        return self._levels[layer].settings(bit_rate, full, self.frame_rate, scale, now)
