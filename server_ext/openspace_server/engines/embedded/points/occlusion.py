"""Which of points and bodies is before the other. Pure NumPy; everything in view axes, metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openspace_server.geometry import quaternions as quat

_LARGE = 0.03  # radius by distance, from which a disc is


@dataclass(frozen=True)
class Disc:
    """A ball that is drawn: ``centre`` ``(3,)``, ``radius``, and the ``order`` of points that come after it."""

    centre: np.ndarray
    radius: float
    order: int

    def times(self, unit: float) -> Disc:
        """The same in single floats of ``unit`` metres."""
        return Disc((self.centre * unit).astype(np.float32), self.radius * unit, self.order)


def relations(
    middles: np.ndarray, balls: np.ndarray, discs: Sequence[Disc], order: int
) -> tuple[list[int], dict[int, np.ndarray]]:
    """Where balls of points around ``middles`` ``(c, 3)`` of radii ``balls`` ``(c,)`` come in drawing.

    Returns the order of each, ``order`` for those behind or beside everything, and for each disc (by its index) the
    balls with points both before it and behind it.
    """
    orders = np.full(len(middles), order)
    mixed: dict[int, np.ndarray] = {}
    if not discs:
        return orders.tolist(), mixed
    away = np.sqrt(np.einsum("ij,ij->i", middles, middles))
    nearest = away - balls
    spread = np.where(nearest > 0, np.arcsin(np.minimum(balls / np.maximum(away, 1e-300), 1)), np.pi)
    for which, disc in enumerate(discs):
        distance = quat.length(disc.centre)
        cosine = middles @ disc.centre / np.maximum(away * distance, 1e-300)
        apart = np.arccos(np.clip(cosine, -1, 1)) > spread + np.arcsin(min(disc.radius / distance, 1.0))
        before = ~apart & (away + balls < distance - disc.radius)
        orders[before] = disc.order
        # A place before the ball is nearer than where sight lines graze it.
        grazed = np.sqrt(max(distance**2 - disc.radius**2, 0.0))
        within = np.linalg.norm(middles - disc.centre, axis=1) + balls < disc.radius
        both = ~apart & ~before & ~within & (nearest < grazed)
        if both.any():
            mixed[which] = np.flatnonzero(both)
    return orders.tolist(), mixed


def before(places: np.ndarray, disc: Disc) -> np.ndarray:
    """Which of ``places`` ``(n, 3)`` are seen before the disc, bool ``(n,)``."""
    side, on_it = _against(places, disc)
    return on_it & ~side


def behind(places: np.ndarray, disc: Disc) -> np.ndarray:
    """Which of ``places`` ``(n, 3)`` the disc covers, bool ``(n,)``."""
    side, on_it = _against(places, disc)
    return on_it & side


def _against(places: np.ndarray, disc: Disc) -> tuple[np.ndarray, np.ndarray]:
    """Whether each place is farther than the ball's surface, and whether it lies on its disc."""
    away = np.sqrt(np.einsum("ij,ij->i", places, places))
    least = np.finfo(places.dtype).tiny
    if disc.radius > _LARGE * quat.length(disc.centre):
        along = places @ disc.centre / np.maximum(away, least)
        inside = disc.radius**2 - (disc.centre @ disc.centre - along * along)
    else:
        # Dearer, but not the difference of two large squares, in which single floats would lose a small disc.
        sight = places / np.maximum(away, least)[:, None]
        along = sight @ disc.centre
        off = disc.centre - along[:, None] * sight
        inside = disc.radius**2 - np.einsum("ij,ij->i", off, off)
    return away > along - np.sqrt(np.maximum(inside, 0)), (inside > 0) & (along > 0)
