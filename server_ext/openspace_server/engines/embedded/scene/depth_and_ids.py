"""Depth and body of each pixel of a still.

Computed from the same numbers that are drawn, so it is exact where a depth buffer would not be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from openspace_server.engines.embedded.graphics.view import View
from openspace_server.engines.embedded.sky.bodies import BODIES
from openspace_server.geometry import quaternions as quat

_BAND = 1 << 20  # pixels looked at together
_SMALL = 0.75  # radius in pixels below which a disc may fall between the middles of pixels


def fill(view: View, scales: np.ndarray, shown: np.ndarray, depth: np.ndarray, ids: np.ndarray) -> Iterator[None]:
    """Fill ``depth`` (float64 metres) and ``ids`` (uint16, 1 + index of the body), both ``(height, width)``, in steps.

    Args:
        scales: how many times larger than real each body is drawn ``(n,)``.
        shown: bool ``(n,)``: which bodies are drawn.
    """
    rows = max(1, _BAND // view.width)
    for top in range(0, view.height, rows):
        band = slice(top, min(top + rows, view.height))
        depth[band], ids[band] = math.inf, 0
        for i in np.nonzero(view.on_screen & shown)[0].tolist():
            if view.radius_pixels[i] < _SMALL:
                if view.apart[i]:
                    _mark(view, i, band, depth, ids)
            else:
                _trace(view, i, float(scales[i]), band, depth, ids)
        yield


def _mark(view: View, index: int, band: slice, depth: np.ndarray, ids: np.ndarray) -> None:
    x, y = view.pixels[index]
    column, row = math.floor(view.width / 2 + x), math.floor(view.height / 2 - y)
    away = float(view.distances[index] - view.radii[index])
    if 0 <= column < view.width and band.start <= row < band.stop and away < depth[row, column]:
        depth[row, column], ids[row, column] = away, index + 1


def _trace(view: View, index: int, scale: float, band: slice, depth: np.ndarray, ids: np.ndarray) -> None:
    """Where sight lines meet the spheroid, in its ball space (see :mod:`.globe`)."""
    across = _span(view.seen[index, 0], view.seen[index, 1], view.radii[index], view.focal)
    upward = _span(view.seen[index, 2], view.seen[index, 1], view.radii[index], view.focal)
    left, right = (int(np.clip(view.width / 2 + edge, 0, view.width)) for edge in (across[0] - 1, across[1] + 2))
    top, bottom = (
        int(np.clip(view.height / 2 - edge, band.start, band.stop)) for edge in (upward[1] + 1, upward[0] - 2)
    )
    if left >= right or top >= bottom:
        return
    body = BODIES[index]
    size = np.array([body.radius, body.radius, body.polar_radius]) * scale
    turn = view.ephemeris.body_axes(index)
    eye = (turn.T @ -view.offsets[index]) / size
    into = (turn.T @ view.axes.T) / size[:, None]  # from view axes to ball space
    u = (np.arange(left, right) + 0.5 - view.width / 2) / view.focal
    v = (view.height / 2 - np.arange(top, bottom) - 0.5) / view.focal
    ray = [into[k, 0] * u + into[k, 1] + into[k, 2] * v[:, None] for k in range(3)]
    square = ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2
    along = eye[0] * ray[0] + eye[1] * ray[1] + eye[2] * ray[2]
    # square - |eye x ray|^2 is along^2 - square * (eye^2 - 1) without the loss of digits far away.
    left_over = square - (
        (eye[1] * ray[2] - eye[2] * ray[1]) ** 2
        + (eye[2] * ray[0] - eye[0] * ray[2]) ** 2
        + (eye[0] * ray[1] - eye[1] * ray[0]) ** 2
    )
    met = (left_over >= 0) & (along < 0)
    outside = (quat.length(eye) - 1) * (quat.length(eye) + 1)
    steps = outside / (np.sqrt(np.maximum(left_over, 0)) - along + (~met))
    away = np.where(met, steps * np.sqrt(1 + u**2 + v[:, None] ** 2), math.inf)
    window = slice(top, bottom), slice(left, right)
    nearer = away < depth[window]
    depth[window] = np.where(nearer, away, depth[window])
    ids[window] = np.where(nearer, np.uint16(index + 1), ids[window])


def _span(across: float, ahead: float, radius: float, focal: float) -> tuple[float, float]:
    """Least and greatest pixel, from the middle, that a ball may reach in one direction of the frame."""
    away = math.hypot(across, ahead)
    if away <= radius:
        return -math.inf, math.inf
    middle, half = math.atan2(across, ahead), math.asin(radius / away)
    low, high = middle - half, middle + half
    return (
        focal * math.tan(low) if low > -math.pi / 2 else -math.inf,
        focal * math.tan(high) if high < math.pi / 2 else math.inf,
    )
