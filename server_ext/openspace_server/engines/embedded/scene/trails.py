"""Trails: the present orbit of each body as a soft ribbon that fades ahead of the body.

Lines of the software renderer have neither blending nor soft edges, so these are triangles, placed in the frame's
plane.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from openspace_server.engines.embedded.graphics.mesh import VERTEX, Mesh
from openspace_server.engines.embedded.graphics.shading import smooth
from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.scene_graph.nodes import Look
from openspace_server.engines.embedded.sky.bodies import BODIES, PARENT
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris

_GM = {
    "Sun": 1.32712440018e20,
    "Earth": 4.035032e14,  # with the Moon's share
    "Jupiter": 1.266865e17,
    "Saturn": 3.7931208e16,
    "Uranus": 5.793951e15,
    "Neptune": 6.836527e15,
    "Pluto": 9.755e11,  # with Charon's
}  # m^3/s^2
_POINTS = 241
_STALE = 1 / 2000  # of a period

_ROWS = np.array([i for i, parent in enumerate(PARENT) if parent >= 0])
_PARENTS = np.array([PARENT[i] for i in _ROWS])
_MU = np.array([_GM[BODIES[p].identifier] for p in _PARENTS])
# Eccentric anomalies from the body: dense near it, so that the line runs through it however near one looks.
_K = 3.5
_STEPS = np.pi * np.sinh(np.linspace(-_K, _K, _POINTS)) / np.sinh(_K)


def ellipses(positions: np.ndarray, velocities: np.ndarray, mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of osculating ellipses relative to the bodies, metres ``(n, points, 3)``, and the periods ``(n,)`` in
    seconds.

    ``positions`` and ``velocities`` ``(n, 3)`` relative to the centre, ``mu`` its gravitational parameters ``(n,)``.
    """
    r = np.linalg.norm(positions, axis=1)
    a = 1 / (2 / r - np.einsum("ij,ij->i", velocities, velocities) / mu)
    h = np.cross(positions, velocities)
    e_vector = np.cross(velocities, h) / mu[:, None] - positions / r[:, None]
    e = np.maximum(np.linalg.norm(e_vector, axis=1), 1e-9)
    p = e_vector / e[:, None]
    q = np.cross(h / np.linalg.norm(h, axis=1, keepdims=True), p)
    now = np.arctan2(np.einsum("ij,ij->i", positions, velocities) / np.sqrt(mu * a), 1 - r / a)
    anomaly = now[:, None] + _STEPS
    x = a[:, None] * (np.cos(anomaly) - np.cos(now)[:, None])
    y = (a * np.sqrt(1 - e * e))[:, None] * (np.sin(anomaly) - np.sin(now)[:, None])
    return x[..., None] * p[:, None] + y[..., None] * q[:, None], 2 * np.pi * np.sqrt(a**3 / mu)


class Trails:
    """All trails as one mesh."""

    def __init__(self, root: Any) -> None:
        self._mesh = Mesh(root, "trails", "alpha", once=True)
        self._points: np.ndarray | None = None
        self._sizes = self._periods = np.zeros(len(_ROWS))
        self._seconds = 0.0
        # Faint ahead of the body, clear behind it.
        self._fade = 0.18 + 0.55 * np.interp(_STEPS, [-np.pi, -1e-9, 0, np.pi], [0.10, 1.0, 0.02, 0.10])

    def _update(self, ephemeris: Ephemeris, exact: bool) -> tuple[np.ndarray, np.ndarray]:
        """Points and sizes of the ellipses; of this very moment if ``exact``, else of about this time."""
        if exact:
            return self._ellipses(ephemeris)[:2]
        if self._points is None or abs(ephemeris.seconds - self._seconds) > _STALE * self._periods.min():
            self._points, self._sizes, self._periods = self._ellipses(ephemeris)
            self._seconds = ephemeris.seconds
        return self._points, self._sizes

    @staticmethod
    def _ellipses(ephemeris: Ephemeris) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        relative = ephemeris.positions[_ROWS] - ephemeris.positions[_PARENTS]
        points, periods = ellipses(relative, ephemeris.velocities[_ROWS] - ephemeris.velocities[_PARENTS], _MU)
        return points, np.linalg.norm(relative, axis=1), periods

    def show(self, view: View, look: Look, order: int) -> None:
        if not look.trails[_ROWS].any():
            self._mesh.hide()
            return
        points, sizes = self._update(view.ephemeris, view.exact)
        strength = self._strength(view, sizes) * look.trails[_ROWS]
        chosen = np.nonzero(strength > 0.02)[0]
        if not len(chosen):
            self._mesh.hide()
            return
        seen = points[chosen] @ view.axes.T + view.seen[_ROWS[chosen], None]
        ahead = seen[..., 1] > 1e-6 * np.linalg.norm(seen, axis=-1)
        flat = seen[..., [0, 2]] / np.where(ahead, seen[..., 1], 1.0)[..., None]
        along = np.empty_like(flat)
        along[:, 1:-1] = flat[:, 2:] - flat[:, :-2]
        along[:, 0], along[:, -1] = flat[:, 1] - flat[:, 0], flat[:, -1] - flat[:, -2]
        along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-12)
        side = np.stack([-along[..., 1], along[..., 0]], -1) * (0.625 * max(1.0, view.height / 900) / view.focal)
        side *= look.widths[_ROWS[chosen], None, None]
        vertices = np.zeros((len(chosen), 3, _POINTS), VERTEX)
        position = vertices["position"]
        position[..., 1] = 1.0
        for row, amount in enumerate((-1.0, 0.0, 1.0)):
            position[:, row, :, 0], position[:, row, :, 2] = (flat[..., k] + amount * side[..., k] for k in (0, 1))
        vertices["color"][..., :3] = (look.colors[_ROWS[chosen]][:, None, None] * 255).astype(np.uint8)
        vertices["color"][:, 1, :, 3] = (255 * strength[chosen, None] * self._fade).astype(np.uint8)
        self._mesh.show(vertices.reshape(-1), self._triangles(view, flat, ahead), order)

    def _triangles(self, view: View, flat: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Triangles of the segments that touch the frame."""
        edge = np.array([view.width, view.height]) / 2 / view.focal * 1.02
        low = np.minimum(flat[:, :-1], flat[:, 1:])
        high = np.maximum(flat[:, :-1], flat[:, 1:])
        inside = ((low < edge) & (high > -edge)).all(axis=-1) & ahead[:, :-1] & ahead[:, 1:]
        body, at = np.nonzero(inside)
        first = (body * 3 * _POINTS + at)[:, None]
        quads = [first + row * _POINTS + np.array([0, 1, _POINTS + 1, 0, _POINTS + 1, _POINTS]) for row in (0, 1)]
        return np.concatenate(quads).reshape(-1, 3)

    def _strength(self, view: View, sizes: np.ndarray) -> np.ndarray:
        """0..1 per trail: fading where its body is a disc, where a disc fills the view, and where it shrinks to a
        dot."""
        near = 1 - smooth(0.04 * view.height, 0.22 * view.height, view.radius_pixels)
        span = view.focal * sizes / np.maximum(view.distances[_PARENTS], 1.0)
        disc = view.radius_pixels[_PARENTS]
        around = smooth(12, 40, span) * smooth(1.3, 2.5, span / np.maximum(disc, 1e-9))
        far = 1 - smooth(2.0, 6.0, span / view.height)
        planet = _PARENTS == 0
        return near[_ROWS] * around * np.where(planet, near.min(), 0.75 * far)
