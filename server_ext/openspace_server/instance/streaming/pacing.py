"""When to draw and when to encode: at once when something happens, never above the frame rate, else not at all.

All times are seconds of one monotonic clock. Nothing here holds pixels or does work.
"""

from __future__ import annotations

import math

KEY_FRAME_INTERVAL = 0.5
"""Seconds between key frames at least, however many viewers ask."""
REFINEMENTS = 12
"""Encodes of the same pixels at most, after motion ended: each sharpens the still picture."""
SETTLED = 2
"""So many in a row that add next to nothing are the last."""
EARLY = 0.25
"""A picture this part of an interval early counts as in time: two rates that divide each other stay in step."""
LATE = 0.5
"""A picture this part of an interval late has missed its turn."""
NEVER = math.inf


class Beat:
    """A rate that is not exceeded on average. ``interval`` in seconds."""

    def __init__(self, rate: float) -> None:
        self.interval = 1.0 / rate
        self.next = -NEVER

    def hit(self, now: float) -> None:
        """It happened. A little late does not delay what comes after, so that the rate holds."""
        late = now - self.next
        self.next = (now if late > LATE * self.interval else self.next) + self.interval


class DrawPacing:
    """The clockwork of drawing.

    Attributes:
        change_at: when a new drawing would look different from the last one.
        watched: somebody receives pictures.
    """

    def __init__(self, frame_rate: float) -> None:
        self.change_at = -NEVER
        self.watched = False
        self._beat = Beat(frame_rate)

    @property
    def interval(self) -> float:
        return self._beat.interval

    def set_rate(self, frame_rate: float) -> None:
        self._beat.interval = 1.0 / frame_rate

    def changed(self, when: float) -> None:
        """Something will look different from ``when`` on."""
        self.change_at = min(self.change_at, when)

    def drew(self, now: float, change_at: float) -> None:
        """A picture was drawn, in its turn or between; it stays true until ``change_at``."""
        self.change_at = change_at
        if self._beat.next <= now:
            self._beat.hit(now)

    def looked(self, change_at: float) -> None:
        """The picture is still the one that was drawn last, and stays so until ``change_at``."""
        self.change_at = change_at

    def due(self, now: float) -> bool:
        return self.watched and self.change_at <= now and self._beat.next <= now

    def missed(self, now: float) -> bool:
        """Whether a drawing that is due comes too late for the rate to hold."""
        return self.watched and now - self.wake_at() > LATE * self.interval

    def wake_at(self) -> float:
        """When the next drawing is due; infinity if none is."""
        return max(self.change_at, self._beat.next) if self.watched else NEVER


class StreamPacing:
    """The clockwork of one stream of encoded pictures.

    Attributes:
        unsent: the last drawn pixels have not been encoded yet.
    """

    def __init__(self, frame_rate: float) -> None:
        self.unsent = False
        self._beat = Beat(frame_rate)
        self._encoded_at = -NEVER
        self._key_wanted = False
        self._last_key = -NEVER
        self._refinements = 0
        self._slight = 0

    def set_rate(self, frame_rate: float) -> None:
        self._beat.interval = 1.0 / frame_rate

    def want_key(self) -> None:
        self._key_wanted = True

    def drew(self) -> None:
        """There are new pixels."""
        self.unsent = True

    def encoded(self, now: float, *, key: bool, slight: bool) -> None:
        """The last drawn pixels were encoded, for the first time or again; ``slight``: into next to nothing."""
        if self.unsent:
            self._beat.hit(now)
        if self.unsent or key:
            self._refinements, self._slight = REFINEMENTS, 0
        else:
            self._slight = self._slight + 1 if slight else 0
            self._refinements = 0 if self._slight >= SETTLED else self._refinements - 1
        self.unsent = False
        self._encoded_at = now
        if key:
            self._key_wanted = False
            self._last_key = now

    def due(self, now: float) -> bool:
        """Pixels that are there already should go out, for the first time or again."""
        return self.wake_at() <= now

    def key_due(self, now: float) -> bool:
        """The next picture encoded should be a key frame."""
        return self._key_wanted and now >= self._last_key + KEY_FRAME_INTERVAL

    def wake_at(self) -> float:
        """When the next picture is due; infinity if none is."""
        at = NEVER
        if self.unsent:
            at = self._beat.next - EARLY * self._beat.interval
        elif self._refinements > 0:
            at = self._encoded_at + self._beat.interval
        if self._key_wanted:
            at = min(at, max(self._last_key + KEY_FRAME_INTERVAL, self._encoded_at))
        return at
