"""Geodesy on spheroids: latitude, longitude and height to and from body-fixed axes.

x points to the prime meridian, z to the north pole. Angles in degrees, lengths in metres.
"""

from __future__ import annotations

import math

import numpy as np

from openspace_server.geometry import quaternions as quat


def cartesian(latitude: float, longitude: float, height: float, equatorial: float, polar: float) -> np.ndarray:
    """The point ``height`` above the spheroid, straight up from the surface."""
    up = normal(latitude, longitude)
    scaled = up * (equatorial * equatorial, equatorial * equatorial, polar * polar)
    return scaled / math.sqrt(up @ scaled) + height * up


def normal(latitude: float, longitude: float) -> np.ndarray:
    """Unit vector straight up."""
    lat, lon = math.radians(latitude), math.radians(longitude)
    return np.array((math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)))


def geodetic(point: np.ndarray, equatorial: float, polar: float) -> tuple[float, float, float]:
    """Latitude, longitude and height of ``point``; exact to rounding above the surface, by Newton's method on the foot
    of the perpendicular."""
    x, y, z = point.tolist()
    longitude = math.degrees(math.atan2(y, x))
    flat = math.hypot(x, y)
    if equatorial == polar or flat == 0:
        radius = polar if flat == 0 else equatorial
        return math.degrees(math.atan2(z, flat)), longitude, math.hypot(flat, z) - radius
    # The foot is (a cos t, b sin t); t solves a flat sin t - b z cos t = (a^2 - b^2) sin t cos t.
    t = math.atan2(z * equatorial, flat * polar)
    squares = equatorial**2 - polar**2
    for _ in range(12):
        s, c = math.sin(t), math.cos(t)
        f = equatorial * flat * s - polar * z * c - squares * s * c
        step = f / (equatorial * flat * c + polar * z * s - squares * (c * c - s * s))
        t -= step
        if abs(step) < 1e-15:
            break
    s, c = math.sin(t), math.cos(t)
    latitude = math.atan2(equatorial * s, polar * c)
    height = (flat - equatorial * c) * math.cos(latitude) + (z - polar * s) * math.sin(latitude)
    return math.degrees(latitude), longitude, height


def intersection(origin: np.ndarray, direction: np.ndarray, equatorial: float, polar: float) -> np.ndarray | None:
    """Where a ray first meets the spheroid from outside; None when it does not."""
    scale = np.array((equatorial, equatorial, polar))
    o, d = origin / scale, direction / scale
    a, b, c = float(d @ d), float(o @ d), float(o @ o) - 1
    inside = b * b - a * c
    if inside < 0 or b >= 0:
        return None
    return origin + direction * (max(c, 0.0) / (-b + math.sqrt(inside)))


def north(up: np.ndarray) -> np.ndarray:
    """Unit vector towards the north pole across ``up`` (unit); at the poles, along the prime meridian's far side."""
    across = np.array((0.0, 0.0, 1.0)) - up[2] * up
    size = quat.length(across)
    return across / size if size > 1e-6 else np.array((-math.copysign(1.0, up[2]), 0.0, 0.0))
