"""Stars, constellation lines and the Milky Way.

Among the planets the stars are at infinity: static, only the sky's turn changes per frame. Farther out, where that
would show, their directions are computed from their positions in space for every frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded.graphics.mesh import DATA, FORMAT, VERTEX, Mesh, glow_texture, sprites, to_rgba
from openspace_server.engines.embedded.graphics.shading import smooth
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.points.chunks import POINT, make_chunks, set_colors
from openspace_server.engines.embedded.points.cloud import Cloud, CloudView
from openspace_server.engines.embedded.points.colors import pack
from openspace_server.engines.embedded.points.mesh import PointMesh
from openspace_server.engines.embedded.scene import milky_way
from openspace_server.engines.embedded.scene.star_catalogue import NEAREST, VisibleStars, catalogue
from openspace_server.engines.embedded.scene_graph.nodes import Look
from openspace_server.engines.embedded.sky.units import PARSEC
from openspace_server.geometry.world import GALACTIC

_DISTANCE = 10.0  # anywhere between the near and far plane: nothing else is as far back
_SPRITE_MAGNITUDE = 4.3
_BRIGHTEST = -6.0  # sprites do not get larger than at this magnitude
_MOVED = 0.3  # pixels by which the nearest star may be off before positions in space are used
_LEAVING = (300.0, 3000.0)  # parsecs from the Sun between which the band gives way to the galaxy from outside
_LINES = (50.0, 500.0)  # parsecs between which the lines fade
_NAMES = (0.5, 5.0)  # parsecs between which the names of the constellations, which stay at infinity, fade


class Stars:
    """Faint stars are single pixels, bright ones glows; as seen from the Sun grouped by direction, so that only what is
    in view is drawn."""

    def __init__(self, root: Any, software: bool) -> None:
        self._root, self._software = root, software
        self._sky = root.attach_new_node("stars")
        self._sky.set_bin("fixed", 0)
        self._milky_way = self._sky.attach_new_node("milky way")
        self._points(self._milky_way, *milky_way.band())
        self._stars = self._sky.attach_new_node("stars")
        self._glow = glow_texture("star", lambda r: np.exp(-((r / 0.30) ** 2)) + 0.22 * (1 - r) ** 2.2, 16)
        here = catalogue().from_here()
        faint, bright = _parted(here)
        self._points(self._stars, faint.vectors, faint.rgb * _level(faint.magnitudes)[:, None])
        Mesh(self._stars, "bright stars", "add", self._glow).show(*_sprites(bright), 1)
        self._near = PointMesh(root, "stars in space")
        self._near_bright = Mesh(root, "bright stars in space", "add", self._glow)
        self._names: Any = None
        self._galaxy: Cloud | None = None
        file = np.load(DATA / "constellations.npz")
        self._ends, self._lengths = file["lines"].astype(float), file["distances"].astype(float)
        self._constellations = self._segments()
        self._constellations.hide()
        self._lines_from = np.zeros(3)
        self._dot = 1.0

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
            vertices["position"], vertices["color"] = vectors[chosen] * _DISTANCE, to_rgba(rgb[chosen])
            self._attach(parent, "faint stars", vertices, core.GeomPoints(core.Geom.UH_static))

    def _segments(self) -> Any:
        vertices = np.zeros((len(self._ends), 2), VERTEX)
        vertices["position"], vertices["color"] = self._ends * _DISTANCE, (34, 48, 74, 255)
        return self._attach(self._sky, "constellations", vertices.reshape(-1), core.GeomLines(core.Geom.UH_static))

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
        if view.dot != self._dot:
            self._dot = view.dot
            for path in (self._sky, self._near.path):
                path.set_render_mode_thickness(view.dot)
        away = float(np.linalg.norm(view.camera)) / PARSEC
        static = away * view.focal < _MOVED * NEAREST
        _dim(self._stars, look.stars if static else 0.0)
        self._show_in_space(view, 0.0 if static else look.stars)
        left = float(smooth(*_LEAVING, np.array(away)))
        _dim(self._milky_way, look.milky_way * (1 - left))
        self._show_galaxy(view, look.milky_way * left)
        lines = look.constellations * (1 - float(smooth(*_LINES, np.array(away))))
        if lines > 0:
            self._move_lines(np.zeros(3) if static else view.camera / PARSEC)
        _dim(self._constellations, lines)
        names = look.constellation_names * (1 - float(smooth(*_NAMES, np.array(away))))
        if names > 0 and self._names is None:
            self._names = self._make_names()
        if self._names is not None:
            _dim(self._names, names)

    def _show_in_space(self, view: View, level: float) -> None:
        if level <= 0:
            self._near.path.hide()
            self._near_bright.hide()
            return
        corner = np.arctan(np.hypot(view.width, view.height) / 2 / view.focal)
        seen = catalogue().seen(view.camera, view.axes, float(np.cos(min(corner + 0.03, 1.5))))
        faint, bright = _parted(seen)
        vertices = np.empty(len(faint.vectors), POINT)
        vertices["position"] = faint.vectors
        vertices["color"] = pack(faint.rgb * (level * _level(faint.magnitudes))[:, None])
        self._near.fill(vertices)
        self._near.show(len(vertices), 0, core.LMatrix4.scale_mat(_DISTANCE))
        self._near.path.show()
        self._near_bright.show(*_sprites(bright, level), 1)

    def _show_galaxy(self, view: View, level: float) -> None:
        if level <= 0:
            if self._galaxy is not None:
                self._galaxy.hide()
            return
        if self._galaxy is None:
            self._galaxy = Cloud(self._root, "galaxy", self._software)
            positions, rgb = milky_way.galaxy()
            made = make_chunks(positions, None, 1.0, np.zeros(3))
            set_colors(made.vertices, made.order, pack(rgb))
            self._galaxy.take(made)
        axes = view.axes @ GALACTIC.T
        offset, largest = -(view.axes @ view.camera), 100_000 if view.exact else 0
        self._galaxy.show(CloudView(axes, offset, 1.0, view.dot, level, (), 0, largest))

    def _move_lines(self, camera: np.ndarray) -> None:
        """Draw the lines between the positions in space of their stars, as seen from ``camera``, parsecs."""
        if np.array_equal(camera, self._lines_from):
            return
        self._lines_from = camera.copy()
        ends = self._ends * self._lengths[..., None] - camera if camera.any() else self._ends
        vertices = np.zeros(ends.shape[:2], VERTEX)
        vertices["position"] = ends / np.linalg.norm(ends, axis=-1, keepdims=True) * _DISTANCE
        vertices["color"] = (34, 48, 74, 255)
        data = self._constellations.node().modify_geom(0).modify_vertex_data()
        data.modify_array_handle(0).copy_data_from(vertices.view(np.uint8).reshape(-1))

    def _make_names(self) -> Any:
        font = core.DynamicTextFont(core.Filename.from_os_specific(str(DATA / "DejaVuSans.ttf")))
        font.set_pixels_per_unit(24)
        root = self._sky.attach_new_node("constellation names")
        file = np.load(DATA / "constellations.npz")
        for name, direction in zip(file["names"].tolist(), file["places"].astype(float), strict=True):
            text = core.TextNode(name)
            text.set_font(font)
            text.set_align(core.TextNode.A_center)
            text.set_text(name)
            text.set_text_color(0.42, 0.52, 0.72, 1)
            path = root.attach_new_node(text.generate())
            path.set_pos(*(direction * _DISTANCE))
            path.set_scale(0.14)
            path.set_billboard_point_eye()
            path.set_transparency(core.TransparencyAttrib.M_alpha)
            path.set_bin("fixed", 2)
        return root


def _parted(seen: VisibleStars) -> tuple[VisibleStars, VisibleStars]:
    """Faint ones and bright ones."""
    faint = seen.magnitudes > _SPRITE_MAGNITUDE
    return VisibleStars(*(part[faint] for part in seen)), VisibleStars(*(part[~faint] for part in seen))


def _level(magnitudes: np.ndarray) -> np.ndarray:
    """Brightness 0..1 of a star that is one pixel."""
    return np.clip(0.13 * 10 ** (0.4 * 0.62 * (7.5 - magnitudes)), 0.0, 1.0)


def _sprites(bright: VisibleStars, level: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of glows; their sizes are parts of the focal length, so that they grow with the
    frame."""
    over = _SPRITE_MAGNITUDE - np.maximum(bright.magnitudes, _BRIGHTEST)
    size = (1.7 + 0.95 * over**0.85) / 869
    shine = level * np.clip(0.62 + 0.16 * over, 0, 1)[:, None]
    return sprites(bright.vectors * _DISTANCE, size * _DISTANCE, bright.rgb * shine)


def _dim(path: Any, level: float) -> None:
    """Show ``path`` with its colours times ``level``; set only when it changes, as that is expensive."""
    if level <= 0:
        path.hide()
        return
    path.show()
    if path.get_color_scale()[0] != np.float32(level):
        path.set_color_scale(level, level, level, 1)
