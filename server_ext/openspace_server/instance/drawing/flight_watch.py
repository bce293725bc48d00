"""Watch of the current flight: whether it has arrived or was interrupted."""

from __future__ import annotations

from collections.abc import Callable


class FlightWatch:
    """One flight at a time. Used by the draw thread only.

    Attributes:
        ends_at: when the flight should be over, in the draw thread's clock.
    """

    def __init__(self) -> None:
        self._on_end: Callable[[bool], None] | None = None
        self.ends_at = 0.0

    @property
    def is_awaited(self) -> bool:
        return self._on_end is not None

    def start(self, ends_at: float, on_end: Callable[[bool], None]) -> None:
        """A flight was started, which interrupts the one before; ``on_end(has_arrived)`` is called when it is over."""
        self.end(has_arrived=False)
        self._on_end, self.ends_at = on_end, ends_at

    def end(self, *, has_arrived: bool) -> None:
        """The flight is over, if there was one."""
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(has_arrived)
