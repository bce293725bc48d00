"""The live view, and its suspension for stills.

OpenSpace has one window, one clock and one camera, and stills need all three. Meanwhile viewers keep the last live
frame; then everything is restored.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.api.navigation import Navigation, ViewState

Size = tuple[int, int]


@dataclass(frozen=True)
class SavedView:
    """The live view as it was at ``since`` (:func:`time.monotonic`); ``rate`` in simulated seconds per second."""

    state: ViewState
    rate: float
    size: Size
    since: float

    def now(self) -> ViewState:
        """The live view's state by now, had it not been suspended."""
        if self.state.paused or not self.rate:
            return self.state
        try:
            gone = timedelta(seconds=(time.monotonic() - self.since) * self.rate)
            there = datetime.fromisoformat(self.state.time) + gone
        except (OverflowError, ValueError):
            return self.state
        return replace(self.state, time=there.isoformat(timespec="milliseconds"))


class LiveView:
    """Suspends and restores the live view; draw thread only. ``resize`` changes the window's size.

    Attributes:
        saved: what to restore; None while the window shows the live view.
    """

    def __init__(self, navigation: Navigation, resize: Callable[[Size], None]) -> None:
        self._navigation = navigation
        self._resize = resize
        self._size: Size = (0, 0)
        self.saved: SavedView | None = None

    def suspend(self, size: Size, rate: float) -> SavedView:
        """Save the live view, which has ``size`` and ``rate``, unless that has been done."""
        if self.saved is None:
            self._size = size
            self.saved = SavedView(self._navigation.view_state(), rate, size, time.monotonic())
        return self.saved

    def resize(self, size: Size) -> None:
        """Resize the window. Raises EngineError where that is impossible."""
        if size != self._size:
            self._resize(size)
            self._size = size

    def show(self, state: ViewState) -> None:
        """Show ``state``, and return when it has been drawn. Raises EngineError."""
        self._navigation.set_view_state(state)
        self._navigation.wait_frame()

    def restore(self) -> ViewState | None:
        """Show the live view again, as if it had never been suspended; returns its state, None if it was not.

        Raises EngineError if some of it failed; the rest has been restored then.
        """
        saved, self.saved = self.saved, None
        if saved is None:
            return None
        problem: EngineError | None = None
        try:
            self.resize(saved.size)
        except EngineError as error:
            problem = error
        state = saved.now()
        self.show(state)
        if problem is not None:
            raise problem
        return state
