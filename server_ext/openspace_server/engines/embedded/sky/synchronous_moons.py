"""Synchronous moons: positions derived from their rotation.

The prime meridians of the IAU report (see :mod:`.rotation`) are defined by the direction to the planet, so the moon is
where its prime meridian points away from, at its mean distance. Left out is what an uneven orbit does: up to twice the
eccentricity, which is 3.3 degrees for Iapetus, 2.3 for Mimas and less than 0.6 degrees for the others; Titan's (3.3
degrees) is put in. Mean distances, and Titan's eccentricity and mean anomaly: JPL, Planetary Satellite Mean Elements
(epoch 2000 January 1.5 TT). Charon's distance is from Pluto's centre; Pluto itself is put at the system's barycentre,
2,100 km from its centre.
"""

from __future__ import annotations

import math

import numpy as np

from openspace_server.engines.embedded.sky.bodies import INDEX, PARENT
from openspace_server.engines.embedded.sky.rotation import RotationGroup, spin_rate

DISTANCES: dict[str, float] = {
    "Charon": 19_596e3,
    "Mimas": 185_539e3,
    "Enceladus": 238_042e3,
    "Tethys": 294_672e3,
    "Dione": 377_415e3,
    "Rhea": 527_068e3,
    "Titan": 1_221_865e3,
    "Iapetus": 3_560_854e3,
    "Miranda": 129_846e3,
    "Ariel": 190_929e3,
    "Umbriel": 265_986e3,
    "Titania": 436_298e3,
    "Oberon": 583_511e3,
    "Triton": 354_759e3,
}
"""Metres."""

_ROWS = [INDEX[name] for name in DISTANCES]
_PARENTS = [PARENT[row] for row in _ROWS]
_SIZES = np.array(list(DISTANCES.values()))
_SPINS = np.array([spin_rate(row) for row in _ROWS])
_GROUP = RotationGroup(list(DISTANCES))
_TITAN = list(DISTANCES).index("Titan")
_ECCENTRICITY = 0.0288
_ANOMALY, _ANOMALY_RATE = math.radians(163.310), math.radians(22.5769768 - 360 / 718.464 / 365.25)  # per day


def fill_in(days: float, positions: np.ndarray, velocities: np.ndarray) -> None:
    """Fill in the moons' rows after those of the planets; arguments as in :class:`.ephemeris.Ephemeris`."""
    towards, poles = _GROUP.directions(days)
    ahead = _cross(poles, towards)
    sizes, angles, drift = _SIZES.copy(), np.zeros(len(_ROWS)), _SPINS.copy()
    mean = _ANOMALY + _ANOMALY_RATE * days
    e = _ECCENTRICITY
    sizes[_TITAN] *= 1 - e * math.cos(mean) + e * e / 2 * (1 - math.cos(2 * mean))
    angles[_TITAN] = 2 * e * math.sin(mean) + 1.25 * e * e * math.sin(2 * mean)
    drift[_TITAN] *= 1 + 2 * e * math.cos(mean) + 2.5 * e * e * math.cos(2 * mean)
    out = -(np.cos(angles)[:, None] * towards + np.sin(angles)[:, None] * ahead)
    positions[_ROWS] = positions[_PARENTS] + sizes[:, None] * out
    along = _cross(poles, out)
    velocities[_ROWS] = velocities[_PARENTS] + (sizes * drift)[:, None] * along
    rising = _SIZES[_TITAN] * e * math.sin(mean) * _ANOMALY_RATE / 86_400.0
    velocities[_ROWS[_TITAN]] += rising * out[_TITAN]


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, [1, 2, 0]] * b[:, [2, 0, 1]] - a[:, [2, 0, 1]] * b[:, [1, 2, 0]]
