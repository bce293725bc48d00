"""OpenSpace's window on an X display: position, size, and changes of its content."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import damage

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.window.screen_grabber import WindowRect

RESIZE_TIMEOUT = 2.0
POLL = 0.02


class XWindow:
    """The largest window called ``name`` on ``display``. ``on_damage`` is called, on its own thread, at each change."""

    def __init__(self, display: str, name: str, on_damage: Callable[[], None]) -> None:
        self._name = name
        self._on_damage = on_damage
        try:
            self._display = Display(display)
        except (DisplayError, OSError) as problem:
            raise EngineError(f"the display {display} cannot be used: {problem}") from None
        self._window: Any = None
        self._watching: threading.Thread | None = None

    def find(self) -> bool:
        """Whether the window is there; from then on it is watched."""
        found = [window for window in _all(self._display.screen().root) if self._is_ours(window)]
        if not found:
            return False
        self._window = max(found, key=lambda window: window.get_geometry().width)
        return True

    @property
    def rect(self) -> WindowRect:
        """Raises EngineError if the window is gone."""
        try:
            shape = self._window.get_geometry()
            corner = self._window.translate_coords(self._display.screen().root, 0, 0)
        except (XError, ConnectionClosedError, OSError) as problem:
            raise EngineError(f"OpenSpace's window is gone: {problem}") from None
        # translate_coords returns the root's corner relative to the window.
        return WindowRect(-corner.x, -corner.y, shape.width, shape.height)

    @property
    def screen(self) -> tuple[int, int]:
        """The display's size in pixels."""
        screen = self._display.screen()
        return screen.width_in_pixels, screen.height_in_pixels

    def resize(self, width: int, height: int) -> None:
        """Make the window's inside ``width`` x ``height``. Raises EngineError where that is impossible."""
        most = self.screen
        if width > most[0] or height > most[1]:
            raise EngineError(
                f"{width} x {height} does not fit on OpenSpace's display, which has {most[0]} x {most[1]} pixels"
            )
        before = self.rect
        try:
            self._window.configure(x=0, y=0, width=width, height=height)
            self._display.sync()
        except (XError, ConnectionClosedError, OSError) as problem:
            raise EngineError(f"OpenSpace's window cannot be resized: {problem}") from None
        end = time.monotonic() + RESIZE_TIMEOUT
        while (self.rect.width, self.rect.height) != (width, height):
            if time.monotonic() > end:
                raise EngineError(
                    f"this OpenSpace keeps its window at {before.width} x {before.height}: its size is set at the start"
                )
            time.sleep(POLL)

    def watch(self, name: str) -> bool:
        """Begin to report changes; False if the display does not report them."""
        try:
            watching = Display(name)
            if not watching.has_extension("DAMAGE"):
                watching.close()
                return False
            watching.damage_query_version()
            window = watching.create_resource_object("window", self._window.id)
            handle = window.damage_create(damage.DamageReportNonEmpty)
            watching.sync()
        except (XError, DisplayError, OSError):
            return False
        self._watching = threading.Thread(target=self._watch, args=(watching, handle), name="damage", daemon=True)
        self._watching.start()
        return True

    def close(self) -> None:
        """Forget the display; the watching thread ends with it or with its window."""
        with contextlib.suppress(ConnectionClosedError, OSError):
            self._display.close()

    def _watch(self, display: Any, handle: int) -> None:
        try:
            while True:
                event = display.next_event()
                if event.type == display.extension_event.DamageNotify:
                    display.damage_subtract(handle)
                    display.sync()  # what is painted after this is reported again; what was painted before is captured
                    self._on_damage()
        except (ConnectionClosedError, OSError):
            return

    def _is_ours(self, window: Any) -> bool:
        try:
            if window.get_attributes().map_state != X.IsViewable:
                return False
            return str(window.get_wm_name() or "").startswith(self._name)
        except XError:
            return False  # it has just gone


def _all(window: Any) -> list[Any]:
    try:
        children = window.query_tree().children
    except XError:
        return []
    return [each for child in children for each in (child, *_all(child))]
