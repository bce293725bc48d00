"""The fixed stars and, when wanted, the lines of the constellations. Static: only the sky's turn changes per
picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded.mesh import DATA, FORMAT, VERTEX, Mesh, colours, glow_texture, sprites
from openspace_server.engines.embedded.view import View

_DISTANCE = 10.0  # anywhere between the near and far plane: nothing is nearer to the picture's back
_SPRITE_MAGNITUDE = 4.3
_BV = (
    (-0.35, (0.66, 0.76, 1.0)),
    (0.0, (0.80, 0.87, 1.0)),
    (0.35, (0.97, 0.97, 1.0)),
    (0.65, (1.0, 0.95, 0.86)),
    (1.0, (1.0, 0.86, 0.70)),
    (1.5, (1.0, 0.74, 0.52)),
    (2.1, (1.0, 0.60, 0.38)),
)


def star_colours(bv: np.ndarray) -> np.ndarray:
    """RGB 0..1 ``(n, 3)`` of colour indices B-V ``(n,)``: blue-white below 0, orange above 1."""
    at = [b for b, _ in _BV]
    return np.stack([np.interp(bv, at, [rgb[c] for _, rgb in _BV]) for c in range(3)], -1)


class Stars:
    """Faint stars are single pixels, grouped by direction so that only what is in view is drawn; bright ones are
    glows."""

    def __init__(self, root: Any) -> None:
        catalogue = np.load(DATA / "stars.npz")
        vectors = catalogue["vectors"].astype(float)
        magnitude = catalogue["magnitude"].astype(float)
        rgb = star_colours(np.nan_to_num(catalogue["colour"].astype(float)))
        self._sky = root.attach_new_node("stars")
        self._sky.set_bin("fixed", 0)
        faint = magnitude > _SPRITE_MAGNITUDE
        level = np.clip(0.13 * 10 ** (0.4 * 0.62 * (7.5 - magnitude)), 0.0, 1.0)
        self._points(vectors[faint], rgb[faint] * level[faint, None])
        bright = ~faint
        # Half-widths in parts of the view's focal length, so that glows grow with the picture.
        size = (1.7 + 0.95 * (_SPRITE_MAGNITUDE - magnitude[bright]) ** 0.85) / 869
        shine = np.clip(0.62 + 0.16 * (_SPRITE_MAGNITUDE - magnitude[bright]), 0, 1)[:, None]
        texture = glow_texture("star", lambda r: np.exp(-((r / 0.30) ** 2)) + 0.22 * (1 - r) ** 2.2, 16)
        vertices, triangles = sprites(vectors[bright] * _DISTANCE, size * _DISTANCE, rgb[bright] * shine)
        Mesh(self._sky, "bright stars", "add", texture).show(vertices, triangles, 1)
        lines = np.load(DATA / "constellations.npz")["lines"]
        self._constellations = self._segments(lines * _DISTANCE)

    def _points(self, vectors: np.ndarray, rgb: np.ndarray) -> None:
        axis = np.argmax(np.abs(vectors), axis=1)
        rest = np.take_along_axis(vectors, np.stack([(axis + 1) % 3, (axis + 2) % 3], -1), 1)
        rest = rest / np.abs(np.take_along_axis(vectors, axis[:, None], 1))
        cell = np.clip(((rest + 1) * 2).astype(int), 0, 3)
        side = np.take_along_axis(vectors, axis[:, None], 1)[:, 0] > 0
        group = ((axis * 2 + side) * 4 + cell[:, 0]) * 4 + cell[:, 1]
        for patch in np.unique(group):
            chosen = group == patch
            vertices = np.zeros(int(chosen.sum()), VERTEX)
            vertices["place"], vertices["colour"] = vectors[chosen] * _DISTANCE, colours(rgb[chosen])
            self._attach("faint stars", vertices, core.GeomPoints(core.Geom.UH_static))

    def _segments(self, ends: np.ndarray) -> Any:
        vertices = np.zeros((len(ends), 2), VERTEX)
        vertices["place"] = ends
        vertices["colour"] = (34, 48, 74, 255)
        path = self._attach("constellations", vertices.reshape(-1), core.GeomLines(core.Geom.UH_static))
        path.hide()
        return path

    def _attach(self, name: str, vertices: np.ndarray, primitive: Any) -> Any:
        data = core.GeomVertexData(name, FORMAT, core.Geom.UH_static)
        data.unclean_set_num_rows(len(vertices))
        data.modify_array_handle(0).copy_data_from(vertices.view(np.uint8).reshape(-1))
        primitive.add_consecutive_vertices(0, len(vertices))
        primitive.close_primitive()
        geom = core.Geom(data)
        geom.add_primitive(primitive)
        node = core.GeomNode(name)
        node.add_geom(geom)
        return self._sky.attach_new_node(node)

    def show(self, view: View, constellations: bool) -> None:
        m = view.axes.T  # Panda multiplies row vectors from the left
        self._sky.set_mat(core.LMatrix4(*m[0], 0, *m[1], 0, *m[2], 0, 0, 0, 0, 1))
        if constellations:
            self._constellations.show()
        else:
            self._constellations.hide()
