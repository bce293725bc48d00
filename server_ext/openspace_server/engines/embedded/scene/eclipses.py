"""Eclipses: shadows of bodies on bodies, with penumbra, umbra, and the red light that air bends into a shadow.

Pure NumPy; metres, ICRF axes.
"""

from __future__ import annotations

import numpy as np

from openspace_server.engines.embedded.sky.bodies import BODIES, INDEX
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris

_RADII = np.array([body.radius for body in BODIES])
_SUN = INDEX["Sun"]
_DARKEST = 0.015
_BENT = np.array([0.26, 0.075, 0.03])  # light in the Earth's umbra, as the eclipsed Moon shows it


def casters(index: int, ephemeris: Ephemeris) -> list[int]:
    """The bodies whose shadow may fall on body ``index``."""
    if index == _SUN:
        return []
    position = ephemeris.positions[index]
    distance = float(np.sqrt(position @ position))
    sunward = -position / distance
    offsets = ephemeris.positions - position
    along = offsets @ sunward
    across = np.sqrt(np.maximum(np.einsum("ij,ij->i", offsets, offsets) - along * along, 0))
    # How far from the axis the penumbra of each reaches where the body is.
    half = _RADII + along * (_RADII[_SUN] + _RADII) / np.maximum(distance - along, 1.0)
    found = (along > 0) & (along < 0.999 * distance) & (across < half + _RADII[index])
    found[[index, _SUN]] = False
    return np.flatnonzero(found).tolist()


def light(index: int, which: list[int], points: np.ndarray, ephemeris: Ephemeris) -> np.ndarray:
    """The remaining sunlight, RGB 0..1 ``(n, 3)``, at ``points`` ``(n, 3)`` from the centre of body ``index``, in
    the shadows of the bodies ``which``."""
    out = np.ones((len(points), 3))
    here = points + ephemeris.positions[index]
    to_sun, sun_size = _towards(-here, _RADII[_SUN])
    for other in which:
        way = ephemeris.positions[other] - ephemeris.positions[index] - points
        to_other, size = _towards(way, _RADII[other])
        apart = np.arctan2(np.linalg.norm(np.cross(to_sun, to_other), axis=1), np.einsum("ij,ij->i", to_sun, to_other))
        bare = 1 - covered(sun_size, size, apart)
        least = _BENT if other == INDEX["Earth"] else np.full(3, _DARKEST)
        out *= least + (1 - least) * bare[:, None] ** 0.6  # the eye sees a half covered Sun as hardly dimmer
    return out


def _towards(way: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors, and how large a ball of ``radius`` is there, radians."""
    away = np.sqrt(np.einsum("ij,ij->i", way, way))
    return way / away[:, None], np.arcsin(np.minimum(radius / away, 1.0))


def covered(disc: np.ndarray, other: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Which part 0..1 of a disc another one covers; radii and distance of their centres in the same small unit."""
    low, high = np.abs(disc - other), disc + other
    d = np.clip(apart, np.maximum(low, 1e-12), high)
    one = np.clip((d * d + disc * disc - other * other) / (2 * d * disc), -1, 1)
    two = np.clip((d * d + other * other - disc * disc) / (2 * d * other), -1, 1)
    lens = disc**2 * (np.arccos(one) - one * np.sqrt(1 - one * one))
    lens += other**2 * (np.arccos(two) - two * np.sqrt(1 - two * two))
    inside = np.minimum(other / disc, 1.0) ** 2
    return np.where(apart >= high, 0.0, np.where(apart <= low, inside, lens / (np.pi * disc**2)))
