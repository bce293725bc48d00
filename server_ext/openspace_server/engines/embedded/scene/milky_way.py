"""The Milky Way: from inside a band of dim points at infinity, from outside a spiral of points in space.

An impression, not a survey: seeded points, brighter and warmer towards the centre.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from openspace_server.engines.embedded.sky.units import PARSEC
from openspace_server.geometry.world import GALACTIC

_KPC = 1000 * PARSEC
_CENTRE = 8.2  # kiloparsecs from the Sun
_PITCH = np.tan(np.radians(12.5))  # of the arms
_ARMS = 4


@lru_cache(maxsize=1)
def band(count: int = 14_000) -> tuple[np.ndarray, np.ndarray]:
    """Directions (ICRF) and colours ``(n, 3)`` of points along the galactic plane: broader and brighter towards the
    centre, thinned along the Great Rift."""
    rng = np.random.default_rng(1610)
    lon = np.degrees(rng.vonmises(0.0, 0.45, count))
    middle = np.exp(-((lon / 38) ** 2))
    lat = rng.normal(0, 1, count) * (4.2 + 5.0 * middle) - 1.0
    rift = np.exp(-(((lat - 1.5) / 2.2) ** 2)) * ((lon > -20) & (lon < 80))
    keep = rng.uniform(0, 1, count) > 0.75 * rift
    lon, lat, middle = np.radians(lon[keep]), np.radians(lat[keep]), middle[keep]
    galactic = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    level = (0.13 + 0.17 * middle) * rng.uniform(0.6, 1.5, len(lat))
    warm = np.stack([0.92 + 0.08 * middle, np.full(len(lat), 0.92), 1.0 - 0.12 * middle], -1)
    return galactic @ GALACTIC, level[:, None] * warm


def galaxy(count: int = 60_000) -> tuple[np.ndarray, np.ndarray]:
    """Positions in metres from the Sun (galactic axes) and colours ``(n, 3)`` of a barred spiral: bulge and bar, a disc
    of scale length 2.9 kpc, four arms."""
    rng = np.random.default_rng(1785)
    bulge, disc = int(0.16 * count), int(0.34 * count)
    arms = count - bulge - disc
    heart = rng.normal(0, 1, (bulge, 3)) * [1.7, 0.8, 0.6]
    angle = np.radians(-28)  # of the bar to the line from the Sun
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    radius = np.concatenate([rng.gamma(2, 2.9, disc), 3.2 + rng.gamma(2.2, 2.3, arms)])
    along = rng.uniform(0, 2 * np.pi, disc)
    arm = rng.integers(0, _ARMS, arms) * (2 * np.pi / _ARMS)
    winding = np.log(radius[disc:] / 3.2) / _PITCH
    spread = rng.normal(0, 0.26, arms) / np.sqrt(radius[disc:] / 6)
    around = np.concatenate([along, arm - winding - angle + spread])
    height = rng.normal(0, 1, disc + arms) * np.concatenate([np.full(disc, 0.28), np.full(arms, 0.12)])
    flat = np.stack([radius * np.cos(around), radius * np.sin(around), height], -1)
    positions = np.concatenate([heart @ turn, flat])
    keep = np.hypot(positions[:, 0], positions[:, 1]) < 17
    warm, pale, blue = [1.0, 0.85, 0.64], [0.86, 0.82, 0.80], [0.62, 0.76, 1.0]
    rgb = np.repeat([warm, pale, blue], [bulge, disc, arms], axis=0)
    level = rng.uniform(0.25, 0.8, len(positions)) * np.exp(-np.linalg.norm(positions, axis=1) / 22)
    return (positions[keep] + [_CENTRE, 0, 0]) * _KPC, np.clip(level[:, None] * rgb, 0, 1)[keep]
