"""Stills: frames next to the live view, on a canvas of their own, in tiles and with several samples per pixel."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.base import EngineError, Still
from openspace_server.engines.embedded.graphics.canvas import Canvas
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.scene import depth_and_ids
from openspace_server.engines.embedded.scene.scene import NEAR_FAR, Scene
from openspace_server.engines.embedded.scene_graph.nodes import Look
from openspace_server.engines.embedded.sky.bodies import BODIES

_TILE = 1920 * 1200  # pixels drawn at once
_WIDEST = 2048
_OPAQUE = np.frombuffer(bytes((0, 0, 0, 255)), np.uint32)


def samples(count: int) -> list[tuple[float, float]]:
    """Offsets from the middle of a pixel, -0.5 to 0.5 right and down, each in a row and a column of its own."""
    inverse = [int(f"{k:b}".zfill(int(math.log2(count)))[::-1], 2) if count > 1 else 0 for k in range(count)]
    return [((k + 0.5) / count - 0.5, (turned + 0.5) / count - 0.5) for k, turned in enumerate(inverse)]


class Tiling:
    """Equal tiles over a still; the last ones may reach beyond it."""

    def __init__(self, width: int, height: int) -> None:
        across = math.ceil(width / _WIDEST)
        self.width = math.ceil(width / across)
        down = math.ceil(height * self.width / _TILE)
        self.height = math.ceil(height / down)
        self.corners = [(column * self.width, row * self.height) for row in range(down) for column in range(across)]
        """Left and top of each tile, pixels."""


@dataclass(frozen=True)
class StillPlan:
    """One still. ``view`` is exact; ``time`` and ``camera`` are its labels."""

    view: View
    focus: int
    look: Look
    antialias: int
    depth: bool
    ids: bool
    time: str
    camera: dict[str, Any]


class StillRenderer:
    """Draws stills of the scene of a live canvas through a lens of its own."""

    def __init__(self, canvas: Canvas, scene: Scene) -> None:
        self._live, self._scene = canvas, scene
        self._lens = core.PerspectiveLens()
        self._lens.set_near_far(*NEAR_FAR)
        self._camera = scene.root.attach_new_node(core.Camera("still camera", self._lens))
        self._canvas: Canvas | None = None

    def still(self, plan: StillPlan, finish: Callable[[np.ndarray], np.ndarray]) -> Generator[None, None, Still]:
        """Draw in parts; ``finish`` makes the last changes to the pixels."""
        view = plan.view
        pixels = np.empty((view.height, view.width, 4), np.uint8)
        tiling = Tiling(view.width, view.height)
        for left, top in tiling.corners:
            tile = yield from self._tile(plan, tiling, left, top)
            window = pixels[top : top + tiling.height, left : left + tiling.width]
            seen = tile[: window.shape[0], : window.shape[1]]
            # As words of four bytes: ten times as fast as byte by byte.
            np.bitwise_or(seen.view(np.uint32), _OPAQUE, out=window.view(np.uint32))
            if (finished := finish(window)) is not window:
                window[:] = finished
        depth = ids = None
        if plan.depth or plan.ids:
            depth = np.empty((view.height, view.width))
            ids = np.empty((view.height, view.width), np.uint16)
            yield from depth_and_ids.fill(view, plan.look.scales, plan.look.bodies > 0, depth, ids)
        names = tuple(body.identifier for body in BODIES) if plan.ids else ()
        return Still(0, pixels, plan.time, plan.camera, depth if plan.depth else None, ids if plan.ids else None, names)

    def _tile(self, plan: StillPlan, tiling: Tiling, left: int, top: int) -> Generator[None, None, np.ndarray]:
        """The mean of the samples."""
        if plan.antialias == 1:
            yield
            return self._sample(plan, tiling, left, top)  # last, since the next drawing of anything overwrites it
        total = np.full((tiling.height, tiling.width, 4), plan.antialias // 2, np.uint16)
        for right, down in samples(plan.antialias):
            np.add(total, self._sample(plan, tiling, left + right, top + down), out=total)
            yield
        total >>= plan.antialias.bit_length() - 1
        return total.astype(np.uint8)

    def _sample(self, plan: StillPlan, tiling: Tiling, left: float, top: float) -> np.ndarray:
        """One drawing of a tile; valid until the next. Raises EngineError."""
        if self._live.engine is None:
            raise EngineError("the engine was closed before the still was finished")
        self._scene.update(plan.view, plan.focus, plan.look)
        self._scene.aim(self._lens, plan.view, (left, top), (tiling.width, tiling.height))
        if self._canvas is None:
            self._canvas = self._live.make_second(tiling.width, tiling.height)
            self._canvas.look_through(self._camera)
        self._canvas.resize(tiling.width, tiling.height)
        self._live.set_active(False)
        self._canvas.set_active(True)
        try:
            return self._canvas.render(tiling.width, tiling.height)
        finally:
            self._canvas.set_active(False)
            self._live.set_active(True)

    def release(self) -> None:
        """Free the canvas."""
        if self._canvas is not None:
            self._canvas.close()
            self._canvas = None
