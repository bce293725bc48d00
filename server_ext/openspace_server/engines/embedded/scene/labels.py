"""Labels of the bodies: constant size on screen, never over each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded.graphics.mesh import DATA
from openspace_server.engines.embedded.graphics.shading import smooth
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.scene_graph.nodes import Look
from openspace_server.engines.embedded.sky.bodies import BODIES, PARENT

_RANK = np.array([-1 if parent < 0 else min(parent, 1) for parent in PARENT])  # the Sun, planets, moons


class _Texts:
    """The names in one size."""

    def __init__(self, root: Any, size: int) -> None:
        font = core.DynamicTextFont(core.Filename.from_os_specific(str(DATA / "DejaVuSans.ttf")))
        font.set_pixels_per_unit(size)
        font.set_scale_factor(1)
        font.set_minfilter(core.SamplerState.FT_nearest)
        font.set_magfilter(core.SamplerState.FT_nearest)
        self.size = size
        self.root = root.attach_new_node(f"labels {size}")
        self.paths: list[Any] = []
        self.shown: set[int] = set()
        self.extents = np.zeros((len(BODIES), 2))
        """Widths and heights, pixels."""
        for i, body in enumerate(BODIES):
            text = core.TextNode(body.identifier)
            text.set_font(font)
            text.set_text(body.name)
            pale = 0.45 + 0.55 * np.array(body.color)
            text.set_text_color(*pale, 1)
            text.set_shadow(1 / size, 1 / size)
            text.set_shadow_color(0, 0, 0, 0.7)
            path = self.root.attach_new_node(text.generate())
            path.set_transparency(core.TransparencyAttrib.M_alpha)
            path.hide()
            self.paths.append(path)
            self.extents[i] = text.get_width() * size, text.get_height() * size


class Labels:
    """One text per body, in a size that follows the frame's height; the last two sizes are kept."""

    def __init__(self, root: Any) -> None:
        self._root = root.attach_new_node("labels")
        self._made: list[_Texts] = []

    def _texts(self, size: int) -> _Texts:
        texts = next((each for each in self._made if each.size == size), None) or _Texts(self._root, size)
        self._made = [each for each in self._made if each is not texts] + [texts]
        while len(self._made) > 2:
            self._made.pop(0).root.remove_node()
        for each in self._made[:-1]:
            each.root.hide()
        texts.root.show()
        return texts

    def show(self, view: View, focus: int, look: Look, order: int) -> None:
        levels = look.labels * (look.bodies > 0)
        if not levels.any():
            self._root.hide()
            return
        self._root.show()
        size = int(np.clip(round(view.height / 720 * 14), 11, 84))
        texts = self._texts(size)
        alphas = self._alphas(view) * levels
        taken: list[tuple[float, float, float, float]] = []
        rank = np.where(np.arange(len(BODIES)) == focus, -2, _RANK)
        clear = alphas >= 0.03
        shown: set[int] = set()
        for i in np.lexsort((view.distances, rank)).tolist():
            box = self._box(view, i, texts) if clear[i] else None
            if box is None or any(_overlap(box, other) for other in taken) or view.is_hidden(i):
                continue
            text = texts.paths[i]
            taken.append(box)
            shown.add(i)
            x, z = round(box[0]) + view.width % 2 / 2, round(box[1] + 0.3 * size) + view.height % 2 / 2
            text.set_pos(x / view.focal, 1.0, z / view.focal)
            text.set_scale(size / view.focal)
            text.set_alpha_scale(float(alphas[i]))
            text.set_bin("fixed", order)
            text.show()
        for i in texts.shown - shown:
            texts.paths[i].hide()
        texts.shown = shown

    def _alphas(self, view: View) -> np.ndarray:
        """Names fade where the body is plain to see, and moons' where they crowd their planet."""
        alpha = 0.9 * (1 - smooth(0.05 * view.height, 0.10 * view.height, view.radius_pixels))
        parents = np.array(PARENT)
        moon = parents > 0
        gap = np.linalg.norm(view.pixels - view.pixels[parents], axis=1)
        real = (
            view.focal
            * np.linalg.norm(view.ephemeris.positions - view.ephemeris.positions[parents], axis=1)
            / view.distances[parents]
        )
        alpha = np.where(moon, alpha * smooth(14, 34, np.maximum(gap, 0.6 * real)) * smooth(18, 40, real), alpha)
        return np.where(view.on_screen & view.apart, alpha, 0.0)

    @staticmethod
    def _box(view: View, index: int, texts: _Texts) -> tuple[float, float, float, float] | None:
        """Left, bottom, right, top in pixels from the middle; None where it would leave the frame."""
        x, y = view.pixels[index]
        wide, tall = texts.extents[index]
        left = x + max(view.radius_pixels[index] * 0.75, 4.0) + 0.4 * texts.size
        bottom = y + max(view.radius_pixels[index] * 0.6, 1.0) - 0.2 * tall
        if left < -view.width / 2 + 2 or left + wide > view.width / 2 - 2:
            return None
        if bottom < -view.height / 2 + 2 or bottom + tall > view.height / 2 - 2:
            return None
        return left - 2, bottom - 1, left + wide + 4, bottom + tall + 1


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
