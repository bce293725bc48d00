"""Names beside the bodies: constant size on screen, never over each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.embedded.bodies import BODIES, PARENT
from openspace_server.engines.embedded.mesh import DATA
from openspace_server.engines.embedded.nodes import Look
from openspace_server.engines.embedded.shading import smooth
from openspace_server.engines.embedded.view import View


class Labels:
    """One text per body, remade when the picture's height asks for another size."""

    def __init__(self, root: Any) -> None:
        self._root = root.attach_new_node("labels")
        self._size = 0
        self._texts: list[Any] = []
        self._extents = np.zeros((len(BODIES), 2))

    def _make(self, size: int) -> None:
        for text in self._texts:
            text.remove_node()
        font = core.DynamicTextFont(core.Filename.from_os_specific(str(DATA / "DejaVuSans.ttf")))
        font.set_pixels_per_unit(size)
        font.set_scale_factor(1)
        font.set_minfilter(core.SamplerState.FT_nearest)
        font.set_magfilter(core.SamplerState.FT_nearest)
        self._size, self._texts = size, []
        for i, body in enumerate(BODIES):
            text = core.TextNode(body.identifier)
            text.set_font(font)
            text.set_text(body.name)
            pale = 0.45 + 0.55 * np.array(body.colour)
            text.set_text_color(*pale, 1)
            text.set_shadow(1 / size, 1 / size)
            text.set_shadow_color(0, 0, 0, 0.7)
            path = self._root.attach_new_node(text.generate())
            path.set_transparency(core.TransparencyAttrib.M_alpha)
            path.hide()
            self._texts.append(path)
            self._extents[i] = text.get_width() * size, text.get_height() * size

    def show(self, view: View, focus: int, look: Look, order: int) -> None:
        wanted = look.labels * (look.bodies > 0)
        if not wanted.any():
            self._root.hide()
            return
        self._root.show()
        size = int(np.clip(round(view.height / 720 * 14), 11, 44))
        if size != self._size:
            self._make(size)
        alphas = self._alphas(view) * wanted
        taken: list[tuple[float, float, float, float]] = []
        rank = np.where(
            np.arange(len(BODIES)) == focus,
            -2,
            np.where(np.array(PARENT) < 0, -1, np.where(np.array(PARENT) == 0, 0, 1)),
        )
        for i in np.lexsort((view.distances, rank)):
            text = self._texts[i]
            box = self._box(view, int(i))
            if alphas[i] < 0.03 or box is None or any(_overlap(box, other) for other in taken) or view.hidden(int(i)):
                text.hide()
                continue
            taken.append(box)
            x, z = round(box[0]) + view.width % 2 / 2, round(box[1] + 0.3 * size) + view.height % 2 / 2
            text.set_pos(x / view.focal, 1.0, z / view.focal)
            text.set_scale(size / view.focal)
            text.set_alpha_scale(float(alphas[i]))
            text.set_bin("fixed", order)
            text.show()

    def _alphas(self, view: View) -> np.ndarray:
        """Names fade where the body is plain to see, and moons' where they crowd their planet."""
        alpha = 0.9 * (1 - smooth(0.05 * view.height, 0.10 * view.height, view.radius_pixels))
        parents = np.array(PARENT)
        moon = parents > 0
        gap = np.linalg.norm(view.pixels - view.pixels[parents], axis=1)
        real = (
            view.focal
            * np.linalg.norm(view.sky.positions - view.sky.positions[parents], axis=1)
            / view.distances[parents]
        )
        alpha = np.where(moon, alpha * smooth(14, 34, np.maximum(gap, 0.6 * real)) * smooth(18, 40, real), alpha)
        return np.where(view.on_screen, alpha, 0.0)

    def _box(self, view: View, index: int) -> tuple[float, float, float, float] | None:
        """Left, bottom, right, top in pixels from the middle; None where it would leave the picture."""
        x, y = view.pixels[index]
        wide, tall = self._extents[index]
        left = x + max(view.radius_pixels[index] * 0.75, 4.0) + 0.4 * self._size
        bottom = y + max(view.radius_pixels[index] * 0.6, 1.0) - 0.2 * tall
        if left < -view.width / 2 + 2 or left + wide > view.width / 2 - 2:
            return None
        if bottom < -view.height / 2 + 2 or bottom + tall > view.height / 2 - 2:
            return None
        return left - 2, bottom - 1, left + wide + 4, bottom + tall + 1


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
