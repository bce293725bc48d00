"""How many pictures per second to draw while nobody has chosen: 60 where the machine can afford that, else 30.

Pure arithmetic: no I/O, no clock. The draw thread adds up what pictures cost (:class:`LoadMeter`), the event loop draws
its conclusions (:class:`AutomaticRate`). Times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

STEADY_RATE = 30
SMOOTH_RATE = 60
AFFORDABLE, TOO_MUCH = 0.5, 0.6
"""Parts of one processor core: the smooth rate is tried where it should need no more than the first of the whole
process, and given up where it needs more than the second."""
ROOM = 0.8
"""The smooth rate is tried when the draw thread needs no more than this part of the time between two pictures."""
BEHIND = 0.25
"""Above this part of pictures drawn too late, drawing does not keep up."""
DENSE, SPARSE = 0.85, 0.6
"""Parts of a rate: the smooth one is tried where pictures come at more than the first of the steady one, since an
encoder shares its bits out among as many as it was told of, and left where fewer than the second of it are needed."""
CALM, LONGEST_CALM = 1.0, 60.0
"""Seconds of motion, all of it cheap, before the smooth rate is tried; twice as long after each time that failed."""
PROVEN = 10.0
"""Seconds of motion at the smooth rate after which earlier failures are forgotten."""
REVIEW = 0.25
"""Seconds of motion between two looks at what it costs."""
REST = 0.1
"""Pictures further apart than this, in seconds, are no motion."""


@dataclass(frozen=True)
class Load:
    """What some pictures cost, or all of them so far.

    Attributes:
        seconds: how long they took to come, the pauses between them included.
        pictures: how many were drawn.
        processor: the process's processor time, on all its threads.
        busy: how long the draw thread drew and encoded, whether it computed or waited.
        missed: pictures drawn so late that the rate was not kept.
    """

    seconds: float = 0.0
    pictures: int = 0
    processor: float = 0.0
    busy: float = 0.0
    missed: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(
            self.seconds + other.seconds,
            self.pictures + other.pictures,
            self.processor + other.processor,
            self.busy + other.busy,
            self.missed + other.missed,
        )

    def since(self, earlier: Load) -> Load:
        """What has come on top of ``earlier``."""
        return Load(
            self.seconds - earlier.seconds,
            self.pictures - earlier.pictures,
            self.processor - earlier.processor,
            self.busy - earlier.busy,
            self.missed - earlier.missed,
        )


class LoadMeter:
    """Adds up what pictures cost while something moves."""

    def __init__(self) -> None:
        self._before = Load()
        self._moved = Load()

    def drew(self, total: Load) -> Load | None:
        """A picture was drawn. ``total``: all costs so far, ``seconds`` being any clock that never goes back.

        The costs of the last :data:`REVIEW` seconds of uninterrupted motion, once they are full.
        """
        part, self._before = total.since(self._before), total
        self._moved = self._moved + part if part.seconds <= REST else Load()
        if self._moved.seconds < REVIEW:
            return None
        moved, self._moved = self._moved, Load()
        return moved


class AutomaticRate:
    """The chooser. It keeps ``rate`` while nothing moves."""

    def __init__(self) -> None:
        self.rate = STEADY_RATE
        self._calm = CALM
        self._lasted = self._sparse = 0.0

    def learn(self, load: Load, *, roads_full: bool) -> None:
        """Something has moved at a cost of ``load``; ``roads_full``: every viewer's road carries the full stream."""
        if self.rate == SMOOTH_RATE:
            self._review(load, roads_full)
        elif roads_full and _cheap(load) and _rate(load) >= DENSE * STEADY_RATE:
            self._lasted += load.seconds
            if self._lasted >= self._calm:
                self._change(SMOOTH_RATE)
        else:
            self._lasted = 0.0

    def step_back(self) -> None:
        """Somebody or something does not keep up with the smooth rate."""
        if self.rate == SMOOTH_RATE:
            self._calm = min(LONGEST_CALM, 2 * self._calm)
            self._change(STEADY_RATE)

    def _review(self, load: Load, roads_full: bool) -> None:
        self._lasted += load.seconds
        if self._lasted >= PROVEN:
            self._calm = CALM
        self._sparse = self._sparse + load.seconds if _rate(load) < SPARSE * SMOOTH_RATE else 0.0
        if _core(load) > TOO_MUCH or _behind(load) or self._sparse >= CALM or not roads_full:
            self.step_back()

    def _change(self, rate: int) -> None:
        self.rate, self._lasted, self._sparse = rate, 0.0, 0.0


def _rate(load: Load) -> float:
    return load.pictures / load.seconds


def _core(load: Load) -> float:
    """The part of one core that pictures like these need at the smooth rate."""
    return load.processor / load.pictures * SMOOTH_RATE


def _cheap(load: Load) -> bool:
    in_time = load.busy / load.pictures * SMOOTH_RATE <= ROOM and not _behind(load)
    return in_time and _core(load) <= AFFORDABLE


def _behind(load: Load) -> bool:
    return load.missed > BEHIND * load.pictures
