"""Occlusion between points and bodies. Pure NumPy; everything in view axes, metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openspace_server.geometry import quaternions as quat

_LARGE = 0.03  # radius by distance, from which a disc is


@dataclass(frozen=True)
class Occluder:
    """A drawn body: ``centre`` ``(3,)``, ``radius``, and the ``order`` of points that are drawn after it."""

    centre: np.ndarray
    radius: float
    order: int

    def scaled(self, unit: float) -> Occluder:
        """The same in single floats of ``unit`` metres."""
        return Occluder((self.centre * unit).astype(np.float32), self.radius * unit, self.order)


def relations(
    middles: np.ndarray, balls: np.ndarray, occluders: Sequence[Occluder], order: int
) -> tuple[list[int], dict[int, np.ndarray]]:
    """Where balls of points around ``middles`` ``(c, 3)`` of radii ``balls`` ``(c,)`` come in drawing.

    Returns the order of each, ``order`` for those behind or next to everything, and for each occluder (by its
    index) the balls with points both in front of it and behind it.
    """
    orders = np.full(len(middles), order)
    mixed: dict[int, np.ndarray] = {}
    if not occluders:
        return orders.tolist(), mixed
    away = np.sqrt(np.einsum("ij,ij->i", middles, middles))
    nearest = away - balls
    spread = np.where(nearest > 0, np.arcsin(np.minimum(balls / np.maximum(away, 1e-300), 1)), np.pi)
    for which, occluder in enumerate(occluders):
        distance = quat.length(occluder.centre)
        cosine = middles @ occluder.centre / np.maximum(away * distance, 1e-300)
        apart = np.arccos(np.clip(cosine, -1, 1)) > spread + np.arcsin(min(occluder.radius / distance, 1.0))
        before = ~apart & (away + balls < distance - occluder.radius)
        orders[before] = occluder.order
        # A position in front of the ball is nearer than where sight lines graze it.
        grazed = np.sqrt(max(distance**2 - occluder.radius**2, 0.0))
        within = np.linalg.norm(middles - occluder.centre, axis=1) + balls < occluder.radius
        both = ~apart & ~before & ~within & (nearest < grazed)
        if both.any():
            mixed[which] = np.flatnonzero(both)
    return orders.tolist(), mixed


def in_front(positions: np.ndarray, occluder: Occluder) -> np.ndarray:
    """Which of ``positions`` ``(n, 3)`` are seen in front of the occluder, bool ``(n,)``."""
    side, on_it = _against(positions, occluder)
    return on_it & ~side


def behind(positions: np.ndarray, occluder: Occluder) -> np.ndarray:
    """Which of ``positions`` ``(n, 3)`` the occluder covers, bool ``(n,)``."""
    side, on_it = _against(positions, occluder)
    return on_it & side


def _against(positions: np.ndarray, occluder: Occluder) -> tuple[np.ndarray, np.ndarray]:
    """Whether each position is farther than the ball's surface, and whether it falls on the ball's disc."""
    away = np.sqrt(np.einsum("ij,ij->i", positions, positions))
    least = np.finfo(positions.dtype).tiny
    if occluder.radius > _LARGE * quat.length(occluder.centre):
        along = positions @ occluder.centre / np.maximum(away, least)
        inside = occluder.radius**2 - (occluder.centre @ occluder.centre - along * along)
    else:
        # Dearer, but not the difference of two large squares, in which single floats would lose a small disc.
        sight = positions / np.maximum(away, least)[:, None]
        along = sight @ occluder.centre
        off = occluder.centre - along[:, None] * sight
        inside = occluder.radius**2 - np.einsum("ij,ij->i", off, off)
    return away > along - np.sqrt(np.maximum(inside, 0)), (inside > 0) & (along > 0)
