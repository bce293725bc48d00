"""Pacing of drawing and encoding: at once after a change, never above the frame rate, else not at all.

All times are seconds of one monotonic clock. Nothing here holds pixels or does work.
"""

from __future__ import annotations

import math

KEY_FRAME_INTERVAL = 0.5
"""Seconds between key frames at least, however many viewers request them."""
REFINEMENTS = 12
"""Encodes of the same pixels at most, after motion ended: each sharpens the view at rest."""
SETTLED = 2
"""Refining ends after so many in a row that add next to nothing."""
EARLY = 0.25
"""A frame early by this part of an interval counts as in time: two rates that divide each other stay in step."""
LATE = 0.5
"""A frame late by this part of an interval has missed its turn."""
NEVER = math.inf


class Cadence:
    """A rate that is not exceeded on average. ``interval`` in seconds."""

    def __init__(self, rate: float) -> None:
        self.interval = 1.0 / rate
        self.next = -NEVER

    def hit(self, now: float) -> None:
        """Count one event. One that is a little late does not delay the next, so that the rate holds."""
        late = now - self.next
        self.next = (now if late > LATE * self.interval else self.next) + self.interval


class DrawPacing:
    """The pacing of drawing.

    Attributes:
        change_at: when a new drawing would look different from the last one.
        is_watched: a viewer receives frames.
    """

    def __init__(self, frame_rate: float) -> None:
        self.change_at = -NEVER
        self.is_watched = False
        self._cadence = Cadence(frame_rate)

    @property
    def interval(self) -> float:
        return self._cadence.interval

    def set_rate(self, frame_rate: float) -> None:
        self._cadence.interval = 1.0 / frame_rate

    def on_change(self, when: float) -> None:
        """Something will look different from ``when`` on."""
        self.change_at = min(self.change_at, when)

    def on_drawn(self, now: float, change_at: float) -> None:
        """A frame was drawn, in its turn or between; it stays true until ``change_at``."""
        self.change_at = change_at
        if self._cadence.next <= now:
            self._cadence.hit(now)

    def on_unchanged(self, change_at: float) -> None:
        """The frame drawn last is still true, and stays so until ``change_at``."""
        self.change_at = change_at

    def is_due(self, now: float) -> bool:
        return self.is_watched and self.change_at <= now and self._cadence.next <= now

    def is_late(self, now: float) -> bool:
        """Whether a drawing that is due is too late for the rate to hold."""
        return self.is_watched and now - self.wake_at() > LATE * self.interval

    def wake_at(self) -> float:
        """When the next drawing is due; infinity if none is."""
        return max(self.change_at, self._cadence.next) if self.is_watched else NEVER


class StreamPacing:
    """The pacing of one layer of encoded frames.

    Attributes:
        is_unsent: the last drawn pixels have not been encoded yet.
    """

    def __init__(self, frame_rate: float) -> None:
        self.is_unsent = False
        self._cadence = Cadence(frame_rate)
        self._encoded_at = -NEVER
        self._is_key_requested = False
        self._last_key_at = -NEVER
        self._refinements = 0
        self._slight = 0

    def set_rate(self, frame_rate: float) -> None:
        self._cadence.interval = 1.0 / frame_rate

    def request_key_frame(self) -> None:
        self._is_key_requested = True

    def on_drawn(self) -> None:
        """A new frame was drawn."""
        self.is_unsent = True

    def on_encoded(self, now: float, *, is_key: bool, is_slight: bool) -> None:
        """The last drawn pixels were encoded, for the first time or again; ``is_slight``: into next to nothing."""
        if self.is_unsent:
            self._cadence.hit(now)
        if self.is_unsent or is_key:
            self._refinements, self._slight = REFINEMENTS, 0
        else:
            self._slight = self._slight + 1 if is_slight else 0
            self._refinements = 0 if self._slight >= SETTLED else self._refinements - 1
        self.is_unsent = False
        self._encoded_at = now
        if is_key:
            self._is_key_requested = False
            self._last_key_at = now

    def is_due(self, now: float) -> bool:
        """Whether the last drawn pixels are to be encoded, for the first time or again."""
        return self.wake_at() <= now

    def is_key_frame_due(self, now: float) -> bool:
        """Whether the next frame encoded should be a key frame."""
        return self._is_key_requested and now >= self._last_key_at + KEY_FRAME_INTERVAL

    def wake_at(self) -> float:
        """When the next frame is due; infinity if none is."""
        at = NEVER
        if self.is_unsent:
            at = self._cadence.next - EARLY * self._cadence.interval
        elif self._refinements > 0:
            at = self._encoded_at + self._cadence.interval
        if self._is_key_requested:
            at = min(at, max(self._last_key_at + KEY_FRAME_INTERVAL, self._encoded_at))
        return at
