"""The live picture put aside: OpenSpace has one window, one clock and one camera, and stills need all three.

While they are used for something else, whoever watches keeps the last live picture; then everything is put back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.api.navigation import Pilot, Shown

Size = tuple[int, int]


@dataclass(frozen=True)
class Live:
    """The live picture as it was at ``since`` (:func:`time.monotonic`), ``rate`` in simulated seconds per second."""

    shown: Shown
    rate: float
    size: Size
    since: float

    def now(self) -> Shown:
        """What would be shown by now, had nothing been asked."""
        if self.shown.paused or not self.rate:
            return self.shown
        try:
            gone = timedelta(seconds=(time.monotonic() - self.since) * self.rate)
            there = datetime.fromisoformat(self.shown.time) + gone
        except (OverflowError, ValueError):
            return self.shown
        return replace(self.shown, time=there.isoformat(timespec="milliseconds"))


class Aside:
    """On the draw thread. ``resize`` makes the window another size.

    Attributes:
        live: what to put back; None while the window shows the live picture.
    """

    def __init__(self, pilot: Pilot, resize: Callable[[Size], None]) -> None:
        self._pilot = pilot
        self._resize = resize
        self._size: Size = (0, 0)
        self.live: Live | None = None

    def put(self, size: Size, rate: float) -> Live:
        """Remember the live picture, which has ``size`` and ``rate``, unless that has been done."""
        if self.live is None:
            self._size = size
            self.live = Live(self._pilot.shown(), rate, size, time.monotonic())
        return self.live

    def resize(self, size: Size) -> None:
        """Make the window this size. Raises EngineError where that cannot be."""
        if size != self._size:
            self._resize(size)
            self._size = size

    def show(self, what: Shown) -> None:
        """Show that, and return when it has been drawn. Raises EngineError."""
        self._pilot.show(what)
        self._pilot.wait_frame()

    def put_back(self) -> Shown | None:
        """Show the live picture again, as if nothing had been asked; what it shows, None if it did already.

        Raises EngineError if some of it failed; the rest has been put back then.
        """
        live, self.live = self.live, None
        if live is None:
            return None
        problem: EngineError | None = None
        try:
            self.resize(live.size)
        except EngineError as error:
            problem = error
        shown = live.now()
        self.show(shown)
        if problem is not None:
            raise problem
        return shown
