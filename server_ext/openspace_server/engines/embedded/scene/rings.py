"""Saturn's rings: their density by radius, and their two halves behind and in front of the planet.

Radii of rings and gaps: NASA Planetary Data System ring tables (D 66,900, C 74,658, B 92,000, Cassini division 117,580,
A 122,170 to 136,775 km, Encke gap 133,589 km); the fine structure is seeded noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from openspace_server.engines.embedded.graphics.globe import Globe
from openspace_server.engines.embedded.graphics.mesh import VERTEX, Mesh, make_texture, strip, to_rgba
from openspace_server.engines.embedded.graphics.shading import smooth

EQUATOR = 60_268.0
INNER, OUTER = 66_900 / EQUATOR, 136_775 / EQUATOR
_EDGE = 0.006
_SEGMENTS, _CELLS, _TEXELS = 160, 6, 1024


def profile() -> tuple[np.ndarray, np.ndarray]:
    """Opacity ``(n,)`` and brightness ``(n,)``, 0..1, at even steps from INNER to OUTER."""
    r = np.linspace(INNER, OUTER, _TEXELS) * EQUATOR
    stops = [
        (66_900, 0.0),
        (72_000, 0.02),
        (74_600, 0.04),
        (74_700, 0.14),
        (84_000, 0.24),
        (91_900, 0.30),
        (92_100, 0.78),
        (98_500, 0.82),
        (100_500, 0.95),
        (112_000, 0.98),
        (117_500, 0.92),
        (117_650, 0.06),
        (120_000, 0.16),
        (122_000, 0.12),
        (122_250, 0.72),
        (130_000, 0.62),
        (133_380, 0.60),
        (133_430, 0.03),
        (133_750, 0.03),
        (133_800, 0.58),
        (136_500, 0.5),
        (136_775, 0.0),
    ]
    opacity = np.interp(r, [s for s, _ in stops], [o for _, o in stops])
    rng = np.random.default_rng(60268)
    grain = sum(
        np.interp(
            np.arange(_TEXELS),
            np.arange(0, _TEXELS + step, step),
            rng.normal(0, 1, _TEXELS // step + 2)[: len(np.arange(0, _TEXELS + step, step))],
        )
        * weight
        for step, weight in ((3, 0.35), (9, 0.35), (28, 0.3))
    )
    opacity = np.clip(opacity * (1 + 0.16 * grain), 0, 1)
    bright = np.interp(
        r, [66_900, 91_900, 92_200, 104_000, 117_500, 122_200, 136_775], [0.42, 0.52, 0.74, 0.92, 0.86, 0.72, 0.66]
    )
    return opacity, np.clip(bright * (1 + 0.07 * grain), 0, 1)


class RingShadow:
    """The shadow of the rings on the planet."""

    def __init__(self) -> None:
        opacity, _ = profile()
        self._radii = np.linspace(INNER, OUTER, _TEXELS)
        self._opacity = np.convolve(opacity, np.ones(24) / 24, mode="same")

    def on(self, points: np.ndarray, sun: np.ndarray) -> np.ndarray:
        """Factor 0..1 on the light at ball-space ``points`` ``(n, 3)``, for a ``sun`` direction in ball space."""
        if abs(sun[2]) < 1e-6:
            return np.ones(len(points))
        way = -points[:, 2] / sun[2]
        crossing = points[:, :2] + way[:, None] * sun[:2]
        cover = np.interp(np.linalg.norm(crossing, axis=1), self._radii, self._opacity, left=0, right=0)
        return 1 - 0.82 * cover * (way > 0)


class Rings:
    """Two meshes: the half behind the planet is drawn before it, the half in front of it after it."""

    def __init__(self, root: Any) -> None:
        opacity, bright = profile()
        row = np.stack([bright * 0.72, bright * 0.88, bright, opacity], -1)[None]
        texture = make_texture("saturn_rings", (np.repeat(row, 4, axis=0) * 255 + 0.5).astype(np.uint8))
        self._halves = [Mesh(root, f"rings_{half}", "alpha", texture) for half in ("behind", "before")]
        radii = np.linspace(INNER - _EDGE, OUTER + _EDGE, _CELLS + 1)
        around = np.linspace(0, 2 * np.pi, _SEGMENTS + 1)
        points = np.zeros((_CELLS + 1, _SEGMENTS + 1, 3))
        points[..., 0], points[..., 1] = np.outer(radii, np.cos(around)), np.outer(radii, np.sin(around))
        self._points = points.reshape(-1, 3)
        u = (radii - INNER) / (OUTER - INNER)
        self._uv = np.stack([np.repeat(u, _SEGMENTS + 1), np.full(self._points.shape[0], 0.5)], -1)
        self._triangles = strip(_CELLS + 1, _SEGMENTS + 1)
        self._middles = self._points[self._triangles].mean(axis=1)

    def show(self, globe: Globe, sun: np.ndarray, order: int, clear: float) -> None:
        """``sun``: its direction in body axes. Uses ``order`` for the half behind and ``order + 7`` for the half in
        front."""
        if clear <= 0:
            self.hide()
            return
        eye = globe.eye
        shine = sun / globe.scale
        shine = shine / np.linalg.norm(shine)
        along = self._points @ shine
        off = np.sqrt(np.maximum(np.einsum("ij,ij->i", self._points, self._points) - along**2, 0))
        lit = np.where(along < 0, smooth(0.985, 1.015, off), 1.0)
        same_side = eye[2] * sun[2] > 0
        level = lit * (1.12 if same_side else 0.42) + 0.02
        vertices = np.empty(len(self._points), VERTEX)
        vertices["position"] = globe.to_view(self._points)
        vertices["color"] = to_rgba(np.repeat(level[:, None], 3, axis=1), clear)
        vertices["uv"] = self._uv
        before = self._middles @ eye > 1
        self._halves[0].show(vertices, self._triangles[~before], order)
        self._halves[1].show(vertices, self._triangles[before], order + 7)

    def hide(self) -> None:
        for half in self._halves:
            half.hide()
