"""Who waits for a flight to end."""

from __future__ import annotations

from collections.abc import Callable


class FlightWatch:
    """One flight at a time: tells whoever started it whether it arrived. Used by the draw thread only.

    Attributes:
        ends_at: when the flight should be over, in the draw thread's clock.
    """

    def __init__(self) -> None:
        self._tell: Callable[[bool], None] | None = None
        self.ends_at = 0.0

    @property
    def awaited(self) -> bool:
        return self._tell is not None

    def started(self, ends_at: float, tell: Callable[[bool], None]) -> None:
        """A flight was started; one that was under way has lost the camera."""
        self.ended(arrived=False)
        self._tell, self.ends_at = tell, ends_at

    def ended(self, *, arrived: bool) -> None:
        """The flight is over, if there was one."""
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(arrived)
