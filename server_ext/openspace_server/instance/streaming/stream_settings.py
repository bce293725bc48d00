"""Settings of the live stream: frame size, frame rate and bit rate, and whether views choose the size."""

from __future__ import annotations

from dataclasses import dataclass, replace

from openspace_server.protocols.limits import MAX_BIT_RATE, MIN_BIT_RATE

_BITS_PER_PIXEL = 4_000_000 / (1280 * 720)


@dataclass(frozen=True)
class StreamSettings:
    """Size in pixels, frames per second, bits per second; None for what is not chosen.

    Attributes:
        is_following: the largest view decides the size; ends when a size is set explicitly.
        chosen_frame_rate: frames per second at most; None: as many as the machine can afford (``automatic_rate.py``).
        chosen_bit_rate: bit/s, None to follow the size (4 Mbit/s at 1280x720).
    """

    width: int
    height: int
    chosen_frame_rate: int | None = None
    chosen_bit_rate: int | None = None
    is_following: bool = True

    @property
    def bit_rate(self) -> int:
        if self.chosen_bit_rate is not None:
            return self.chosen_bit_rate
        return max(MIN_BIT_RATE, min(MAX_BIT_RATE, round(self.width * self.height * _BITS_PER_PIXEL)))

    def sized(self, width: int, height: int, *, follow: bool) -> StreamSettings:
        """With the new size; ``follow``: of a view, ignored once a size was set explicitly."""
        if follow and not self.is_following:
            return self
        return replace(self, width=width, height=height, is_following=follow)
