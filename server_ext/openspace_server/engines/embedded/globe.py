"""The visible part of a spheroid as vertices, as seen by one eye: surface grid, limb, and rings around the limb. Pure
NumPy.

All in *ball space*: the body's own axes scaled so that the body is the unit ball. There a point p of the surface is
visible exactly when p . eye > 1, and the limb is a circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Globe:
    """One body as seen this moment.

    Attributes:
        turn: rotation from body axes to ICRF axes.
        scale: (equatorial, equatorial, polar) radius, metres.
        offset: body minus camera, metres, ICRF axes.
        view: matrix from ICRF to view axes.
    """

    turn: np.ndarray
    scale: np.ndarray
    offset: np.ndarray
    view: np.ndarray

    @property
    def eye(self) -> np.ndarray:
        """The camera in ball space."""
        return (self.turn.T @ -self.offset) / self.scale

    def places(self, points: np.ndarray) -> np.ndarray:
        """View-space places of ball-space ``points`` ``(n, 3)``, the body's centre at distance 1."""
        matrix = self.view @ self.turn * self.scale
        distance = np.linalg.norm(self.offset)
        return (points @ (matrix.T / distance)) + (self.view @ self.offset) / distance

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Unit normals in body axes at ball-space ``points`` of the surface."""
        if self.scale[0] == self.scale[2]:
            return points
        n = points / (self.scale / self.scale[0])
        return n / np.linalg.norm(n, axis=1, keepdims=True)

    def direction(self, vector: np.ndarray) -> np.ndarray:
        """A direction of ICRF axes as a unit vector in body axes."""
        v = self.turn.T @ vector
        return v / np.linalg.norm(v)


class Grid(NamedTuple):
    """Points ``(n, 3)``, map places ``(n, 2)``, triangles ``(m, 3)``, and least and greatest map place in use
    ``(2,)``."""

    points: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    low: np.ndarray
    high: np.ndarray


def surface_grid(eye: np.ndarray, cells: int) -> Grid:
    """The part of the ball that ``eye`` sees.

    A grid of latitudes and longitudes about ``cells`` high, so that the map has no seam: u runs past 0 and 1 as needed.
    """
    distance = float(np.linalg.norm(eye))
    reach = float(np.arccos(min(1.0, 1 / distance)))
    pad = 1.2 * 2 * reach / cells
    lat = float(np.arcsin(np.clip(eye[2] / distance, -1, 1)))
    lon = float(np.arctan2(eye[1], eye[0]))
    low, high = max(lat - reach - pad, -np.pi / 2), min(lat + reach + pad, np.pi / 2)
    if high >= np.pi / 2 - 0.02 or low <= -np.pi / 2 + 0.02:
        half = np.pi
    else:
        half = min(np.pi, float(np.arcsin(min(1.0, np.sin(min(reach + pad, np.pi / 2)) / np.cos(lat)))) + pad)
    rows = cells + 1
    columns = int(np.clip(cells * half / reach * np.cos(lat) if half < np.pi else 2 * cells, cells, 2.2 * cells)) + 1
    lats = np.linspace(low, high, rows)
    lons = np.linspace(lon - half, lon + half, columns)
    points = np.empty((rows, columns, 3))
    points[..., 0] = np.outer(np.cos(lats), np.cos(lons))
    points[..., 1] = np.outer(np.cos(lats), np.sin(lons))
    points[..., 2] = np.sin(lats)[:, None]
    uv = np.empty((rows, columns, 2))
    uv[..., 0] = lons / (2 * np.pi) + 0.5
    uv[..., 1] = (lats / np.pi + 0.5)[:, None]
    seen = points @ eye > 1 - 1e-12
    near = seen[:-1] | seen[1:]
    near = near[:, :-1] | near[:, 1:]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (part[near] for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    triangles = np.concatenate([np.stack([a, b, d], -1), np.stack([a, d, c], -1)])
    used_rows, used_columns = np.nonzero(near.any(axis=1))[0], np.nonzero(near.any(axis=0))[0]
    corners = uv[[used_rows[0], used_rows[-1] + 1], [used_columns[0], used_columns[-1] + 1]]
    return Grid(points.reshape(-1, 3), uv.reshape(-1, 2), triangles, corners[0], corners[1])


def limb(eye: np.ndarray, count: int, radii: np.ndarray) -> np.ndarray:
    """Points ``(len(radii), count + 1, 3)`` where sight lines graze balls of these radii, the first repeated at the
    end."""
    ratio = radii / np.linalg.norm(eye)
    return _rings(eye, count, radii * ratio, radii * np.sqrt(np.maximum(1 - ratio**2, 1e-12)))


def circles(eye: np.ndarray, count: int, angles: np.ndarray) -> np.ndarray:
    """Surface points ``(len(angles), count + 1, 3)`` at ``angles`` from the one below ``eye``, ordered like
    :func:`limb`."""
    return _rings(eye, count, np.cos(angles), np.sin(angles))


def _rings(eye: np.ndarray, count: int, ahead: np.ndarray, aside: np.ndarray) -> np.ndarray:
    """Circles around the axis to ``eye``, ``ahead`` along it and of radius ``aside``."""
    axis = eye / np.sqrt(eye @ eye)
    flat = np.hypot(axis[0], axis[1])
    one = np.array([-axis[1], axis[0], 0.0]) / flat if flat > 1e-9 else np.array([1.0, 0.0, 0.0])
    two = np.cross(axis, one)
    around = np.linspace(0, 2 * np.pi, count + 1)
    circle = np.cos(around)[:, None] * one + np.sin(around)[:, None] * two
    return ahead[:, None, None] * axis + aside[:, None, None] * circle


def map_places(points: np.ndarray) -> np.ndarray:
    """Texture coordinates ``(n, 2)`` of consecutive surface points, without jumps where the map wraps."""
    lon = np.unwrap(np.arctan2(points[:, 1], points[:, 0]))
    return np.stack([lon / (2 * np.pi) + 0.5, np.arcsin(np.clip(points[:, 2], -1, 1)) / np.pi + 0.5], -1)


def widened(places: np.ndarray, centre: np.ndarray, slope: float) -> np.ndarray:
    """View-space ``places`` moved away from ``centre`` by ``slope`` across the sight line (pixels / focal length)."""
    distance = np.linalg.norm(places, axis=1, keepdims=True)
    ahead = places / distance
    out = places - centre
    out = out - np.einsum("ij,ij->i", out, ahead)[:, None] * ahead
    out = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
    return places + slope * distance * out
