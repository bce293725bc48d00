"""Point clouds in the renderer: chunks that can be culled, drawn in part while moving, and ordered among the bodies.

Points are one pixel; larger ones cost the software renderer ten times as much, so there only small clouds have them.
In the smallest clouds they are round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded.points.chunks import CHUNK, PointChunks
from openspace_server.engines.embedded.points.mesh import PointMesh
from openspace_server.engines.embedded.points.occlusion import Occluder, in_front, relations
from openspace_server.engines.embedded.points.round_dots import RoundDots
from openspace_server.geometry import quaternions as quat

_FARTHEST = 60.0  # where the farthest point of a cloud is put
_SMALLEST = 1e-3  # of a chunk: Panda leaves out what has hardly any size. A hundredth of a pixel where the farthest is
LARGE = 20_000
"""Points from which a cloud has one-pixel points in software, whatever its size settings; in stills ten times as
many."""


@dataclass(frozen=True)
class CloudView:
    """How a cloud is drawn in one frame.

    Attributes:
        axes: matrix from the cloud's axes to view axes.
        offset: the frame's origin minus the camera, metres, view axes.
        share: part of the points that is drawn, 0..1.
        pixels: size of a point.
        level: how clearly, 0..1: times the colours, as points cannot be half clear in software.
        occluders: bodies that may cover points or be covered by them, in the order in which they are drawn.
        order: where the cloud is drawn when no body matters.
        largest: points up to which they may be larger than a pixel in software.
        dot: half the size of a point by its distance where points are to be round; only for a single chunk.
    """

    axes: np.ndarray
    offset: np.ndarray
    share: float
    pixels: float
    level: float
    occluders: Sequence[Occluder]
    order: int
    largest: int = LARGE
    dot: float = 0.0


class Cloud:
    """One point cloud in the renderer; shows one :class:`.PointChunks` at a time."""

    def __init__(self, root: Any, name: str, software: bool) -> None:
        self._root = root
        self.path = root.attach_new_node(name)
        self._software = software
        self._chunks: list[PointMesh] = []
        self._fronts: list[PointMesh] = []
        self._dots: RoundDots | None = None
        self._level, self._thickness = 1.0, 0.0
        self._middles, self._sizes = np.zeros((0, 3)), np.zeros(0)
        self.order = np.zeros(0, np.int32)
        """Which point of the arrays each vertex is."""
        self.centre, self.reach = np.zeros(3), 1.0
        self.drawn = 0
        self.path.hide()

    @property
    def count(self) -> int:
        return len(self.order)

    def take(self, made: PointChunks) -> None:
        """Show these points from now on."""
        needed = len(made.middles)
        while len(self._chunks) > needed:
            self._chunks.pop().path.remove_node()
        while len(self._chunks) < needed:
            self._chunks.append(PointMesh(self.path))
        for k, chunk in enumerate(self._chunks):
            chunk.fill(made.vertices[k * CHUNK : (k + 1) * CHUNK])
        self.order, self.centre, self.reach = made.order, made.centre, made.reach
        self._middles, self._sizes = made.middles, made.sizes

    def hide(self) -> None:
        self.path.hide()
        self.drawn = 0

    def remove(self) -> None:
        """Free everything."""
        self.path.remove_node()
        if self._dots is not None:
            self._dots.remove()
        self._chunks.clear()
        self._fronts.clear()

    def show(self, view: CloudView) -> None:
        """Draw the points as ``view`` says."""
        self.drawn = 0
        if not self._chunks:
            self.path.hide()
            return
        axes = view.axes
        middles = view.offset + self._middles @ axes.T
        if view.dot > 0:
            self._show_round(middles, view)
            return
        if self._dots is not None:
            self._dots.hide()
        scale = _FARTHEST / (quat.length(view.offset + axes @ self.centre) + self.reach)
        orders, mixed = relations(middles, self._sizes * 3.0**0.5, view.occluders, view.order)
        counts = [max(1, min(chunk.count, round(chunk.count * view.share))) for chunk in self._chunks]
        # Small chunks are put farther away and made larger, which looks the same.
        away = np.maximum(np.linalg.norm(middles, axis=1) * scale, 1e-12)
        grown = np.minimum(np.maximum(_SMALLEST / (self._sizes * scale), 1.0), np.maximum(_FARTHEST / away, 1.0))
        sizes = np.maximum(self._sizes * scale * grown, _SMALLEST)
        positions = middles * (scale * grown)[:, None]
        for chunk, count, at, middle, size in zip(
            self._chunks, counts, orders, positions.tolist(), sizes.tolist(), strict=True
        ):
            (a, b, c), (d, e, f), (g, h, i) = (axes.T * size).tolist()  # Panda multiplies row vectors from the left
            chunk.path.show()
            chunk.show(count, at, core.LMatrix4(a, b, c, 0, d, e, f, 0, g, h, i, 0, *middle, 1))
        self.drawn = sum(counts)
        self._show_fronts(mixed, view, counts, middles, scale)
        large = self.count <= view.largest or not self._software
        thickness = max(1.0, float(round(view.pixels))) if large else 1.0
        if thickness != self._thickness:
            self._thickness = thickness
            self.path.set_render_mode_thickness(thickness)
        self._set_level(view.level)
        self.path.show()

    def _show_round(self, middles: np.ndarray, view: CloudView) -> None:
        points = self._chunks[0].vertices()
        positions = points["position"].astype(float) * self._sizes[0] @ view.axes.T + middles[0]
        for mesh in (*self._chunks, *self._fronts):
            mesh.path.hide()
        if self._dots is None:
            self._dots = RoundDots(self.path)
        self.drawn = self._dots.show(positions, points, view.dot, view.level, view.occluders, view.order)
        self._set_level(1.0)
        self.path.show()

    def _set_level(self, level: float) -> None:
        if level != self._level:
            self._level = level
            self.path.set_color_scale(level, level, level, 1)

    def _show_fronts(
        self, mixed: dict[int, np.ndarray], view: CloudView, counts: list[int], middles: np.ndarray, scale: float
    ) -> None:
        """Draw once more, after the body, the points in front of it of chunks that are partly behind it."""
        used, unit = 0, scale / _FARTHEST
        for which, chunks in mixed.items():
            occluder = view.occluders[which]
            first = [counts[k] for k in chunks.tolist()]
            found = self._in_front(chunks, first, occluder.scaled(unit), middles, view.axes, unit)
            if len(found):
                if used == len(self._fronts):
                    self._fronts.append(PointMesh(self.path))
                front = self._fronts[used]
                front.fill(found)
                front.show(front.count, occluder.order, core.LMatrix4.scale_mat(_FARTHEST))
                front.path.show()
                self.drawn += front.count
                used += 1
        for front in self._fronts[used:]:
            front.path.hide()

    def _in_front(
        self,
        chunks: np.ndarray,
        counts: list[int],
        occluder: Occluder,
        middles: np.ndarray,
        axes: np.ndarray,
        unit: float,
    ) -> np.ndarray:
        """POINT of the first ``counts`` of ``chunks`` that are seen in front of ``occluder``; positions are metres
        times ``unit``, which makes single floats enough."""
        found = np.concatenate([self._chunks[k].vertices()[:n] for k, n in zip(chunks.tolist(), counts, strict=True)])
        positions = found["position"] @ axes.T.astype(np.float32)
        positions *= np.repeat((self._sizes[chunks] * unit).astype(np.float32), counts)[:, None]
        positions += np.repeat((middles[chunks] * unit).astype(np.float32), counts, axis=0)
        chosen = in_front(positions, occluder)
        found = found[chosen]
        found["position"] = positions[chosen]
        return found

    def nearest(
        self, axes: np.ndarray, offset: np.ndarray, sight: np.ndarray, reach: float
    ) -> list[tuple[float, np.ndarray, int]]:
        """Of each chunk the point nearest to the direction ``sight`` (view axes) and within ``reach`` (a slope) of it:
        how far off, where (metres, view axes), and which point of the arrays."""
        found: list[tuple[float, np.ndarray, int]] = []
        middles, balls = offset + self._middles @ axes.T, self._sizes * 3.0**0.5
        along = middles @ sight
        across = np.linalg.norm(middles - along[:, None] * sight, axis=1)
        for k in np.flatnonzero((along > -balls) & (across <= balls + reach * (along + balls))).tolist():
            positions = self._chunks[k].vertices()["position"] @ (axes.T * self._sizes[k]) + middles[k]
            ahead = positions @ sight
            off = np.linalg.norm(positions - ahead[:, None] * sight, axis=1)
            slope = np.where(ahead > 0, off / np.where(ahead > 0, ahead, 1.0), np.inf)
            best = int(np.argmin(slope))
            if slope[best] <= reach:
                found.append((float(slope[best]), positions[best], int(self.order[k * CHUNK + best])))
        return found
