"""A real X window that shows arrays."""

from __future__ import annotations

import numpy as np
from Xlib import X
from Xlib.display import Display

from tests.engines.openspace.double.shared_image import SharedImage


class Window:
    """A window of the display that the environment names."""

    def __init__(self, name: str, width: int, height: int) -> None:
        self._display = Display()
        screen = self._display.screen()
        self._window = screen.root.create_window(
            0, 0, width, height, 0, screen.root_depth, background_pixel=screen.black_pixel,
            event_mask=X.StructureNotifyMask,
        )  # fmt: skip
        self._window.set_wm_name(name)
        self._window.map()
        self._depth = screen.root_depth
        self._image: SharedImage | None = None
        self.size = (width, height)
        self._display.sync()

    def clear(self) -> None:
        """The loading screen."""
        self._window.clear_area()
        self._display.sync()

    def resized(self) -> tuple[int, int] | None:
        """The new size if the window was resized since the last call."""
        before = self.size
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == X.ConfigureNotify:
                self.size = (event.width, event.height)
        return self.size if self.size != before else None

    def show(self, pixels: np.ndarray) -> None:
        """Show BGRA ``(height, width, 4)``, all at once."""
        height, width = pixels.shape[:2]
        if self._image is None or self._image.size != (width, height):
            if self._image is not None:
                self._image.close()
            self._image = SharedImage(self._window.id, width, height, self._depth)
        self._image.show(pixels)
