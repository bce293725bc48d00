"""When to draw and when to encode: at once when something happens, never above the frame rate, else not at all."""

from __future__ import annotations

import math

KEY_FRAME_INTERVAL = 0.5
"""Seconds between key frames at least, however many viewers ask."""
REFINEMENTS = 12
"""Encodes of the same pixels at most, after motion ended: each sharpens the still picture."""
SETTLED = 2
"""So many in a row that add next to nothing are the last."""
NEVER = math.inf


class Pacing:
    """The clockwork of the draw thread; all times are seconds of one monotonic clock. Holds no pixels, does no work.

    Attributes:
        interval: seconds between pictures at least.
        change_at: when a new drawing would look different from the last one.
        watched: somebody receives the encoded pictures.
        unsent: the last drawn pixels have not been encoded yet.
    """

    def __init__(self, frame_rate: int) -> None:
        self.interval = 1.0 / frame_rate
        self.change_at = -NEVER
        self.watched = False
        self.unsent = False
        self._next_new = -NEVER
        self._encoded_at = -NEVER
        self._key_wanted = False
        self._last_key = -NEVER
        self._refinements = 0
        self._slight = 0

    def changed(self, when: float) -> None:
        """Something will look different from ``when`` on."""
        self.change_at = min(self.change_at, when)

    def want_key(self) -> None:
        self._key_wanted = True

    def drew(self, change_at: float) -> None:
        """A picture was drawn; it stays true until ``change_at``."""
        self.change_at = change_at
        self.unsent = True

    def encoded(self, now: float, *, key: bool, slight: bool) -> None:
        """The last drawn pixels were encoded, for the first time or again; ``slight``: into next to nothing."""
        if self.unsent:
            late = now - self._next_new
            # A picture a little late does not delay those after it, so that the rate holds.
            self._next_new = (now if late > self.interval / 2 else self._next_new) + self.interval
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

    def draw_due(self, now: float) -> bool:
        return self.watched and self.change_at <= now and self._next_new <= now

    def encode_due(self, now: float) -> bool:
        """Pixels that are there already should go out, for the first time or again."""
        return self.watched and self._encode_at() <= now

    def key_due(self, now: float) -> bool:
        """The next picture encoded should be a key frame."""
        return self._key_wanted and now >= self._last_key + KEY_FRAME_INTERVAL

    def wake_at(self) -> float:
        """When the next thing is due; infinity if nothing is."""
        if not self.watched:
            return NEVER
        return min(max(self.change_at, self._next_new), self._encode_at())

    def _encode_at(self) -> float:
        at = NEVER
        if self.unsent:
            at = self._next_new
        elif self._refinements > 0:
            at = self._encoded_at + self.interval
        if self._key_wanted:
            at = min(at, max(self._last_key + KEY_FRAME_INTERVAL, self._encoded_at))
        return at
