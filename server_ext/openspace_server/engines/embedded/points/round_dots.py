"""Round dots for the points of small clouds: the renderers' own points are squares, which shows when they are large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from openspace_server.engines.embedded.camera.orbital_camera import VIEW_HEIGHT
from openspace_server.engines.embedded.graphics.mesh import CORNERS, VERTEX, Mesh, free, glow_texture
from openspace_server.engines.embedded.graphics.shading import smooth
from openspace_server.engines.embedded.points.chunks import POINT
from openspace_server.engines.embedded.points.occlusion import Occluder, in_front

SMALLEST = 2.5
"""Pixels from which a square looks like one."""
BUDGET = 0.010
"""Seconds that all dots of a frame of 1280 x 720 may take; in larger frames, and in stills, at least those are round
that are round there."""
_COST = (1e-6, 3e-8)  # seconds per dot, and in software per pixel of the square around it
_FOCAL = 720 / VIEW_HEIGHT  # of the frames that this was measured in
_SOFT = 1.25  # how much wider a dot is than its bright part: its edge is soft


def cost(count: int, slope: float, software: bool) -> float:
    """Seconds that ``count`` dots take in a frame of 1280 x 720; ``slope`` as in :meth:`RoundDots.show`."""
    return count * (_COST[0] + software * _COST[1] * (2 * slope * _FOCAL) ** 2)


class RoundDots:
    """Draws points of view space as dots, among the bodies that cover them or are covered."""

    def __init__(self, parent: Any) -> None:
        self._parent = parent
        self._texture = glow_texture("dot", lambda r: smooth(1.0, 0.7, r), 32)
        self._meshes: list[Mesh] = []

    def remove(self) -> None:
        """Free the texture; the nodes are removed with their parent."""
        self._meshes.clear()
        free(self._texture)

    def hide(self) -> None:
        for mesh in self._meshes:
            mesh.hide()

    def show(
        self,
        positions: np.ndarray,
        points: np.ndarray,
        slope: float,
        level: float,
        occluders: Sequence[Occluder],
        order: int,
    ) -> int:
        """Returns how many are in sight.

        Args:
            positions: metres, view axes ``(n, 3)``.
            points: POINT ``(n,)``; their colours count.
            slope: half the size of a dot in the frame, by the focal length.
            level: how clearly, 0..1.
            occluders, order: as in :class:`.CloudView`.
        """
        assert points.dtype == POINT
        ahead = positions[:, 1] > 0
        positions, colors = positions[ahead], points["color"][ahead].view(np.uint8).reshape(-1, 4)[:, :3]
        orders = np.full(len(positions), order)
        for occluder in occluders:
            orders[in_front(positions, occluder)] = occluder.order
        flat = positions[:, [0, 2]] / np.maximum(positions[:, 1:2], 1e-300)
        orders_used = np.unique(orders).tolist()
        while len(self._meshes) < len(orders_used):
            self._meshes.append(Mesh(self._parent, "dots", "alpha", self._texture))
        self.hide()
        for mesh, at in zip(self._meshes, orders_used, strict=False):
            chosen = orders == at
            vertices = np.empty((np.count_nonzero(chosen), 3), VERTEX)
            vertices["position"][..., 1] = 1
            vertices["position"][..., ::2] = flat[chosen][:, None] + slope * _SOFT * CORNERS
            vertices["uv"] = (CORNERS + 1) / 2
            vertices["color"][..., :3] = colors[chosen][:, None]
            vertices["color"][..., 3] = round(255 * level)
            mesh.show(vertices.reshape(-1), np.arange(vertices.size).reshape(-1, 3), at)
        return len(positions)
