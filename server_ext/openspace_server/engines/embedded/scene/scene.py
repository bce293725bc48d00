"""The scene in drawing order: stars, trails, bodies from far to near, labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded.camera.orbital_camera import VIEW_HEIGHT
from openspace_server.engines.embedded.graphics.mesh import Mesh, glow_texture, sprites
from openspace_server.engines.embedded.graphics.shading import smooth
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.points.occlusion import Occluder
from openspace_server.engines.embedded.points.points import Points
from openspace_server.engines.embedded.scene.labels import Labels
from openspace_server.engines.embedded.scene.planets import LAYERS, SUN_IS_A_STAR, Planet
from openspace_server.engines.embedded.scene.stars import Stars
from openspace_server.engines.embedded.scene.trails import Trails
from openspace_server.engines.embedded.scene_graph.nodes import Look
from openspace_server.engines.embedded.sky.bodies import BODIES, PARENT
from openspace_server.engines.point_engine import PickedPoint

NEAR_FAR = (0.005, 100.0)
"""Distances of the lens' planes."""
_LARGE, _KEPT = 90.0, 2  # radius in pixels from which maps are large, and how many bodies may keep such ones
_SUNS = np.array(PARENT) < 0
_DISC = 2.4  # pixels of radius from which a body is drawn as a globe
_POINTS, _TRAILS, _DOTS_BEHIND, _BODIES = 8, 10, 12, 20
_DOTS_BEFORE, _LABELS = _BODIES + LAYERS * len(BODIES), _BODIES + LAYERS * len(BODIES) + 1


class Scene:
    """The renderer's scene graph. There is no depth test: what is drawn later covers. ``on_ready`` as in
    :class:`.Points`."""

    def __init__(self, canvas: Any, on_ready: Callable[[], None] = lambda: None) -> None:
        self.root = core.NodePath("scene")
        self._software = not canvas.probe.gpu
        self.root.set_depth_test(False)
        self.root.set_depth_write(False)
        self._lens = core.PerspectiveLens()
        self._lens.set_near_far(*NEAR_FAR)
        self._aimed: dict[int, tuple[object, ...]] = {}  # what each lens shows
        canvas.look_through(self.root.attach_new_node(core.Camera("camera", self._lens)))
        dot = glow_texture("dot", lambda r: smooth(1.0, 0.30, r), 16)
        self._stars = Stars(self.root, self._software)
        self._trails = Trails(self.root)
        self._planets: dict[int, Planet] = {}
        self._near: list[int] = []  # bodies seen large, the latest last
        self._dots = [Mesh(self.root, name, "alpha", dot) for name in ("dots behind", "dots before")]
        self._labels = Labels(self.root)
        self._last: tuple[View, list[Occluder]] | None = None
        self.points = Points(self.root, self._software, on_ready)

    def update(self, view: View, focus: int, look: Look, moving: bool = False) -> None:
        """Make the scene graph show ``view`` with ``look``; ``moving`` allows to leave out points."""
        self.aim(self._lens, view, (0, 0), (view.width, view.height))
        self._stars.show(view, look)
        self._trails.show(view, look, _TRAILS)
        visible = view.on_screen & (look.bodies > 0)
        discs = visible & ((view.radius_pixels >= _DISC) | (_SUNS & (view.distances < SUN_IS_A_STAR[1])))
        # Of two balls the one with the smaller tangent length is in front.
        tangents = (view.distances - view.radii) * (view.distances + view.radii)
        ranks = np.argsort(-tangents)
        found = [
            Occluder(view.seen[i], float(view.radii[i]), _BODIES + LAYERS * (rank + 1) - 1)
            for rank, i in enumerate(ranks)
            if discs[i] and view.radius_pixels[i] >= _DISC
        ]
        self.points.show(view, moving, found, _POINTS)
        if not view.exact:
            self._last = view, found
        for rank, i in enumerate(ranks):
            if discs[i]:
                self._planet(int(i)).show(view, look, _BODIES + LAYERS * rank)
            elif int(i) in self._planets:
                self._planets[int(i)].hide()
        self._tidy(view, discs)
        self._show_dots(view, visible & ~discs & ~_SUNS, discs, look)
        self._labels.show(view, focus, look, _LABELS)

    def pick(self, x: float, y: float) -> PickedPoint | None:
        """The point at ``x``, ``y`` of the last live frame; see :meth:`.Points.pick`."""
        return self.points.pick(*self._last, x, y) if self._last is not None else None

    def aim(self, lens: Any, view: View, corner: tuple[float, float], size: tuple[int, int]) -> None:
        """Let ``lens`` show the part of the frame whose top left is ``corner``, pixels, on a canvas of ``size``."""
        # The software renderer spreads a view over half a pixel less than its canvas has.
        key = (view.width, view.height, corner, size)
        if self._aimed.get(id(lens)) == key:
            return
        self._aimed[id(lens)] = key
        pixel, (wide, tall) = VIEW_HEIGHT / view.height, (side - 0.5 * self._software for side in size)
        lens.set_film_size(wide * pixel, tall * pixel)
        lens.set_film_offset(
            (corner[0] + (wide - view.width) / 2) * pixel, ((view.height - tall) / 2 - corner[1]) * pixel
        )
        lens.set_focal_length(1.0)

    def _tidy(self, view: View, discs: np.ndarray) -> None:
        """Keep maps at full size only for the bodies that were seen large last."""
        for i in np.nonzero(discs & (view.radius_pixels > _LARGE))[0].tolist():
            if i in self._near:
                self._near.remove(i)
            self._near.append(i)
        resting, self._near = self._near[:-_KEPT], self._near[-_KEPT:]
        for i in resting:
            self._planets[i].release()

    def _planet(self, index: int) -> Planet:
        if index not in self._planets:
            self._planets[index] = Planet(self.root, index, self._software)
        return self._planets[index]

    def _show_dots(self, view: View, dots: np.ndarray, discs: np.ndarray, look: Look) -> None:
        """Bodies too small for a globe, as soft dots that never get smaller than can be seen."""
        chosen = np.nonzero(dots & view.apart)[0]
        before = np.zeros(len(chosen), bool)
        for disc in np.nonzero(discs)[0]:
            before |= view.distances[chosen] < view.distances[disc]
        for mesh, part in zip(self._dots, (chosen[~before], chosen[before]), strict=True):
            if not len(part):
                mesh.hide()
                continue
            rgb = np.array([BODIES[i].color for i in part]) * look.bodies[part, None]
            moon = np.array([BODIES[i].kind == "moon" for i in part])
            least = np.where(moon, 2.0, 3.2) * max(1.0, view.height / 800)
            size = np.maximum(view.radius_pixels[part] * 1.55, least) / view.focal
            centres = view.seen[part] / view.distances[part][:, None]
            vertices, triangles = sprites(centres, size, rgb)
            mesh.show(vertices, triangles, _DOTS_BEHIND if mesh is self._dots[0] else _DOTS_BEFORE)
