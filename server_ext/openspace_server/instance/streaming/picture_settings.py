"""What the picture should be: its size, who decides it, and the rates of the stream."""

from __future__ import annotations

from dataclasses import dataclass, replace

from openspace_server.protocols.limits import MAX_BIT_RATE, MIN_BIT_RATE

_BITS_PER_PIXEL = 4_000_000 / (1280 * 720)


@dataclass(frozen=True)
class PictureSettings:
    """Size in pixels, frames per second, bits per second; None for what nobody has chosen.

    Attributes:
        following: views decide the size by telling their own; ends when somebody sets one explicitly.
        chosen_frame_rate: the most per second; None: as many as the machine can afford (``automatic_rate.py``).
        chosen_bit_rate: bit/s, None to follow the size (4 Mbit/s at 1280x720).
    """

    width: int
    height: int
    chosen_frame_rate: int | None = None
    chosen_bit_rate: int | None = None
    following: bool = True

    @property
    def bit_rate(self) -> int:
        if self.chosen_bit_rate is not None:
            return self.chosen_bit_rate
        return max(MIN_BIT_RATE, min(MAX_BIT_RATE, round(self.width * self.height * _BITS_PER_PIXEL)))

    def sized(self, width: int, height: int, *, follow: bool) -> PictureSettings:
        """With the new size; a view that follows is not heard after somebody else decided."""
        if follow and not self.following:
            return self
        return replace(self, width=width, height=height, following=follow)
