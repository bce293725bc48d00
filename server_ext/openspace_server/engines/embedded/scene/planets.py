"""Planets, moons and the Sun seen as discs: surface, softened limb, night lights, atmosphere and glow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from openspace_server.engines.embedded.graphics import shading
from openspace_server.engines.embedded.graphics.globe import (
    Globe,
    Grid,
    circle,
    circles,
    limb,
    map_coordinates,
    surface_grid,
    widened,
)
from openspace_server.engines.embedded.graphics.mesh import FAINTEST, VERTEX, Mesh, strip, to_rgba
from openspace_server.engines.embedded.graphics.textures import TextureMap
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.scene import eclipses
from openspace_server.engines.embedded.scene.rings import Rings, RingShadow
from openspace_server.engines.embedded.scene_graph.nodes import Look
from openspace_server.engines.embedded.sky.bodies import BODIES
from openspace_server.engines.embedded.sky.units import PARSEC
from openspace_server.geometry import quaternions as quat

LAYERS = 10
"""Orders that one body uses; the last one is left to points in front of it."""

SUN_IS_A_STAR = (0.003 * PARSEC, 0.05 * PARSEC)
"""Metres between which the Sun's glow gives way to one star among the others."""
_GLOW = np.linspace(0, 1, 20) ** 1.7  # rings of the Sun's glow, parts of its size
_LEVEL = np.maximum(0.9 * np.exp(-_GLOW / 0.15) * (1 - _GLOW) ** 2 + 0.20 * (1 - _GLOW) ** 3 - 2.5 / 255, 0)
_SEEN = int(np.count_nonzero(_LEVEL))  # the ring where it ends
_GLOW_SEGMENTS = 48
_ALL_GLOW = 4.0  # radius in pixels up to which a star is nothing but its glow


class Planet:
    """Draws body ``index`` when its disc is at least a few pixels wide."""

    def __init__(self, root: Any, index: int, software: bool) -> None:
        body = BODIES[index]
        self._index, self._body = index, body
        self._scale = np.array([body.radius, body.radius, body.polar_radius])
        name = body.identifier
        self._map = TextureMap(body.texture, software, "earth_clouds" if name == "Earth" else "")
        self._shade = shading.SURFACES.get(name, shading.rock)
        self._surface = Mesh(root, name, two_sided=False)
        self._rim = Mesh(root, f"{name} rim", "alpha", once=True)
        self._lights = TextureMap("earth_night", software) if name == "Earth" else None
        self._night = Mesh(root, f"{name} night", two_sided=False)
        self._dusk = Mesh(root, f"{name} dusk", "alpha", two_sided=False)
        self._atmosphere = shading.ATMOSPHERES.get(name)
        self._air = Mesh(root, f"{name} air", "add", once=True) if self._atmosphere else None
        self._rings = Rings(root) if body.extent > 1 else None
        self._clear = self._by_night = 1.0
        self._ringed = True
        self._eclipse: Callable[[np.ndarray], np.ndarray] | None = None
        self._shadow = RingShadow() if body.extent > 1 else None
        self._glow = Mesh(root, f"{name} glow", "add", once=True) if body.kind == "star" else None

    def hide(self) -> None:
        meshes = (self._surface, self._rim, self._night, self._dusk, self._air, self._rings, self._glow)
        for mesh in meshes:
            if mesh is not None:
                mesh.hide()

    def release(self) -> None:
        """Free what only a near view needs. To be called while hidden or before the next ``show``."""
        for mesh in (self._surface, self._rim, self._night, self._dusk):
            mesh.set_texture(None)
        for texture_map in (self._map, self._lights):
            if texture_map is not None:
                texture_map.release()

    def show(self, view: View, look: Look, order: int) -> None:
        """Draw with orders from ``order`` to ``order + LAYERS - 1``."""
        i = self._index
        self._clear = float(look.bodies[i])
        self._by_night, self._ringed = look.night, look.rings > 0
        self._map.cover(look.clouds)
        pixels = float(view.radius_pixels[i])
        offset = view.offsets[i]
        globe = Globe(view.ephemeris.body_axes(i), self._scale * look.scales[i], offset, view.axes)
        eye = globe.eye
        if float(np.linalg.norm(eye)) <= 1.0:  # the path around something far may lead through it
            self.hide()
            return
        position = view.ephemeris.positions[i]
        sun = globe.direction(-position) if i else np.array([1.0, 0.0, 0.0])
        if self._rings is not None:
            self._rings.show(globe, sun, order + 1, look.rings * self._clear)
        if self._glow is not None:
            glare = look.glare * (1 - float(shading.smooth(*SUN_IS_A_STAR, view.distances[i])))
            alone = glare > 0.5 and pixels < _ALL_GLOW
            self._show_glow(view, pixels, 0.0 if alone else pixels, glare, order)
            if alone:
                # So small a disc would be a dark dot in its own glow.
                self._surface.hide()
                self._rim.hide()
                return
        casters = eclipses.casters(i, view.ephemeris)
        self._eclipse = (
            (lambda points: eclipses.light(i, casters, globe.from_centre(points), view.ephemeris)) if casters else None
        )
        grid = surface_grid(eye, int(np.clip(pixels / 6, 12, 44)))
        light = self._light(globe, grid.points, eye, sun)
        vertices = np.empty(len(grid.points), VERTEX)
        vertices["position"] = globe.to_view(grid.points)
        texture, scale, shift = self._map.fit(pixels, grid.low, grid.high, view.exact)
        vertices["uv"] = grid.uv * scale + shift
        self._surface.set_texture(texture)
        self._rim.set_texture(texture)
        rgb = self._lit(grid.points, sun, light)
        if self._lights is None:
            vertices["color"] = to_rgba(rgb, self._clear)
            self._surface.fade(self._clear)
            self._surface.show(vertices, grid.triangles, order + 2)
        else:
            day = shading.daylight(light.sun)
            self._show_day_and_night(vertices, grid, rgb, day, pixels, view.exact, order + 2)
        middle = float(grid.low[0] + grid.high[0]) / 2
        self._show_rim(view, globe, eye, sun, (scale, shift, middle), order + 5)
        if self._air is not None:
            self._show_air(globe, eye, sun, pixels, float(look.air[i]) * self._clear, order + 6)

    def _show_day_and_night(
        self, vertices: np.ndarray, grid: Grid, rgb: np.ndarray, day: np.ndarray, pixels: float, exact: bool, order: int
    ) -> None:
        """Day, night, and dusk: day, half clear, over night. Only dusk is drawn twice."""
        assert self._lights is not None
        one, two, three = day[grid.triangles.T]
        full = np.minimum(np.minimum(one, two), three) >= 1
        none = np.maximum(np.maximum(one, two), three) <= 0
        vertices["color"] = to_rgba(rgb, day * self._clear)
        for mesh in (self._surface, self._night):
            mesh.fade(self._clear)
        self._surface.show(vertices, grid.triangles[full], order)
        self._dusk.set_texture(self._surface.texture)
        self._dusk.show(vertices, grid.triangles[~full & ~none], order + 2)
        if full.all():
            self._night.hide()
            return
        lights, scale, shift = self._lights.fit(pixels, grid.low, grid.high, exact)
        self._night.set_texture(lights)
        vertices["uv"] = grid.uv * scale + shift
        vertices["color"] = np.array([[self._by_night] * 3 + [self._clear]]) * 255 + 0.5
        self._night.show(vertices, grid.triangles[~full], order + 1)

    def _light(self, globe: Globe, points: np.ndarray, eye: np.ndarray, sun: np.ndarray) -> shading.Light:
        if globe.scale[0] == globe.scale[2]:
            along = points @ eye
            return shading.Light(points @ sun, (along - 1) / np.sqrt(np.maximum(eye @ eye + 1 - 2 * along, 1e-18)))
        towards = (eye - points) * (globe.scale / globe.scale[0])
        size = np.sqrt(np.einsum("ij,ij->i", towards, towards))
        normals = globe.normals(points)
        return shading.Light(normals @ sun, np.einsum("ij,ij->i", normals, towards) / size)

    def _lit(self, points: np.ndarray, sun: np.ndarray, light: shading.Light) -> np.ndarray:
        rgb = self._shade(light)
        if self._shadow is not None and self._ringed:
            shine = sun / self._scale
            rgb = rgb * self._shadow.on(points, shine / quat.length(shine))[:, None]
        if self._eclipse is not None:
            rgb = rgb * self._eclipse(points)
        return rgb

    def _show_rim(
        self,
        view: View,
        globe: Globe,
        eye: np.ndarray,
        sun: np.ndarray,
        fit: tuple[np.ndarray, np.ndarray, float],
        order: int,
    ) -> None:
        """A pixel-wide ring that fades out from the limb: the software renderer has no other anti-aliasing."""
        slope = 1.25 / view.focal
        points = limb(eye, int(np.clip(view.radius_pixels[self._index] / 2.5, 24, 96)), np.ones(1))[0]
        light = self._light(globe, points, eye, sun)
        inner = globe.to_view(points)
        vertices = np.empty((2, len(points)), VERTEX)
        outer = widened(inner, globe.ahead * globe.zoom, slope)
        vertices["position"][0] = 1.6 * inner - 0.6 * outer
        vertices["position"][1] = outer
        uv = map_coordinates(points)
        scale, shift, middle = fit
        uv[:, 0] += np.round(middle - uv[:, 0].mean())
        vertices["uv"] = uv * scale + shift
        rgb = self._lit(points, sun, light)
        day = self._clear * (1.0 if self._lights is None else shading.daylight(light.sun))
        vertices["color"][0], vertices["color"][1] = to_rgba(rgb, day), to_rgba(rgb, 0.0)
        self._rim.show(vertices.reshape(-1), strip(2, len(points)), order)

    def _show_air(
        self, globe: Globe, eye: np.ndarray, sun: np.ndarray, pixels: float, level: float, order: int
    ) -> None:
        assert self._air is not None
        assert self._atmosphere is not None
        if pixels < 8 or level <= 0:
            self._air.hide()
            return
        count = int(np.clip(pixels / 5, 32, 72))
        distance = quat.length(eye)
        over = circles(eye, count, shading.haze_angles(distance))
        heights = shading.haze_heights(self._atmosphere, distance - 1)[1:]
        rings = np.concatenate([over, limb(eye, count, 1 + heights)])
        points = rings.reshape(-1, 3)
        height = np.repeat(np.concatenate([np.zeros(len(over)), heights]), count + 1)
        normals = points / (1 + height)[:, None]
        facing = np.where(height > 0, 0.0, self._light(globe, points, eye, sun).eye)
        rgb = level * shading.haze(self._atmosphere, normals @ sun, facing, height)
        vertices = np.zeros(len(points), VERTEX)
        vertices["position"], vertices["color"] = globe.to_view(points), to_rgba(rgb)
        triangles = strip(len(rings), count + 1)
        lit = vertices["color"][:, :3].max(axis=1) > FAINTEST
        self._air.show(vertices, triangles[lit[triangles].any(axis=1)], order)

    def _show_glow(self, view: View, pixels: float, hidden: float, level: float, order: int) -> None:
        """``hidden`` pixels around the middle will be covered by the disc."""
        assert self._glow is not None
        if level <= 0:
            self._glow.hide()
            return
        size = float(np.clip(4.0 * pixels, 0.085 * view.height, 1.0 * view.height)) / view.focal
        centre = view.axes @ (view.offsets[self._index] / view.distances[self._index])
        right = quat.perpendicular(centre)
        rim = circle(_GLOW_SEGMENTS) @ np.array([right, quat.cross(right, centre)])
        # What the disc will cover need not be drawn.
        first = max(int(np.searchsorted(size * _GLOW, 0.97 * hidden / view.focal)) - 1, 0)
        rings = slice(first, _SEEN + 1)
        vertices = np.zeros((len(_GLOW[rings]), _GLOW_SEGMENTS + 1), VERTEX)
        vertices["position"] = centre + (size * _GLOW[rings])[:, None, None] * rim
        vertices["color"] = to_rgba(level * _LEVEL[rings, None] * np.array([1.0, 0.92, 0.78]))[:, None]
        self._glow.show(vertices.reshape(-1), strip(len(vertices), _GLOW_SEGMENTS + 1), order)
