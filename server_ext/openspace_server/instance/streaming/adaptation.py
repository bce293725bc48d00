"""How good a picture each viewer's road can carry, learnt from what it reports. Pure arithmetic: no I/O, no clock.

Bit rates in bit/s, times in seconds of one monotonic clock.

Each viewer has a :class:`Road` whose capacity falls at once when pictures queue up or get lost in numbers, and grows
back slowly. Viewers share two streams: those whose road is clearly narrower than the best one, or that need key
frames all the time, get the small one, so that they cost the others nothing. A stream first loses bits, then every
second picture, then pixels, and gets them back in the opposite order (:class:`Ladder`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from openspace_server.instance.streaming.layers import MAIN, SMALL, RungSettings

FLOOR = 150_000
LOST = 0.15
"""Loss above this part means a full road; below, it may as well be a bad one, which fewer bits do not mend."""
CLEAN = 0.02
"""Loss below this part does not keep the capacity from growing."""
QUEUE = 0.12
"""A round trip longer than the shortest by this much, in seconds, means that pictures wait somewhere."""
ARRIVED = 0.75
"""Less than this part of what was sent arrives: the rest waits somewhere, too."""
COLLAPSED = 0.4
"""Less than this part arrives of what has been sent for a while: that proves at once that the road is full."""
DECREASE = 0.7
MARGIN = 0.85
"""Of what was seen to arrive, this part is sent."""
PATIENCE = 0.4
DEEP_PATIENCE = 0.8
"""Seconds after a decrease before the next, and after one by more than half: it has to be felt first."""
SLOW_GROWTH, FAST_GROWTH = 1.08, 1.6
"""Per second, near where it last was too much, and elsewhere."""
FORGOTTEN = 6.0
"""Seconds after which it is forgotten where it was too much."""
SILENT = 1.5
"""A viewer that used to report and is silent so long gets less."""

NARROW, WIDE = 0.6, 0.85
"""Parts of the best capacity: below the first a viewer gets the small stream, with the second it comes back."""
RETRY, LONGEST_RETRY = 10.0, 160.0
"""A viewer of the small stream tries the main one after so many calm seconds, later and later if it fails."""
FAILED_WITHIN = 8.0
SMALL_SCALE = 0.5
SMALL_SHARE = 0.35
"""The small stream's largest part of the bit rate."""

LEVELS = ((0.25, 1, 1.0), (0.12, 2, 1.0), (0.07, 2, 0.75), (0.0, 2, 0.5))
"""From which part of the full bit rate: only every n-th picture, and the sides times what."""
UP_FACTOR = 1.3
UP_AFTER = 2.0
"""A better level is taken when the bit rate is above its threshold by this factor for so many seconds."""
SUDDEN = 0.3
"""A fall to less than this part at once goes to the last level, from which the way up begins."""
LEAST_FRAME_RATE = 12
GRAIN = 10_000
"""Bit rates are multiples of this: smaller changes are not worth telling an encoder."""


@dataclass(frozen=True)
class Sample:
    """What is known of a viewer's last fraction of a second; None for what is not known.

    Attributes:
        loss: part of the packets that did not arrive.
        round_trip: seconds.
        sent, arrived: bit/s.
        overloaded: the viewer cannot decode or take what arrives.
    """

    sent: float
    loss: float = 0.0
    round_trip: float | None = None
    arrived: float | None = None
    overloaded: bool = False


class Road:
    """One viewer's capacity."""

    def __init__(self, capacity: float, now: float) -> None:
        self.capacity = capacity
        self.troubled = False
        """Needs key frames all the time."""
        self.rung = MAIN
        self.calm_since = now
        self.changed_at = now
        self.retry_after = RETRY
        self._sampled_at: float | None = None
        self._reduced_at = now - FORGOTTEN
        self._too_much = 0.0
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
        if self._is_full(sample):
            self.calm_since = now
            if now - self._reduced_at >= self._patience:
                self._reduce(sample.arrived, sample.sent, now)
        elif sample.loss < CLEAN and sample.sent > 0.4 * self.capacity:
            near = self._too_much and now - self._reduced_at < FORGOTTEN and self.capacity > 0.7 * self._too_much
            growth = SLOW_GROWTH if near else FAST_GROWTH
            self.capacity = min(limit, self.capacity * growth**passed)

    def tick(self, now: float, sending: bool) -> None:
        """Time has passed; ``sending``: pictures are being sent to this viewer."""
        if sending and self._sampled_at is not None and now - self._sampled_at > SILENT:
            self.calm_since = self._sampled_at = now
            self._reduce(None, 0.0, now)

    def _is_full(self, sample: Sample) -> bool:
        waits = False
        if sample.round_trip is not None and sample.round_trip != self._measured:  # browsers measure every few seconds
            self._measured = sample.round_trip
            before = self._round_trip if self._round_trip is not None else sample.round_trip
            self._round_trip = before + 0.5 * (sample.round_trip - before)
            shortest = self._shortest if self._shortest is not None else self._round_trip
            self._shortest = min(shortest * 1.005, self._round_trip)
            waits = self._round_trip > self._shortest + QUEUE
        missing = sample.arrived is not None and sample.sent > FLOOR / 2 and sample.arrived < ARRIVED * sample.sent
        # What was sent last may still be on its way when the report was made: once proves nothing, unless nearly as
        # much was sent before and hardly anything has come.
        self._missing = self._missing + 1 if missing else 0
        steady, self._sent_before = self._sent_before > 0.5 * sample.sent, sample.sent
        collapsed = missing and steady and sample.arrived is not None and sample.arrived < COLLAPSED * sample.sent
        lost = sample.loss > LOST or self._missing > 1 or collapsed
        return lost or sample.overloaded or (waits and sample.sent > FLOOR / 4)

    def _reduce(self, arrived: float | None, sent: float, now: float) -> None:
        self._too_much, self._reduced_at = min(self.capacity, arrived or self.capacity), now
        reduced = self.capacity * DECREASE
        if arrived is not None and sent > 0.4 * self.capacity:
            reduced = min(reduced, arrived * MARGIN)
        self._patience = PATIENCE if reduced > self.capacity / 2 else DEEP_PATIENCE
        self.capacity = max(FLOOR, reduced)


class Ladder:
    """One stream's level: down at once, up after a while."""

    def __init__(self) -> None:
        self._level = 0
        self._part = 1.0
        self._above_since: float | None = None

    @property
    def at_top(self) -> bool:
        return self._level == 0

    def settings(self, bit_rate: float, full: float, frame_rate: int, scale: float, now: float) -> RungSettings:
        """What to make of ``bit_rate`` if ``full`` carries ``frame_rate`` at ``scale``."""
        part = bit_rate / full
        if part < SUDDEN * self._part and part < LEVELS[0][0]:
            # The key frame that shows the way out has to pass a road that is full: the smaller the sooner.
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
        return RungSettings(round(bit_rate / GRAIN) * GRAIN, rate, scale * shrink)


class Adaptation:
    """All viewers' roads, and what the streams should be, at ``frame_rate`` pictures per second at most."""

    def __init__(self, bit_rate: int, frame_rate: int) -> None:
        self._limit = bit_rate
        self.frame_rate = frame_rate
        self._roads: dict[object, Road] = {}
        self._ladders = {MAIN: Ladder(), SMALL: Ladder()}

    def limit(self, bit_rate: int, frame_rate: int) -> None:
        """What the picture's settings allow; a viewer that was at the limit is at the new one, too."""
        for road in self._roads.values():
            if road.capacity >= self._limit:
                road.capacity = bit_rate
        self._limit, self.frame_rate = bit_rate, frame_rate

    def road(self, viewer: object, now: float) -> Road:
        if viewer not in self._roads:
            self._roads[viewer] = Road(self._limit, now)
        return self._roads[viewer]

    @property
    def full(self) -> bool:
        """Whether everybody gets the main stream, and that all pictures and pixels."""
        return self._ladders[MAIN].at_top and all(road.rung == MAIN for road in self._roads.values())

    @property
    def viewers(self) -> set[object]:
        return set(self._roads)

    def forget(self, viewer: object) -> None:
        self._roads.pop(viewer, None)

    def sample(self, viewer: object, sample: Sample, now: float) -> None:
        self.road(viewer, now).sample(sample, now, self._limit)

    def assign(self, now: float) -> dict[object, int]:
        """Which stream each viewer should get."""
        best = max((min(self._limit, road.capacity) for road in self._roads.values()), default=0.0)
        alone = len(self._roads) == 1
        for road in self._roads.values():
            wanted = self._wanted(road, best, alone, now)
            if wanted != road.rung:
                if wanted == SMALL:
                    failed = now - road.changed_at < FAILED_WITHIN
                    road.retry_after = min(LONGEST_RETRY, 2 * road.retry_after) if failed else RETRY
                else:
                    road.capacity = max(road.capacity, WIDE * best)
                road.rung, road.changed_at, road.calm_since = wanted, now, now
        if self._roads and all(road.rung == SMALL for road in self._roads.values()):
            for road in self._roads.values():  # nobody is left to be spared
                road.rung, road.changed_at = MAIN, now
        return {viewer: road.rung for viewer, road in self._roads.items()}

    def plan(self, rungs: Iterable[int], now: float) -> dict[int, RungSettings]:
        """What each of the streams ``rungs`` should be made like."""
        return {rung: self._settings(rung, now) for rung in sorted(rungs)}

    def _wanted(self, road: Road, best: float, alone: bool, now: float) -> int:
        if alone:
            return MAIN
        if road.troubled:
            return SMALL
        if road.rung == SMALL:
            calm = now - max(road.calm_since, road.changed_at) >= road.retry_after
            return MAIN if calm else SMALL
        return SMALL if road.capacity < NARROW * best else MAIN

    def _settings(self, rung: int, now: float) -> RungSettings:
        share, scale = (1.0, 1.0) if rung == MAIN else (SMALL_SHARE, SMALL_SCALE)
        full = self._limit * share
        carried = [road.capacity for road in self._roads.values() if road.rung == rung]
        bit_rate = max(min(FLOOR, full), min([full, *carried]))
        return self._ladders[rung].settings(bit_rate, full, self.frame_rate, scale, now)
