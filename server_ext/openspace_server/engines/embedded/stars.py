"""The fixed stars and, when wanted, the lines of the constellations. Static: only the sky's turn changes per
picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded.frames import GALACTIC
from openspace_server.engines.embedded.mesh import DATA, FORMAT, VERTEX, Mesh, colours, glow_texture, sprites
from openspace_server.engines.embedded.nodes import Look
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


FAINTEST_STAR = 7.0
"""Magnitude of the faintest star drawn: beyond the naked eye's 6.5, and few enough to be cheap in software."""


class Stars:
    """Faint stars are single pixels, grouped by direction so that only what is in view is drawn; bright ones are
    glows."""

    def __init__(self, root: Any) -> None:
        catalogue = np.load(DATA / "stars.npz")
        shown = slice(np.searchsorted(catalogue["magnitude"], FAINTEST_STAR))  # they are sorted, brightest first
        vectors = catalogue["vectors"][shown].astype(float)
        magnitude = catalogue["magnitude"][shown].astype(float)
        rgb = star_colours(np.nan_to_num(catalogue["colour"][shown].astype(float)))
        self._sky = root.attach_new_node("stars")
        self._sky.set_bin("fixed", 0)
        self._milky_way = self._sky.attach_new_node("milky way")
        self._points(self._milky_way, *milky_way())
        faint = magnitude > _SPRITE_MAGNITUDE
        level = np.clip(0.13 * 10 ** (0.4 * 0.62 * (7.5 - magnitude)), 0.0, 1.0)
        self._stars = self._sky.attach_new_node("stars")
        self._points(self._stars, vectors[faint], rgb[faint] * level[faint, None])
        bright = ~faint
        # Half-widths in parts of the view's focal length, so that glows grow with the picture.
        size = (1.7 + 0.95 * (_SPRITE_MAGNITUDE - magnitude[bright]) ** 0.85) / 869
        shine = np.clip(0.62 + 0.16 * (_SPRITE_MAGNITUDE - magnitude[bright]), 0, 1)[:, None]
        texture = glow_texture("star", lambda r: np.exp(-((r / 0.30) ** 2)) + 0.22 * (1 - r) ** 2.2, 16)
        vertices, triangles = sprites(vectors[bright] * _DISTANCE, size * _DISTANCE, rgb[bright] * shine)
        Mesh(self._stars, "bright stars", "add", texture).show(vertices, triangles, 1)
        self._names: Any = None
        lines = np.load(DATA / "constellations.npz")["lines"]
        self._constellations = self._segments(lines * _DISTANCE)

    def _points(self, parent: Any, vectors: np.ndarray, rgb: np.ndarray) -> None:
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
            self._attach(parent, "faint stars", vertices, core.GeomPoints(core.Geom.UH_static))

    def _segments(self, ends: np.ndarray) -> Any:
        vertices = np.zeros((len(ends), 2), VERTEX)
        vertices["place"] = ends
        vertices["colour"] = (34, 48, 74, 255)
        path = self._attach(self._sky, "constellations", vertices.reshape(-1), core.GeomLines(core.Geom.UH_static))
        path.hide()
        return path

    def _attach(self, parent: Any, name: str, vertices: np.ndarray, primitive: Any) -> Any:
        data = core.GeomVertexData(name, FORMAT, core.Geom.UH_static)
        data.unclean_set_num_rows(len(vertices))
        data.modify_array_handle(0).copy_data_from(vertices.view(np.uint8).reshape(-1))
        primitive.add_consecutive_vertices(0, len(vertices))
        primitive.close_primitive()
        geom = core.Geom(data)
        geom.add_primitive(primitive)
        node = core.GeomNode(name)
        node.add_geom(geom)
        return parent.attach_new_node(node)

    def show(self, view: View, look: Look) -> None:
        m = view.axes.T  # Panda multiplies row vectors from the left
        self._sky.set_mat(core.LMatrix4(*m[0], 0, *m[1], 0, *m[2], 0, 0, 0, 0, 1))
        _dim(self._stars, look.stars)
        _dim(self._milky_way, look.milky_way)
        _dim(self._constellations, look.constellations)
        if look.constellation_names > 0 and self._names is None:
            self._names = self._make_names()
        if self._names is not None:
            _dim(self._names, look.constellation_names)

    def _make_names(self) -> Any:
        font = core.DynamicTextFont(core.Filename.from_os_specific(str(DATA / "DejaVuSans.ttf")))
        font.set_pixels_per_unit(24)
        root = self._sky.attach_new_node("constellation names")
        catalogue = np.load(DATA / "constellations.npz")
        for name, place in zip(catalogue["names"].tolist(), catalogue["places"].astype(float), strict=True):
            text = core.TextNode(name)
            text.set_font(font)
            text.set_align(core.TextNode.A_center)
            text.set_text(name)
            text.set_text_color(0.42, 0.52, 0.72, 1)
            path = root.attach_new_node(text.generate())
            path.set_pos(*(place * _DISTANCE))
            path.set_scale(0.14)
            path.set_billboard_point_eye()
            path.set_transparency(core.TransparencyAttrib.M_alpha)
            path.set_bin("fixed", 2)
        return root


def _dim(path: Any, level: float) -> None:
    """Show ``path`` with its colours times ``level``; set only when it changes, as that is dear."""
    if level <= 0:
        path.hide()
        return
    path.show()
    if path.get_color_scale()[0] != np.float32(level):
        path.set_color_scale(level, level, level, 1)


def milky_way(count: int = 14_000) -> tuple[np.ndarray, np.ndarray]:
    """Directions (ICRF) and dim colours of seeded points along the galactic plane: broader and brighter towards the
    centre, thinned along the Great Rift. What the eye sees of it, not a survey."""
    rng = np.random.default_rng(1610)
    lon = np.degrees(rng.vonmises(0.0, 0.45, count))
    middle = np.exp(-((lon / 38) ** 2))
    lat = rng.normal(0, 1, count) * (4.2 + 5.0 * middle) - 1.0
    rift = np.exp(-(((lat - 1.5) / 2.2) ** 2)) * ((lon > -20) & (lon < 80))
    keep = rng.uniform(0, 1, count) > 0.75 * rift
    lon, lat, middle = np.radians(lon[keep]), np.radians(lat[keep]), middle[keep]
    galactic = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    level = (0.13 + 0.17 * middle) * rng.uniform(0.6, 1.5, len(lat))
    warm = np.stack([0.92 + 0.08 * middle, np.full(len(lat), 0.92), 1.0 - 0.12 * middle], -1)
    return galactic @ GALACTIC, level[:, None] * warm
