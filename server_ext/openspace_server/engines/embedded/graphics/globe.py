"""Geometry of the visible part of a spheroid: surface grid, limb, and rings around the limb. Pure NumPy.

All in *ball space*: the body's own axes scaled so that the body is the unit ball. There a point p of the surface is
visible exactly when p . eye > 1, and the limb is a circle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from openspace_server.geometry import quaternions as quat


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

    @cached_property
    def eye(self) -> np.ndarray:
        """The camera in ball space."""
        return (self.turn.T @ -self.offset) / self.scale

    def to_view(self, points: np.ndarray) -> np.ndarray:
        """View-space positions of ball-space ``points`` ``(n, 3)``, the body's centre at distance ``zoom``."""
        return points @ self._scaled_axes + self._centre

    @cached_property
    def zoom(self) -> float:
        """Close up everything is put farther away, so that the ground below is not before the near plane."""
        return max(1.0, 0.03 / max(quat.length(self.eye) - 1, 1e-9))

    @cached_property
    def _centre(self) -> np.ndarray:
        return self.ahead * self.zoom

    @cached_property
    def distance(self) -> float:
        """Metres to the centre."""
        return quat.length(self.offset)

    @cached_property
    def ahead(self) -> np.ndarray:
        """Unit vector to the centre in view axes."""
        return (self.view @ self.offset) / self.distance

    @cached_property
    def _scaled_axes(self) -> np.ndarray:
        return (self.view @ self.turn * (self.scale * (self.zoom / self.distance))).T

    def normals(self, points: np.ndarray) -> np.ndarray:
        """Unit normals in body axes at ball-space ``points`` of the surface."""
        if self.scale[0] == self.scale[2]:
            return points
        n = points / (self.scale / self.scale[0])
        return n / np.linalg.norm(n, axis=1, keepdims=True)

    def from_centre(self, points: np.ndarray) -> np.ndarray:
        """Ball-space ``points`` ``(n, 3)`` from the body's centre in metres, ICRF axes."""
        return (points * self.scale) @ self.turn.T

    def direction(self, vector: np.ndarray) -> np.ndarray:
        """A direction of ICRF axes as a unit vector in body axes."""
        v = self.turn.T @ vector
        return v / quat.length(v)


class Grid(NamedTuple):
    """Points ``(n, 3)``, map coordinates ``(n, 2)``, triangles ``(m, 3)``, and least and greatest map coordinates in
    use ``(2,)``."""

    points: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    low: np.ndarray
    high: np.ndarray


def surface_grid(eye: np.ndarray, cells: int) -> Grid:
    """The part of the ball that ``eye`` sees.

    A grid of latitudes and longitudes about ``cells`` high, so that the map has no seam: u runs past 0 and 1 as needed.
    """
    distance = quat.length(eye)
    reach = math.acos(min(1.0, 1 / distance))
    pad = 1.2 * 2 * reach / cells
    lat = math.asin(max(-1.0, min(1.0, eye[2] / distance)))
    lon = math.atan2(eye[1], eye[0])
    low, high = max(lat - reach - pad, -np.pi / 2), min(lat + reach + pad, np.pi / 2)
    if high >= np.pi / 2 - 0.02 or low <= -np.pi / 2 + 0.02:
        half = np.pi
    else:
        half = min(np.pi, float(np.arcsin(min(1.0, np.sin(min(reach + pad, np.pi / 2)) / np.cos(lat)))) + pad)
    rows = cells + 1
    columns = int(np.clip(cells * half / reach * np.cos(lat) if half < np.pi else 2 * cells, cells, 2.2 * cells)) + 1
    lats = low + (high - low) / cells * np.arange(rows)
    lons = lon - half + 2 * half / (columns - 1) * np.arange(columns)
    points = np.empty((rows, columns, 3))
    flat = np.cos(lats)[:, None]
    np.multiply(flat, np.cos(lons), out=points[..., 0])
    np.multiply(flat, np.sin(lons), out=points[..., 1])
    points[..., 2] = np.sin(lats)[:, None]
    uv = np.empty((rows, columns, 2))
    uv[..., 0] = lons / (2 * np.pi) + 0.5
    uv[..., 1] = (lats / np.pi + 0.5)[:, None]
    seen = points @ eye > 1 - 1e-12
    near = seen[:-1] | seen[1:]
    near = near[:, :-1] | near[:, 1:]
    row, column = np.nonzero(near)
    first = (row * columns + column)[:, None]
    corners = np.array([0, 1, columns + 1]), np.array([0, columns + 1, columns])
    triangles = np.concatenate([first + offsets for offsets in corners])
    used_rows, used_columns = np.nonzero(near.any(axis=1))[0], np.nonzero(near.any(axis=0))[0]
    ends = uv[[used_rows[0], used_rows[-1] + 1], [used_columns[0], used_columns[-1] + 1]]
    return Grid(points.reshape(-1, 3), uv.reshape(-1, 2), triangles, ends[0], ends[1])


def limb(eye: np.ndarray, count: int, radii: np.ndarray) -> np.ndarray:
    """Points ``(len(radii), count + 1, 3)`` where sight lines graze balls of these radii, the first repeated at the
    end."""
    ratio = radii / quat.length(eye)
    return _rings(eye, count, radii * ratio, radii * np.sqrt(np.maximum(1 - ratio**2, 1e-12)))


def circles(eye: np.ndarray, count: int, angles: np.ndarray) -> np.ndarray:
    """Surface points ``(len(angles), count + 1, 3)`` at ``angles`` from the one below ``eye``, ordered like
    :func:`limb`."""
    return _rings(eye, count, np.cos(angles), np.sin(angles))


def _rings(eye: np.ndarray, count: int, ahead: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Circles around the axis to ``eye``, ``ahead`` along it and of radius ``across``."""
    axis = eye / quat.length(eye)
    flat = math.hypot(axis[0], axis[1])
    one = np.array([-axis[1], axis[0], 0.0]) / flat if flat > 1e-9 else np.array([1.0, 0.0, 0.0])
    rim = circle(count) @ np.array([one, quat.cross(axis, one)])
    return ahead[:, None, None] * axis + across[:, None, None] * rim


@lru_cache(maxsize=64)
def circle(count: int) -> np.ndarray:
    """Cosines and sines ``(count + 1, 2)`` once around."""
    around = np.linspace(0, 2 * np.pi, count + 1)
    return np.stack([np.cos(around), np.sin(around)], -1)


def map_coordinates(points: np.ndarray) -> np.ndarray:
    """Texture coordinates ``(n, 2)`` of consecutive surface points, without jumps where the map wraps."""
    u = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
    u[1:] -= np.cumsum(np.rint(u[1:] - u[:-1]))
    return np.stack([u + 0.5, np.arcsin(np.clip(points[:, 2], -1, 1)) / np.pi + 0.5], -1)


def widened(positions: np.ndarray, centre: np.ndarray, slope: float) -> np.ndarray:
    """View-space ``to_view`` moved away from ``centre`` by ``slope`` across the sight line (pixels / focal length)."""
    squares = np.einsum("ij,ij->i", positions, positions)
    out = positions - centre
    out -= (np.einsum("ij,ij->i", out, positions) / squares)[:, None] * positions
    size = np.sqrt(np.maximum(np.einsum("ij,ij->i", out, out), 1e-24))
    return positions + (slope * np.sqrt(squares) / size)[:, None] * out
