"""Meshes of triangles that change with every frame, and textures, in Panda3D."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from panda3d import core

DATA = Path(__file__).parents[1] / "data"

VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 4), ("uv", "<f4", 2)])
"""View-space position, RGBA, texture coordinates (v upwards)."""

_COLUMNS = core.GeomVertexArrayFormat()
_COLUMNS.add_column("vertex", 3, core.Geom.NT_float32, core.Geom.C_point)
_COLUMNS.add_column("color", 4, core.Geom.NT_uint8, core.Geom.C_color)
_COLUMNS.add_column("texcoord", 2, core.Geom.NT_float32, core.Geom.C_texcoord)
FORMAT = core.GeomVertexFormat.register_format(core.GeomVertexFormat(_COLUMNS))

FAINTEST = 1
"""Least value of any colour of a blended vertex."""

_ADD = core.ColorBlendAttrib.make(core.ColorBlendAttrib.M_add, core.ColorBlendAttrib.O_one, core.ColorBlendAttrib.O_one)


def make_texture(name: str, image: np.ndarray) -> Any:
    """Texture of a uint8 BGR or BGRA image, top row first."""
    height, width, channels = image.shape
    texture = core.Texture(name)
    layout = core.Texture.F_rgba if channels == 4 else core.Texture.F_rgb
    texture.setup_2d_texture(width, height, core.Texture.T_unsigned_byte, layout)
    texture.set_ram_image(np.ascontiguousarray(image[::-1]))
    texture.set_wrap_u(core.SamplerState.WM_repeat if channels == 3 else core.SamplerState.WM_clamp)
    texture.set_wrap_v(core.SamplerState.WM_clamp)
    texture.set_minfilter(core.SamplerState.FT_linear)
    texture.set_magfilter(core.SamplerState.FT_linear)
    texture.set_quality_level(core.Texture.QL_best)
    texture.set_keep_ram_image(False)  # the renderer has its own
    return texture


def free(texture: Any) -> None:
    """Free a texture's memory now: Panda's caches of states may keep the texture itself for long."""
    texture.release_all()
    texture.clear()


def to_rgba(rgb: np.ndarray, alpha: np.ndarray | float = 1.0) -> np.ndarray:
    """RGB ``(n, 3)`` and alpha, both 0..1, as uint8 RGBA ``(n, 4)``."""
    out = np.empty((len(rgb), 4), np.uint8)
    out[:, :3] = np.minimum(np.maximum(rgb, 0), 1) * 255 + 0.5
    out[:, 3] = np.minimum(np.maximum(alpha, 0), 1) * np.float64(255) + 0.5
    return out


class Mesh:
    """One node of changing triangles. ``blend`` is "opaque", "alpha" or "add".

    The software renderer draws the edge between two triangles twice, which shows where colours blend. A mesh drawn
    ``once`` avoids it by way of the depth buffer, which nothing else uses: all its vertices go to the same depth,
    nearer than that of every earlier mesh, so that the second drawing of an edge fails the test. Its triangles must
    be in front of the camera.
    """

    def __init__(
        self,
        parent: Any,
        name: str,
        blend: str = "opaque",
        texture: Any = None,
        two_sided: bool = True,
        once: bool = False,
    ) -> None:
        self._once, self._blended, self._faded = once, blend != "opaque", False
        self._data = core.GeomVertexData(name, FORMAT, core.Geom.UH_stream)
        self._triangles = core.GeomTriangles(core.Geom.UH_stream)
        geom = core.Geom(self._data)
        geom.add_primitive(self._triangles)
        self._node = core.GeomNode(name)
        self._node.add_geom(geom)
        # What is outside the frame is left out before it gets here: bounds need not be found from the vertices.
        self._node.set_bounds(core.OmniBoundingVolume())
        self._node.set_final(True)
        self.path = parent.attach_new_node(self._node)
        self.path.set_two_sided(two_sided)
        if blend == "add":
            self.path.set_attrib(_ADD)
        elif blend == "alpha":
            self.path.set_transparency(core.TransparencyAttrib.M_alpha)
        if once:
            self.path.set_depth_test(True)
            self.path.set_depth_write(True)
        self.texture: Any = None
        if texture is not None:
            self.set_texture(texture)
        self.hide()

    def set_texture(self, texture: Any) -> None:
        if texture is not self.texture:
            self.texture = texture
            if texture is None:
                self.path.clear_texture()
            else:
                self.path.set_texture(texture)

    def fade(self, clear: float) -> None:
        """Let what is behind an opaque mesh shine through: its vertices' alpha counts when ``clear`` is below 1."""
        if (clear < 1) != self._faded:
            self._faded = clear < 1
            mode = core.TransparencyAttrib.M_alpha if self._faded else core.TransparencyAttrib.M_none
            self.path.set_transparency(mode)

    def hide(self) -> None:
        self.path.hide()

    def show(self, vertices: np.ndarray, triangles: np.ndarray, order: int) -> None:
        """Draw ``vertices`` (VERTEX) as ``triangles`` ``(m, 3)``, after everything of lower ``order``."""
        if not len(triangles):
            self.hide()
            return
        if self._blended:
            # In software a colour that runs down to 0 may step below it and wrap around to a white dot.
            vertices = vertices.copy()
            np.maximum(vertices["color"], FAINTEST, out=vertices["color"])
        if self._once:
            vertices, triangles = _flattened(vertices, triangles, order)
        geom = self._node.modify_geom(0)
        data = geom.modify_vertex_data()
        data.unclean_set_num_rows(len(vertices))
        data.modify_array_handle(0).copy_data_from(np.ascontiguousarray(vertices).view(np.uint8).reshape(-1))
        primitive = geom.modify_primitive(0)
        wide = len(vertices) > 0xFFFF
        primitive.set_index_type(core.Geom.NT_uint32 if wide else core.Geom.NT_uint16)
        indices = np.ascontiguousarray(triangles, np.uint32 if wide else np.uint16).reshape(-1)
        store = primitive.modify_vertices()
        store.unclean_set_num_rows(len(indices))
        store.modify_handle().copy_data_from(indices.view(np.uint8))
        self.path.set_bin("fixed", order)
        self.path.show()


def _flattened(vertices: np.ndarray, triangles: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    depth = 2.0 - 0.005 * order
    position = vertices["position"]
    x, y, z = position[:, 0], position[:, 1].copy(), position[:, 2]
    ahead = y > 0.02 * np.maximum(np.abs(x), np.abs(z))
    whole = bool(ahead.all())
    factor = np.float32(depth) / (y if whole else np.where(ahead, y, np.float32(1)))
    x *= factor
    z *= factor
    position[:, 1] = depth
    return vertices, triangles if whole else triangles[ahead[triangles].all(axis=1)]


@lru_cache(maxsize=64)
def strip(rows: int, columns: int) -> np.ndarray:
    """Triangles ``(m, 3)`` of a grid of vertices, counter-clockwise when rows run up and columns run right."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.stack([np.stack([a, b, d], -1), np.stack([a, d, c], -1)], 2).reshape(-1, 3)


CORNERS = np.array([(-1.0, -1.0), (3.0, -1.0), (-1.0, 3.0)])
"""Of the triangle that shows a texture whose sides are from -1 to 1. One oversized triangle: two would be drawn twice
along their common edge, which shows where light is added."""


def sprites(centres: np.ndarray, size: np.ndarray, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles that show a glow texture at view-space ``centres`` ``(n, 3)`` with half-widths ``size``
    ``(n,)``."""
    n = len(centres)
    fx, fy, fz = (centres / np.sqrt(np.einsum("ij,ij->i", centres, centres))[:, None]).T
    short = np.hypot(fx, fy)
    steep = short <= 1e-6
    short = np.maximum(short, 1e-6)
    rx, ry = np.where(steep, 1.0, fy / short), np.where(steep, 0.0, -fx / short)
    right = np.stack([rx, ry, np.zeros(n)], -1)
    up = np.stack([ry * fz, -rx * fz, rx * fy - ry * fx], -1)
    vertices = np.zeros((n, 3), VERTEX)
    vertices["position"] = (
        centres[:, None]
        + (size[:, None] * CORNERS[:, 0])[..., None] * right[:, None]
        + (size[:, None] * CORNERS[:, 1])[..., None] * up[:, None]
    )
    vertices["color"] = to_rgba(rgb)[:, None]
    vertices["uv"] = (CORNERS + 1) / 2
    return vertices.reshape(-1), np.arange(3 * n).reshape(-1, 3)


def glow_texture(name: str, profile: Any, side: int = 64) -> Any:
    """White texture whose brightness is ``profile(radius 0..1)``; black at and beyond its edge."""
    x = (np.arange(side) + 0.5) / side * 2 - 1
    radius = np.hypot(x[:, None], x[None, :])
    level = np.clip(profile(np.minimum(radius, 1.0)), 0, 1) * (radius < 1)
    level[0], level[-1], level[:, 0], level[:, -1] = 0, 0, 0, 0
    grey = (level * 255 + 0.5).astype(np.uint8)
    return make_texture(name, np.dstack([grey, grey, grey, grey]))
