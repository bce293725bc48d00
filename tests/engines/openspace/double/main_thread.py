"""OpenSpace's main loop: messages are handled once per frame, then the frame is drawn."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable

from openspace_server.engines.scripting.script_host import ScriptHost
from tests.engines.openspace.double.scene import Scene
from tests.engines.openspace.double.window import Window
from tests.handover import Handover

FRAME = 1 / 120
HANDLING = 0.003
"""Seconds that messages of this frame have to come through from the sockets."""


class MainThread(Handover):
    """``over`` ends when the program is asked to quit. Serves as the API server's way to the engine."""

    def __init__(
        self,
        engine: Scene,
        program: ScriptHost,
        window: Window,
        tick: Callable[[], None],
        expecting: Callable[[], bool],
    ) -> None:
        super().__init__(engine)
        self._scene = engine
        self._program = program
        self._window = window
        self._tick = tick
        self._expecting = expecting
        self.over: asyncio.Future[None] = self._loop.create_future()
        threading.Thread(target=self._main, daemon=True).start()

    def _main(self) -> None:
        draw_at = now = 0.0
        while not self._program.quit_requested:
            before, now = now, time.monotonic()
            self._loop.call_soon_threadsafe(self._tick)
            if self._scene.begin_frame(now):
                draw_at = now
            if self._handle(before):
                draw_at = now
            if (size := self._window.resized()) is not None:
                self._scene.resize(*size)
                draw_at = now
            self._program.advance(now)
            if now >= min(draw_at, now + self._scene.next_change(now)) or self._program.busy:
                self._window.show(self._scene.draw(now).pixels)
                draw_at = now + self._scene.next_change(now)
            time.sleep(max(0.0, now + FRAME - time.monotonic()))
        self._loop.call_soon_threadsafe(self.over.set_result, None)

    def _handle(self, now: float) -> bool:
        """Whether there were messages. What they ask for holds from the frame before: so input moves the camera in
        the very frame that reads it."""
        handled = False
        patience = HANDLING if self._expecting() else 0
        with contextlib.suppress(queue.Empty):
            while True:
                self.commands.get(timeout=patience)(now)
                handled = True
        return handled
