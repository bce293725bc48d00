"""The same scene as a jupyter_rfb widget, as documented: events ask for a drawing, drawings are images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from jupyter_rfb import RemoteFrameBuffer

from benchmarks.senders.scene import SIZE, Scene


class SceneWidget(RemoteFrameBuffer):
    """An input is known by the pointer's x, in pixels of the picture."""

    def __init__(self) -> None:
        super().__init__(css_width=f"{SIZE[0]}px", css_height=f"{SIZE[1]}px", resizable=False)
        references = os.environ.get("BENCHMARK_REFERENCES")
        self._scene = Scene(Path(references) if references else None)
        self._dragging = False

    def get_frame(self) -> np.ndarray:
        return np.ascontiguousarray(self._scene.draw()[:, :, 2::-1])

    def handle_event(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind in ("pointer_down", "pointer_up"):
            self._dragging = kind == "pointer_down"
        elif kind == "pointer_move" and self._dragging:
            self._scene.steer(round(event["x"]), event["x"] / SIZE[1])
            self.request_draw()
