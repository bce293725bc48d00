"""Rotation of the bodies: axial tilt and spin.

Poles and prime meridians: Archinal et al. 2018, Report of the IAU Working Group on Cartographic Coordinates and
Rotational Elements 2015 (Mars: the 2009 report's linear form; periodic terms of less than 0.3 degrees left out,
except the Moon's, whose librations are visible). The Earth instead follows IAU 2006 precession and Greenwich mean
sidereal time from ERFA.
"""

from __future__ import annotations

import math
from functools import lru_cache

import erfa
import numpy as np

from openspace_server.engines.embedded.sky.bodies import BODIES
from openspace_server.engines.embedded.sky.units import DAY, J2000
from openspace_server.geometry import quaternions as quat

# identifier: (right ascension, its rate per century, declination, rate per century, prime meridian at J2000, rate per
# day), degrees
_ELEMENTS: dict[str, tuple[float, float, float, float, float, float]] = {
    "Sun": (286.13, 0.0, 63.87, 0.0, 84.176, 14.1844),
    "Mercury": (281.0103, -0.0328, 61.4155, -0.0049, 329.5988, 6.1385108),
    "Venus": (272.76, 0.0, 67.16, 0.0, 160.20, -1.4813688),
    "Mars": (317.68143, -0.1061, 52.88650, -0.0609, 176.630, 350.89198226),
    "Jupiter": (268.056595, -0.006499, 64.495303, 0.002413, 284.95, 870.5360000),
    "Saturn": (40.589, -0.036, 83.537, -0.004, 38.90, 810.7939024),
    "Uranus": (257.311, 0.0, -15.175, 0.0, 203.81, -501.1600928),
    "Neptune": (299.36, 0.0, 43.46, 0.0, 249.978, 541.1397757),
    "Moon": (269.9949, 0.0031, 66.5392, 0.0130, 38.3213, 13.17635815),
    "Io": (268.05, -0.009, 64.50, 0.003, 200.39, 203.4889538),
    "Europa": (268.08, -0.009, 64.51, 0.003, 36.022, 101.3747235),
    "Ganymede": (268.20, -0.009, 64.57, 0.003, 44.064, 50.3176081),
    "Callisto": (268.72, -0.009, 64.83, 0.003, 259.51, 21.5710715),
    "Pluto": (132.993, 0.0, -6.163, 0.0, 302.695, 56.3625225),
    "Charon": (132.993, 0.0, -6.163, 0.0, 122.695, 56.3625225),
    "Mimas": (40.66, -0.036, 83.52, -0.004, 333.46, 381.9945550),
    "Enceladus": (40.66, -0.036, 83.52, -0.004, 6.32, 262.7318996),
    "Tethys": (40.66, -0.036, 83.52, -0.004, 8.95, 190.6979085),
    "Dione": (40.66, -0.036, 83.52, -0.004, 357.6, 131.5349316),
    "Rhea": (40.38, -0.036, 83.55, -0.004, 235.16, 79.6900478),
    "Titan": (39.4827, 0.0, 83.4279, 0.0, 186.5855, 22.5769768),
    "Iapetus": (318.16, -3.949, 75.03, -1.143, 355.2, 4.5379572),
    "Miranda": (257.43, 0.0, -15.08, 0.0, 30.70, -254.6906892),
    "Ariel": (257.43, 0.0, -15.10, 0.0, 156.22, -142.8356681),
    "Umbriel": (257.43, 0.0, -15.10, 0.0, 108.05, -86.8688923),
    "Titania": (257.43, 0.0, -15.10, 0.0, 77.74, -41.3514316),
    "Oberon": (257.43, 0.0, -15.10, 0.0, 6.77, -26.7394932),
    "Triton": (299.36, 0.0, 41.17, 0.0, 296.53, -61.2572637),
}
_EARTH_RATE = 360.9856123
_NAMES = tuple(body.identifier for body in BODIES)

# The moons' larger periodic terms: (constant, rate per century) of an angle N, and how pole and meridian follow it:
# sin N in right ascension, cos N in declination, sin N in the meridian, degrees. Triton's are a series in kN.
_TERMS: dict[str, list[tuple[float, float, float, float, float]]] = {
    "Europa": [(355.80, 1191.3, 1.086, 0.468, -0.980)],
    "Ganymede": [(119.90, 262.1, 0.431, 0.186, -0.389)],
    "Callisto": [(229.80, 64.3, 0.590, 0.254, -0.533)],
    "Mimas": [(177.40, -36505.5, 13.56, -1.53, -13.48), (316.45, 506.2, 0.0, 0.0, -44.85)],
    "Tethys": [(300.00, -7225.9, 9.66, -1.09, -9.60), (316.45, 506.2, 0.0, 0.0, 2.23)],
    "Rhea": [(345.20, -1016.3, 3.10, -0.35, -3.08)],
    "Miranda": [(102.23, -2024.22, 4.41, 4.25, 1.15), (316.41, 2863.96, 0.0, 0.0, -1.27)],
    "Triton": [
        (k * 177.85, k * 52.316, ra, dec, w)
        for k, (ra, dec, w) in enumerate(
            (
                (-32.35, 22.55, 22.25), (-6.28, 2.10, 6.73), (-2.08, 0.55, 2.05), (-0.74, 0.16, 0.74),
                (-0.28, 0.05, 0.28), (-0.11, 0.02, 0.11), (-0.07, 0.01, 0.05),
            ),
            1,
        )
    ],
}  # fmt: skip

# The Moon's arguments E1..E13 (degrees, degrees per day) and the coefficients of their sines or cosines.
_E = np.array(
    [
        (125.045, -0.0529921),
        (250.089, -0.1059842),
        (260.008, 13.0120009),
        (176.625, 13.3407154),
        (357.529, 0.9856003),
        (311.589, 26.4057084),
        (134.963, 13.0649930),
        (276.617, 0.3287146),
        (34.226, 1.7484877),
        (15.134, -0.1589763),
        (119.743, 0.0036096),
        (239.961, 0.1643573),
        (25.053, 12.9590088),
    ]
)
_E_RA = np.array([-3.8787, -0.1204, 0.0700, -0.0172, 0, 0.0072, 0, 0, 0, -0.0052, 0, 0, 0.0043])
_E_DEC = np.array([1.5419, 0.0239, -0.0278, 0.0068, 0, -0.0029, 0.0009, 0, 0, 0.0008, 0, 0, -0.0009])
_E_W = np.array(
    [3.5610, 0.1208, -0.0642, 0.0158, 0.0252, -0.0066, -0.0047, -0.0046, 0.0028, 0.0052, 0.0040, 0.0019, -0.0044]
)


def spin_rate(index: int) -> float:
    """Rotation of a body in radians per second, negative where it turns backwards."""
    name = _NAMES[index]
    return float(np.radians(_EARTH_RATE if name == "Earth" else _ELEMENTS[name][5]) / DAY)


@lru_cache(maxsize=256)
def axes(index: int, days: float, seconds: float) -> np.ndarray:
    """Rotation matrix ``(3, 3)`` from body-fixed axes (x prime meridian, z north pole) to ICRF axes.

    ``days`` are TT since J2000.0, ``seconds`` UTC since 2000-01-01T12:00 (taken as UT1).
    """
    name = _NAMES[index]
    if name == "Earth":
        sidereal: float = erfa.gmst06(J2000, seconds / DAY, J2000, days)
        return _turned(erfa.pmat06(J2000, days), sidereal)
    ra_start, ra_rate, dec_start, dec_rate, meridian, spin = _ELEMENTS[name]
    centuries = days / 36525.0
    ra, dec, w = ra_start + ra_rate * centuries, dec_start + dec_rate * centuries, meridian + spin * days
    if name == "Moon":
        e = np.radians(_E[:, 0] + _E[:, 1] * days)
        sines, cosines = np.sin(e), np.cos(e)
        ra, dec = ra + float(_E_RA @ sines), dec + float(_E_DEC @ cosines)
        w += float(_E_W @ sines) - 1.4e-12 * days * days
    elif name == "Neptune":
        n = math.radians(357.85 + 52.316 * centuries)
        ra, dec, w = ra + 0.70 * math.sin(n), dec - 0.51 * math.cos(n), w - 0.48 * math.sin(n)
    for start, rate, in_ra, in_dec, in_w in _TERMS.get(name, ()):
        n = math.radians((start + rate * centuries) % 360.0)
        ra, dec, w = ra + in_ra * math.sin(n), dec + in_dec * math.cos(n), w + in_w * math.sin(n)
    return from_pole(math.radians(ra), math.radians(dec), math.radians(w % 360.0))


class RotationGroup:
    """Several bodies at once, for speed: as :func:`axes`, without the Earth, the Moon and Neptune."""

    def __init__(self, names: list[str]) -> None:
        self._elements = np.array([_ELEMENTS[name] for name in names]).T
        terms = [(row, *term) for row, name in enumerate(names) for term in _TERMS.get(name, ())]
        table = np.array(terms, float).T
        self._angles = table[1:3]
        # Row of sums over the terms of each body.
        self._sums = np.zeros((len(names), len(terms)))
        self._sums[table[0].astype(int), np.arange(len(terms))] = 1.0
        self._amplitudes = table[3:6]

    def directions(self, days: float) -> tuple[np.ndarray, np.ndarray]:
        """Prime meridians' and poles' directions, ``(n, 3)`` each, ICRF axes."""
        centuries = days / 36525.0
        ra_start, ra_rate, dec_start, dec_rate, meridian, spin = self._elements
        n = np.radians(self._angles[0] + self._angles[1] * centuries)
        sines = np.sin(n)
        in_ra, in_dec, in_w = self._amplitudes * np.array([sines, np.cos(n), sines])
        ra = np.radians(ra_start + ra_rate * centuries + self._sums @ in_ra)
        dec = np.radians(dec_start + dec_rate * centuries + self._sums @ in_dec)
        w = np.radians((meridian + spin * days + self._sums @ in_w) % 360.0)
        sa, ca, sd, cd, sw, cw = np.sin(ra), np.cos(ra), np.sin(dec), np.cos(dec), np.sin(w), np.cos(w)
        x = np.stack([-cw * sa - sw * sd * ca, cw * ca - sw * sd * sa, sw * cd], -1)
        return x, np.stack([cd * ca, cd * sa, sd], -1)


def from_pole(ra: float, dec: float, w: float) -> np.ndarray:
    """Body axes from the pole's right ascension and declination and the prime meridian's angle from the node,
    radians."""
    node = np.array([-math.sin(ra), math.cos(ra), 0.0])
    pole = np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])
    ahead = quat.cross(pole, node)
    x = math.cos(w) * node + math.sin(w) * ahead
    return np.array([x, quat.cross(pole, x), pole]).T


def _turned(precession: np.ndarray, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return (np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) @ precession).T
