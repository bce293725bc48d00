"""Shading of surfaces and atmospheres: colours per vertex from the Sun and the eye. Pure NumPy.

Everything in body axes with unit vectors; results are RGB factors 0..1 ``(n, 3)`` in display (not linear) light.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_AMBIENT = 0.018


@dataclass(frozen=True)
class Light:
    """The input of shading per vertex: cosine of the Sun's zenith angle and of the eye's ``(n,)``."""

    sun: np.ndarray
    eye: np.ndarray


def smooth(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.minimum(np.maximum((x - low) * (1 / (high - low)), 0), 1)
    return t * t * (3 - 2 * t)


def rock(light: Light) -> np.ndarray:
    """Airless ground: hardly darker towards the limb (Lommel-Seeliger), with a sharp terminator."""
    sun = np.clip(light.sun, 0, 1)
    level = np.sqrt(np.minimum(1.0, 1.9 * sun / (sun + np.clip(light.eye, 0.02, 1))))
    return _grey(_AMBIENT + (1 - _AMBIENT) * level * smooth(-0.005, 0.09, light.sun))


def air(light: Light) -> np.ndarray:
    """Ground below a thin atmosphere: a soft terminator."""
    level = np.clip(light.sun, 0, 1) ** 0.6
    return _grey(_AMBIENT + (1 - _AMBIENT) * level * smooth(-0.06, 0.2, light.sun))


def gas(light: Light) -> np.ndarray:
    """Cloud tops: darker towards limb and terminator."""
    level = np.clip(light.sun, 0, 1) ** 0.62 * (0.55 + 0.45 * np.sqrt(np.clip(light.eye, 0, 1)))
    return _grey(_AMBIENT + (1 - _AMBIENT) * 1.08 * level * smooth(-0.04, 0.14, light.sun))


def star(light: Light) -> np.ndarray:
    """The Sun itself: limb darkening, redder towards the limb."""
    eye = np.clip(light.eye, 0, 1)
    return np.stack([0.72 + 0.28 * eye**0.5, 0.50 + 0.50 * eye**0.6, 0.26 + 0.74 * eye**0.8], -1)


def earth_day(light: Light) -> np.ndarray:
    """Daylight that reddens towards the terminator."""
    level = np.clip(light.sun, 0.0, 1) ** 0.5 * 1.1
    low = smooth(0.34, 0.0, light.sun)
    return np.stack([level, level * (1 - 0.14 * low), level * (1 - 0.30 * low)], -1)


def daylight(sun: np.ndarray) -> np.ndarray:
    """How far day has broken ``(n,)``, 0 (night with its city lights) to 1, from the cosine of the Sun's zenith
    angle."""
    return smooth(-0.13, 0.13, sun)


def _grey(level: np.ndarray) -> np.ndarray:
    return np.broadcast_to(level[:, None], (len(level), 3))


SURFACES: dict[str, Callable[[Light], np.ndarray]] = {
    "Sun": star,
    "Earth": earth_day,
    "Mars": air,
    "Venus": gas,
    "Jupiter": gas,
    "Saturn": gas,
    "Uranus": gas,
    "Neptune": gas,
}


@dataclass(frozen=True)
class Atmosphere:
    """Glow around the limb: RGB, brightness over the disc's edge and beyond it, height of the glow in radii."""

    color: tuple[float, float, float]
    inside: float
    outside: float
    height: float
    dusk: tuple[float, float, float]


ATMOSPHERES: dict[str, Atmosphere] = {
    "Earth": Atmosphere((0.30, 0.56, 1.0), 0.50, 0.85, 0.0085, (1.0, 0.50, 0.22)),
    "Venus": Atmosphere((1.0, 0.90, 0.66), 0.10, 0.45, 0.007, (1.0, 0.8, 0.5)),
    "Mars": Atmosphere((0.92, 0.62, 0.46), 0.14, 0.35, 0.005, (0.6, 0.7, 1.0)),
    "Uranus": Atmosphere((0.6, 0.9, 1.0), 0.10, 0.3, 0.005, (0.6, 0.8, 1.0)),
    "Neptune": Atmosphere((0.35, 0.55, 1.0), 0.14, 0.35, 0.006, (0.4, 0.6, 1.0)),
    "Titan": Atmosphere((0.62, 0.56, 0.88), 0.14, 0.42, 0.016, (1.0, 0.66, 0.34)),
    "Pluto": Atmosphere((0.40, 0.56, 1.0), 0.03, 0.24, 0.010, (0.5, 0.7, 1.0)),
}

_SLANTS = np.array([0.44, 0.29, 0.17, 0.07, 0.0])  # rings over the disc: cosines of the eye's zenith angle
_DEPTH = 0.16  # cosine over which the haze over the disc falls to 1/e
_HEIGHTS = np.array([0.0, 0.7, 1.6, 2.8, 4.6])  # rings beyond it, in scale heights


def haze_angles(distance: float) -> np.ndarray:
    """Angles from the point below the eye of the rings over the disc, for an eye ``distance`` radii from the centre."""
    return np.arccos(_SLANTS) - np.arcsin(np.sqrt(1 - _SLANTS**2) / distance)


def haze_heights(atmosphere: Atmosphere, altitude: float) -> np.ndarray:
    """Heights in radii of the rings beyond the limb, all below an eye at ``altitude`` radii."""
    return np.minimum(_HEIGHTS * atmosphere.height, np.linspace(0, 0.8, len(_HEIGHTS)) * altitude)


def haze(atmosphere: Atmosphere, sun: np.ndarray, eye: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Light to add, RGB ``(n, 3)``: ``eye`` is the cosine of the eye's zenith angle (0 at and beyond the limb)."""
    level = np.where(
        height > 0,
        atmosphere.outside * (np.exp(-height / atmosphere.height) - np.exp(-_HEIGHTS[-1])),
        atmosphere.inside * (np.exp(-np.clip(eye, 0, 1) / _DEPTH) - np.exp(-_SLANTS[0] / _DEPTH)),
    )
    at_limb = (height == 0) & (eye <= 1e-9)
    level = np.where(at_limb, atmosphere.outside, level)
    day = smooth(-0.14, 0.30, sun)
    dusk = np.exp(-(((sun - 0.0) / 0.10) ** 2)) * 0.55
    color = np.array(atmosphere.color)
    return (level * day)[:, None] * (color + dusk[:, None] * (np.array(atmosphere.dusk) - color))
