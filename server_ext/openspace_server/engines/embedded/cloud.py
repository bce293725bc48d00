"""A point cloud in the software renderer: chunks that can be culled, and a shuffled part of each while moving.

Points are one pixel; larger ones cost ten times as much, so only small clouds have them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded import quaternions as quat

_CHUNK = 8192  # points, about
_POINT = np.dtype([("place", "<f4", 3), ("colour", "u1", 4)])
_COLUMNS = core.GeomVertexArrayFormat()
_COLUMNS.add_column("vertex", 3, core.Geom.NT_float32, core.Geom.C_point)
_COLUMNS.add_column("color", 4, core.Geom.NT_uint8, core.Geom.C_color)
_FORMAT = core.GeomVertexFormat.register_format(core.GeomVertexFormat(_COLUMNS))
_FARTHEST = 60.0  # where the farthest point of a cloud is put
LARGE = 20_000
"""Points from which a cloud has one-pixel points whatever its size settings."""


class Cloud:
    """Points ``(n, 3)`` in metres in the axes of a frame, with RGB 0..1 ``(n, 3)``."""

    def __init__(self, root: Any, name: str, places: np.ndarray, rgb: np.ndarray, seed: int = 1) -> None:
        self.path = root.attach_new_node(name)
        self.count = len(places)
        self.centre = (places.min(axis=0) + places.max(axis=0)) / 2
        self.reach = float(np.sqrt(np.max(np.einsum("ij,ij->i", places - self.centre, places - self.centre)))) or 1.0
        self._rgb, self._level = rgb.astype(np.float32), 1.0
        rng = np.random.default_rng(seed)
        self._chunks: list[tuple[np.ndarray, np.ndarray, float, Any, Any]] = []
        for rows in _split(places, np.arange(self.count)):
            self._add(places, rng.permutation(rows))
        self.drawn = 0
        self.hide()

    def _add(self, places: np.ndarray, rows: np.ndarray) -> None:
        middle = (places[rows].min(axis=0) + places[rows].max(axis=0)) / 2
        size = float(np.abs(places[rows] - middle).max()) or 1.0
        vertices = np.empty(len(rows), _POINT)
        vertices["place"] = (places[rows] - middle) / size
        vertices["colour"] = self._colours(rows)
        data = core.GeomVertexData("points", _FORMAT, core.Geom.UH_static)
        data.unclean_set_num_rows(len(rows))
        data.modify_array_handle(0).copy_data_from(vertices.view(np.uint8).reshape(-1))
        primitive = core.GeomPoints(core.Geom.UH_dynamic)
        primitive.add_consecutive_vertices(0, len(rows))
        geom = core.Geom(data)
        geom.add_primitive(primitive)
        node = core.GeomNode("points")
        node.add_geom(geom)
        node.set_bounds(core.BoundingSphere(core.LPoint3(0, 0, 0), 3.0**0.5 * 1.01))
        node.set_final(True)
        self._chunks.append((rows, middle, size, self.path.attach_new_node(node), node))

    def _colours(self, rows: np.ndarray) -> np.ndarray:
        out = np.full((len(rows), 4), 255, np.uint8)
        out[:, :3] = np.clip(self._rgb[rows] * self._level, 0, 1) * 255 + 0.5
        return out

    def hide(self) -> None:
        self.path.hide()
        self.drawn = 0

    def remove(self) -> None:
        """Free everything."""
        self.path.remove_node()
        self._chunks.clear()

    def recolour(self, rgb: np.ndarray | None, level: float) -> None:
        """New colours, None for the same, times ``level``: points cannot be half clear here."""
        if rgb is not None:
            self._rgb = rgb.astype(np.float32)
        elif level == self._level:
            return
        self._level = level
        for rows, _, _, _, node in self._chunks:
            handle = node.modify_geom(0).modify_vertex_data().modify_array_handle(0)
            vertices = np.frombuffer(handle.get_data(), _POINT).copy()
            vertices["colour"] = self._colours(rows)
            handle.copy_data_from(vertices.view(np.uint8).reshape(-1))

    def show(self, axes: np.ndarray, offset: np.ndarray, share: float, pixels: float, order: int) -> None:
        """Draw ``share`` of the points.

        Args:
            axes: matrix from the cloud's axes to view axes.
            offset: the frame's origin minus the camera, metres, view axes.
            pixels: size of a point.
        """
        far = quat.length(offset + axes @ self.centre) + self.reach
        scale = _FARTHEST / far
        turn = axes.T * scale  # Panda multiplies row vectors from the left
        self.drawn = 0
        for rows, middle, size, path, node in self._chunks:
            count = max(1, min(len(rows), round(len(rows) * share)))
            self.drawn += count
            if node.get_geom(0).get_primitive(0).get_num_vertices() != count:
                node.modify_geom(0).modify_primitive(0).set_nonindexed_vertices(0, count)
            m, t = turn * size, (offset + axes @ middle) * scale
            path.set_mat(core.LMatrix4(*m[0], 0, *m[1], 0, *m[2], 0, *t, 1))
        self.path.set_render_mode_thickness(max(1.0, round(pixels)) if self.count <= LARGE else 1.0)
        self.path.set_bin("fixed", order)
        self.path.show()


def _split(places: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Rows in groups of at most ``_CHUNK``, near each other: halved along the longest side."""
    if len(rows) <= _CHUNK:
        return [rows]
    here = places[rows]
    axis = int(np.argmax(here.max(axis=0) - here.min(axis=0)))
    half = len(rows) // 2
    order = np.argpartition(here[:, axis], half)
    return _split(places, rows[order[:half]]) + _split(places, rows[order[half:]])
