"""The automatic frame rate while none is chosen: 60 where the machine can afford that, else 30. No I/O, no clock.

The draw thread adds up the cost of frames (:class:`LoadMeter`), the event loop chooses the rate from it
(:class:`AutomaticRate`). Times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

STEADY_RATE = 30
SMOOTH_RATE = 60
AFFORDABLE, TOO_MUCH = 0.5, 0.6
"""Parts of one processor core: the smooth rate is tried where it should need no more than the first of the whole
process, and given up where it needs more than the second."""
ROOM = 0.8
"""The smooth rate is tried when the draw thread needs no more than this part of the time between two frames."""
BEHIND = 0.25
"""Above this part of frames drawn too late, drawing does not keep up."""
DENSE, SPARSE = 0.85, 0.6
"""Parts of a rate: the smooth one is tried where frames come at more than the first of the steady one, since an
encoder divides its bits among as many as it is configured for, and left
where fewer than the second of it are needed."""
CALM, LONGEST_CALM = 1.0, 60.0
"""Seconds of motion, all of it cheap, before the smooth rate is tried; twice as long after each time that failed."""
PROVEN = 10.0
"""Seconds of motion at the smooth rate after which earlier failures are forgotten."""
REVIEW = 0.25
"""Seconds of motion between two looks at what it costs."""
REST = 0.1
"""Frames further apart than this, in seconds, are no motion."""


@dataclass(frozen=True)
class Load:
    """The cost of some frames, or of all so far.

    Attributes:
        seconds: from before the first to the last, the pauses between them included.
        frames: number drawn.
        processor: the process's processor time, on all its threads.
        busy: time that the draw thread drew and encoded, computing or waiting.
        missed: frames drawn so late that the rate was not kept.
    """

    seconds: float = 0.0
    frames: int = 0
    processor: float = 0.0
    busy: float = 0.0
    missed: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(
            self.seconds + other.seconds,
            self.frames + other.frames,
            self.processor + other.processor,
            self.busy + other.busy,
            self.missed + other.missed,
        )

    def since(self, earlier: Load) -> Load:
        """The cost added since ``earlier``."""
        return Load(
            self.seconds - earlier.seconds,
            self.frames - earlier.frames,
            self.processor - earlier.processor,
            self.busy - earlier.busy,
            self.missed - earlier.missed,
        )


class LoadMeter:
    """Adds up the cost of frames while something moves."""

    def __init__(self) -> None:
        self._before = Load()
        self._moved = Load()

    def on_drawn(self, total: Load) -> Load | None:
        """A frame was drawn. ``total``: all costs so far, ``seconds`` being any clock that never goes back.

        The costs of the last :data:`REVIEW` seconds of uninterrupted motion, once they are full.
        """
        part, self._before = total.since(self._before), total
        self._moved = self._moved + part if part.seconds <= REST else Load()
        if self._moved.seconds < REVIEW:
            return None
        moved, self._moved = self._moved, Load()
        return moved


class AutomaticRate:
    """Chooses ``rate``, which stays while nothing moves."""

    def __init__(self) -> None:
        self.rate = STEADY_RATE
        self._calm = CALM
        self._lasted = self._sparse = 0.0

    def learn(self, load: Load, *, is_full_quality: bool) -> None:
        """Something has moved at a cost of ``load``; ``is_full_quality``: every viewer gets the full stream."""
        if self.rate == SMOOTH_RATE:
            self._review(load, is_full_quality)
        elif is_full_quality and _is_cheap(load) and _rate(load) >= DENSE * STEADY_RATE:
            self._lasted += load.seconds
            if self._lasted >= self._calm:
                self._change(SMOOTH_RATE)
        else:
            self._lasted = 0.0

    def step_back(self) -> None:
        """A viewer or the machine does not keep up with the smooth rate."""
        if self.rate == SMOOTH_RATE:
            self._calm = min(LONGEST_CALM, 2 * self._calm)
            self._change(STEADY_RATE)

    def _review(self, load: Load, is_full_quality: bool) -> None:
        self._lasted += load.seconds
        if self._lasted >= PROVEN:
            self._calm = CALM
        self._sparse = self._sparse + load.seconds if _rate(load) < SPARSE * SMOOTH_RATE else 0.0
        if _core_part(load) > TOO_MUCH or _is_behind(load) or self._sparse >= CALM or not is_full_quality:
            self.step_back()

    def _change(self, rate: int) -> None:
        self.rate, self._lasted, self._sparse = rate, 0.0, 0.0


def _rate(load: Load) -> float:
    return load.frames / load.seconds


def _core_part(load: Load) -> float:
    """The part of one core that frames like these need at the smooth rate."""
    return load.processor / load.frames * SMOOTH_RATE


def _is_cheap(load: Load) -> bool:
    is_in_time = load.busy / load.frames * SMOOTH_RATE <= ROOM and not _is_behind(load)
    return is_in_time and _core_part(load) <= AFFORDABLE


def _is_behind(load: Load) -> bool:
    return load.missed > BEHIND * load.frames
