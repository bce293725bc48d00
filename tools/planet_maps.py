"""Paints the maps of bodies for which no photograph with a clear licence comes as a package.

Every map is uint8 BGR ``(height, width, 3)``, equirectangular, north at the top, longitude -180 deg (west edge) to
+180 deg (east positive). The patterns are seeded noise; what a teacher would look for (lunar maria and ray craters,
Martian albedo features and caps, Jupiter's belts and Great Red Spot) sits at its true place.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Array = np.ndarray


def sphere(width: int) -> tuple[Array, Array, Array]:
    """Latitudes ``(h, 1)`` and longitudes ``(1, w)`` in radians, unit vectors ``(h, w, 3)`` of every pixel centre."""
    height = width // 2
    lat = (np.pi / 2 - (np.arange(height) + 0.5) / height * np.pi).astype(np.float32)[:, None]
    lon = ((np.arange(width) + 0.5) / width * 2 * np.pi - np.pi).astype(np.float32)[None, :]
    points = np.stack(
        [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.broadcast_to(np.sin(lat), (height, width))], -1
    )
    return lat, lon, points


def value_noise(points: Array, seed: int) -> Array:
    """Smooth noise in -1..1 on a lattice of random values, quintic between them; ``points`` is ``(..., 3)``."""
    table = np.random.default_rng(seed).uniform(-1, 1, (64, 64, 64)).astype(np.float32)
    cell = np.floor(points).astype(np.int32)
    f = (points - cell).astype(np.float32)
    f = f * f * f * (f * (f * 6 - 15) + 10)
    lo, hi = cell & 63, (cell + 1) & 63
    flat = table.ravel()
    out = np.zeros(points.shape[:-1], np.float32)
    for corner in range(8):
        pick = [(hi if corner >> axis & 1 else lo)[..., axis] for axis in range(3)]
        weight = np.ones_like(out)
        for axis in range(3):
            weight *= f[..., axis] if corner >> axis & 1 else 1 - f[..., axis]
        out += weight * flat[(pick[0] << 12) | (pick[1] << 6) | pick[2]]
    return out


def fractal(points: Array, frequency: float, octaves: int, seed: int, gain: float = 0.5, ridged: bool = False) -> Array:
    """Sum of noise octaves, about -1..1 (0..1 when ridged)."""
    total = np.zeros(points.shape[:-1], np.float32)
    weight = norm = 1.0
    for octave in range(octaves):
        layer = value_noise(points * frequency + 17.3 * octave, seed + octave)
        total += weight * (1 - 2 * np.abs(layer) if ridged else layer)
        norm += weight if octave else 0.0
        weight *= gain
        frequency *= 2.03
    return total / norm * (1.0 if ridged else 1.6)


def smooth(low: float, high: float, x: Array) -> Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def ramp(x: Array, stops: list[tuple[float, tuple[int, int, int]]]) -> Array:
    """Colours ``(..., 3)`` BGR from RGB stops."""
    at = [s for s, _ in stops]
    return np.stack([np.interp(x, at, [rgb[c] for _, rgb in stops]) for c in (2, 1, 0)], -1).astype(np.float32)


def direction(lat: float, lon: float) -> Array:
    a, b = np.radians(lat), np.radians(lon)
    return np.array([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)], np.float32)


def arc(points: Array, lat: float, lon: float) -> Array:
    """Angle in degrees from every pixel to a place."""
    return np.degrees(np.arccos(np.clip(points @ direction(lat, lon), -1, 1)))


def patch(points: Array, lat: float, lon: float, wide: float, tall: float, turn: float = 0.0) -> Array:
    """Distance from a place in units of an ellipse with half axes ``wide`` (east) and ``tall`` (north), in degrees."""
    centre = direction(lat, lon)
    east = np.array([-np.sin(np.radians(lon)), np.cos(np.radians(lon)), 0], np.float32)
    north = np.cross(centre, east)
    angle = arc(points, lat, lon)
    x, y = points @ east, points @ north
    norm = np.maximum(np.hypot(x, y), 1e-6)
    x, y = angle * x / norm, angle * y / norm
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return np.hypot((c * x + s * y) / wide, (-s * x + c * y) / tall)


def craters(
    width: int, count: int, seed: int, smallest: float, largest: float, rays: float = 0.15, relief: float = 0.3
) -> Array:
    """Brightness change (about -0.35..0.5) of ``count`` craters with radii in degrees, many small and few large.

    The shading does not depend on any light: rims and rays are bright, floors dark.
    """
    rng = np.random.default_rng(seed)
    lat, lon, points = sphere(width)
    out = np.zeros((width // 2, width), np.float32)
    z = rng.uniform(-1, 1, count)
    longitude = rng.uniform(-np.pi, np.pi, count)
    few = 1 - (smallest / largest) ** 2.2
    radius = np.radians(smallest * (1 - rng.uniform(0, 1, count) * few) ** (-1 / 2.2))
    fresh = rng.uniform(0, 1, count)
    for zi, li, r, age in zip(z, longitude, radius, fresh, strict=True):
        bright = age > 0.97 and r > np.radians(smallest * 1.5)
        reach = r * (9 if bright else 1.9)
        centre = np.arcsin(zi)
        rows = np.nonzero(np.abs(lat[:, 0] - centre) < reach)[0]
        if not len(rows):
            continue
        top = min(np.pi / 2, abs(centre) + reach)
        half = np.pi if top > 1.45 else min(np.pi, reach / np.cos(top))
        first = int((li - half + np.pi) / (2 * np.pi) * width)
        cols = np.arange(first, first + max(2, int(half / np.pi * width) + 2)) % width
        cols = np.unique(cols)
        block = np.ix_(rows, cols)
        d = np.arccos(np.clip(points[block] @ direction(np.degrees(centre), np.degrees(li)), -1, 1)) / r
        depth = relief * (0.3 + 0.7 * age) * (0.75 + 0.25 * np.sin(li * 9))
        shape = -depth * (1 - smooth(0.55, 0.95, d)) + 0.9 * depth * np.exp(-(((d - 1.02) / 0.13) ** 2))
        shape += 0.25 * depth * (1 - smooth(1.0, 1.9, d)) * (d > 1)
        if bright:
            bearing = np.arctan2(lat[rows] - centre, (lon[:, cols] - li) * np.cos(centre))
            spokes = 0.5 + 0.5 * np.cos(bearing * rng.integers(7, 13) + rng.uniform(0, 6) + 2 * np.sin(bearing * 3))
            shape += rays * spokes**2 * np.exp(-d / 3.0) * (d > 0.8)
        out[block] += shape
    return out


def finish(colour: Array) -> Array:
    return np.clip(colour + 0.5, 0, 255).astype(np.uint8)


MARIA = [  # latitude, longitude, half width, half height (deg), turn, darkness
    (33, -16, 19, 18, 0, 1.0),
    (28, 17.5, 11.5, 10.5, 0, 1.0),
    (8, 31, 14, 12, 20, 1.05),
    (17, 59, 9, 7, 0, 1.0),
    (-6, 51, 10, 14, 0, 0.95),
    (-15, 35, 6, 6, 0, 0.9),
    (-21, -17, 11, 10, 0, 0.9),
    (-24, -39, 7, 7, 0, 1.0),
    (18, -57, 15, 26, 0, 0.95),
    (45, -50, 15, 9, 35, 0.8),
    (-10, -23, 7, 6, 0, 0.9),
    (56, 0, 32, 4, 0, 0.75),
    (13, 4, 4, 4, 0, 0.8),
    (7, -31, 9, 7, 0, 0.75),
    (-10, -50, 12, 9, 0, 0.8),
    (-19, -93, 4, 4, 0, 0.8),
    (27, 147, 5, 5, 0, 0.8),
    (57, 81, 5, 4, 0, 0.6),
    (1, 87, 6, 6, 0, 0.7),
    (13, 86, 6, 6, 0, 0.6),
    (-34, 163, 5, 5, 0, 0.6),
    (-20, 129, 2.6, 2.6, 0, 1.0),
    (-47, -155, 9, 8, 0, 0.35),
    (22, 40, 9, 7, 0, 0.7),
]
RAYED = [
    (-43.3, -11.2, 1.6, 42, 1.0),
    (9.7, -20, 1.7, 14, 0.8),
    (8.1, -38, 0.8, 9, 0.8),
    (23.7, -47.5, 0.9, 8, 1.0),
    (-8.9, 61, 2.2, 9, 0.4),
    (16.1, 46.8, 0.7, 9, 0.8),
    (36, 103, 0.6, 20, 0.7),
    (-51, 37, 1.3, 10, 0.4),
    (22, -66, 0.8, 10, 0.5),
    (-61, -22, 1.5, 8, 0.3),
]  # latitude, longitude, radius, reach (deg), strength


def moon(width: int = 2048) -> Array:
    _, _, p = sphere(width)
    wobble = fractal(p, 5, 6, 11)
    sea = np.zeros(p.shape[:2], np.float32)
    for lat, lon, wide, tall, turn, dark in MARIA:
        sea = np.maximum(sea, dark * (1 - smooth(0.72, 1.12, patch(p, lat, lon, wide, tall, turn) + 0.30 * wobble)))
    tone = (
        166
        + 12 * fractal(p, 2.5, 4, 25)
        + 22 * fractal(p, 9, 7, 21, 0.66)
        - 72 * sea * (0.86 + 0.22 * fractal(p, 9, 6, 31))
    )
    pits = craters(width, 9000, 5, 0.28, 4.0, 0.10, 0.17)
    tone *= 1 + pits * (1 - 0.75 * np.clip(sea, 0, 1))
    for lat, lon, radius, reach, strength in RAYED:
        d = arc(p, lat, lon)
        centre = direction(lat, lon)
        east = np.array([-np.sin(np.radians(lon)), np.cos(np.radians(lon)), 0], np.float32)
        bearing = np.arctan2(p @ np.cross(centre, east), p @ east)
        unit = np.stack([np.cos(bearing), np.sin(bearing), d * 0.02], -1)
        spokes = smooth(0.05, 0.75, fractal(unit, 4.5, 4, int(lat * 7 + 900), 0.7))
        tone += strength * (
            62 * spokes * np.exp(-d / (reach * 0.45)) * (1 - smooth(reach, 2 * reach, d)) * (d > radius)
        )
        tone += strength * 45 * np.exp(-((d / (radius * 2.2)) ** 2)) - 30 * strength * np.exp(-((d / radius) ** 4))
    tint = np.stack([tone * (0.945 + 0.035 * sea), tone * 0.975, tone * 1.0], -1)
    return finish(tint)


def mercury(width: int = 1024) -> Array:
    _, _, p = sphere(width)
    base = 128 + 26 * fractal(p, 3, 7, 41, 0.6) + 12 * fractal(p, 12, 5, 47, 0.6)
    base *= 1 + craters(width, 5200, 9, 0.45, 5.0, 0.34, 0.2)
    base += 14 * (1 - smooth(0.8, 1.1, patch(p, 30, 165, 20, 20)))
    return finish(np.stack([base * 0.86, base * 0.95, base * 1.04], -1))


def venus(width: int = 1024) -> Array:
    lat, _, p = sphere(width)
    # The clouds' sideways Y: longitude sheared by latitude before the noise is taken.
    shear = 1.7 * np.abs(np.sin(lat)) ** 1.4 + 0.5 * fractal(p, 1.6, 4, 51)
    c, s = np.cos(shear), np.sin(shear)
    q = np.stack([c * p[..., 0] - s * p[..., 1], s * p[..., 0] + c * p[..., 1], p[..., 2] * 3.2], -1)
    t = 0.5 + 0.42 * fractal(q, 1.7, 6, 55, 0.52) + 0.16 * np.cos(2 * lat) * 0.5
    return finish(
        ramp(t, [(0.0, (168, 122, 62)), (0.4, (205, 164, 98)), (0.7, (231, 201, 144)), (1.0, (247, 231, 193))])
    )


DARK_MARS = [  # latitude, east longitude, half width, half height, turn, darkness
    (9, 69, 6, 13, -8, 1.0),
    (0, 66, 9, 6, 0, 0.8),
    (-8, 58, 15, 5, 5, 0.8),
    (-5, -2, 12, 3.5, 0, 0.9),
    (-20, 100, 24, 7, -6, 0.8),
    (-24, 135, 26, 7, 12, 0.85),
    (-32, 165, 24, 7, 6, 0.8),
    (-30, -160, 22, 7, -5, 0.75),
    (-35, -125, 20, 6, -4, 0.55),
    (-26, -88, 6, 3.5, 0, 0.9),
    (-48, -60, 30, 9, 0, 0.6),
    (45, -30, 22, 13, 10, 0.9),
    (28, -42, 6, 9, 0, 0.55),
    (-10, -38, 9, 7, 0, 0.75),
    (-24, -45, 18, 8, 0, 0.65),
    (-55, 20, 40, 8, 0, 0.5),
    (-58, 150, 50, 7, 0, 0.55),
    (-20, 15, 20, 7, 5, 0.7),
    (-23, 40, 12, 7, 0, 0.7),
    (52, 100, 40, 8, 0, 0.55),
    (66, -160, 180, 6, 0, 0.5),
    (58, 20, 25, 8, 0, 0.45),
    (22, 110, 7, 3, 20, 0.5),
    (10, 150, 12, 3, 0, 0.45),
]


def mars(width: int = 2048) -> Array:
    lat, _, p = sphere(width)
    wobble = fractal(p, 6, 7, 61, 0.64)
    degrees = np.degrees(lat)
    lonlat = np.degrees(np.arctan2(p[..., 1], p[..., 0]))
    dark = np.zeros(p.shape[:2], np.float32)
    for la, lo, wide, tall, turn, depth in DARK_MARS:
        x, y = (lonlat - lo + 180) % 360 - 180, degrees - la
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        x = x * np.cos(np.radians(la)) if wide < 100 else x * 0
        oval = np.hypot((c * x + s * y) / wide, (-s * x + c * y) / tall)
        dark = np.maximum(dark, depth * (1 - smooth(0.35, 1.3, oval + 0.55 * wobble)))
    dust = 0.5 + 0.3 * fractal(p, 2.2, 6, 71, 0.55) + 0.10 * fractal(p, 24, 5, 75, 0.6)
    for la, lo, size in ((-42, 70, 17), (-50, -43, 9)):  # Hellas and Argyre: bright basins
        basin = 1 - smooth(0.7, 1.15, patch(p, la, lo, size, size * 0.75) + 0.2 * wobble)
        dust, dark = dust + 0.22 * basin, dark * (1 - 0.9 * basin)
    colour = ramp(dust, [(0.0, (150, 82, 46)), (0.5, (196, 118, 70)), (1.0, (228, 164, 112))])
    shade = ramp(0.5 + 0.4 * wobble, [(0.0, (70, 48, 38)), (1.0, (104, 72, 54))])
    colour += (shade - colour) * (0.86 * dark[..., None])
    colour *= 1 + 0.8 * (craters(width, 5200, 13, 0.25, 2.4, 0.0, 0.16) * smooth(0.35, -0.25, p[..., 2]))[..., None]
    for la, lo, size in ((18.6, -134, 5.2), (1.5, -113, 3), (-8.3, -120.5, 3.2), (11.8, -104.5, 3.2), (25, 147, 2.4)):
        d = arc(p, la, lo) / size  # volcanoes: a faint lighter dome with a small dark caldera
        colour *= (
            1 + 0.16 * np.exp(-(d**2) * 2) - 0.10 * np.exp(-((d - 1) ** 2) * 18) - 0.3 * np.exp(-((d * 6) ** 2))
        )[..., None]
    valley = -7 - 4.0 * np.sin((lonlat + 92) / 52 * 1.9) + 1.2 * fractal(p, 22, 4, 81)
    inside = smooth(-96, -88, lonlat) * (1 - smooth(-50, -38, lonlat))
    colour *= (
        1 - 0.50 * inside * np.exp(-(((degrees - valley) / (1.1 + 0.8 * np.exp(-(((lonlat + 72) / 9) ** 2)))) ** 2))
    )[..., None]
    edge = 2.2 * fractal(p, 9, 6, 91, 0.6)
    spiral = 0.12 * np.sin(lonlat / 57.3 * 3 + (90 - degrees) * 0.9)
    north = smooth(75.5, 78.5, degrees + edge)
    south = smooth(79.5, 82, -degrees + edge)
    ice = np.clip(north * (0.94 - spiral * smooth(88, 80, degrees)) + south, 0, 1)[..., None]
    return finish(colour * (1 - ice) + np.array([236, 240, 246], np.float32) * ice)


JUPITER = [
    (-90, (118, 112, 112)),
    (-66, (134, 126, 122)),
    (-55, (160, 148, 136)),
    (-46, (140, 124, 112)),
    (-40, (186, 170, 150)),
    (-34, (156, 132, 112)),
    (-30, (206, 190, 166)),
    (-23, (216, 202, 178)),
    (-19.5, (178, 136, 106)),
    (-14, (164, 116, 86)),
    (-9, (182, 140, 108)),
    (-6.5, (222, 206, 178)),
    (0, (238, 226, 202)),
    (5.5, (228, 208, 172)),
    (7.5, (186, 138, 98)),
    (12, (158, 110, 78)),
    (16.5, (184, 144, 110)),
    (19, (226, 212, 186)),
    (23, (214, 196, 166)),
    (26, (166, 136, 108)),
    (30, (206, 188, 160)),
    (37, (170, 148, 126)),
    (42, (186, 168, 148)),
    (48, (150, 136, 124)),
    (56, (158, 148, 138)),
    (66, (132, 124, 120)),
    (90, (116, 110, 112)),
]


def jupiter(width: int = 2048) -> Array:
    lat, lon, p = sphere(width)
    degrees = np.broadcast_to(np.degrees(lat), p.shape[:2])
    lonlat = np.broadcast_to(np.degrees(lon), p.shape[:2])
    stretched = p * np.array([1, 1, 4.5], np.float32)
    swirl = fractal(stretched, 3.2, 5, 101, 0.55)
    warp = p + 0.10 * np.stack([swirl, fractal(stretched, 3.2, 5, 111, 0.55), 0.25 * swirl], -1)
    fine = fractal(warp * np.array([1, 1, 7], np.float32), 5.5, 6, 121, 0.6)
    calm = np.cos(lat) ** 0.6
    belt = np.exp(-(((degrees - 9) / 6) ** 2)) + np.exp(-(((degrees + 15) / 7) ** 2))
    shift = (1.5 + 2.6 * belt) * fine * calm + 1.3 * swirl * calm
    spot = patch(p, -22, -60, 9.2, 6.0)
    # Bands bend around the spot, and its wake to the west is stirred.
    bend = 5.0 * np.exp(-(np.maximum(spot - 0.6, 0) ** 2) * 1.4) * np.sign(degrees + 22) * smooth(0.2, 0.9, spot)
    wake = np.exp(-(((degrees + 15) / 4) ** 2)) * smooth(-140, -75, lonlat) * (1 - smooth(-75, -66, lonlat))
    turbulence = fractal(warp * np.array([1, 1, 2.2], np.float32), 13, 5, 131, 0.65)
    colour = ramp(degrees + shift - bend + 3.2 * wake * turbulence, [(d, rgb) for d, rgb in JUPITER])
    streaks = fractal(warp * np.array([1, 1, 16], np.float32), 4.0, 5, 141, 0.62)
    colour *= (1 + 0.09 * streaks * calm + 0.085 * turbulence * (0.35 + belt) * calm)[..., None]
    hollow = np.exp(-((spot - 1.12) ** 2) * 16)
    colour += (np.array([196, 214, 226], np.float32) - colour) * (0.62 * hollow)[..., None]
    ring = ramp(0.5 + 0.5 * np.sin(spot * 9 + 2.2 * fine), [(0, (178, 88, 58)), (1, (206, 120, 84))])
    colour += (ring - colour) * (1 - smooth(0.82, 1.06, spot + 0.06 * fine))[..., None]
    rng = np.random.default_rng(7)
    for k in range(14):  # the string of pearls and a few barges
        la, lo = (
            (-33.5 + rng.normal(0, 0.6), -170 + 26 * k + rng.uniform(-8, 8))
            if k < 9
            else (15.5 + rng.normal(0, 1), rng.uniform(-180, 180))
        )
        oval = patch(p, la, lo, 2.2 if k < 9 else 3.0, 1.5 if k < 9 else 0.9)
        tone = np.array([206, 222, 230] if k < 9 else [44, 62, 96], np.float32)
        colour += (tone - colour) * (0.75 * (1 - smooth(0.5, 1.1, oval)))[..., None]
    return finish(cv2.GaussianBlur(colour, (0, 0), 0.6))


SATURN = [
    (-90, (150, 140, 120)),
    (-72, (176, 162, 132)),
    (-58, (198, 180, 142)),
    (-46, (214, 194, 150)),
    (-36, (204, 180, 136)),
    (-27, (222, 200, 154)),
    (-18, (206, 178, 130)),
    (-10, (228, 206, 158)),
    (0, (240, 222, 178)),
    (9, (230, 208, 160)),
    (17, (208, 180, 132)),
    (27, (222, 198, 150)),
    (37, (200, 176, 134)),
    (48, (206, 186, 146)),
    (60, (186, 172, 140)),
    (74, (164, 160, 142)),
    (80, (148, 154, 148)),
    (90, (134, 146, 150)),
]


def saturn(width: int = 1024) -> Array:
    lat, lon, p = sphere(width)
    degrees = np.broadcast_to(np.degrees(lat), p.shape[:2])
    soft = fractal(p * np.array([1, 1, 6], np.float32), 2.5, 4, 151, 0.5)
    hexagon = 1.2 * np.cos(6 * lon) * np.exp(-(((degrees - 77) / 4) ** 2))
    colour = ramp(degrees + 0.8 * soft + hexagon, [(d, rgb) for d, rgb in SATURN])
    lines = np.interp(
        np.degrees(lat[:, 0])[::-1], np.linspace(-90, 90, 181), np.random.default_rng(3).normal(0, 1, 181)
    )[::-1].astype(np.float32)[:, None]
    return finish(colour * (1 + 0.018 * lines + 0.012 * soft)[..., None])


def ice_giant(width: int, stops: list[tuple[float, tuple[int, int, int]]], seed: int) -> Array:
    lat, _, p = sphere(width)
    degrees = np.broadcast_to(np.degrees(lat), p.shape[:2])
    soft = fractal(p * np.array([1, 1, 5], np.float32), 2.2, 4, seed, 0.5)
    return ramp(degrees + 3 * soft, stops) * (1 + 0.012 * soft)[..., None]


def uranus(width: int = 512) -> Array:
    return finish(
        ice_giant(
            width,
            [
                (-90, (150, 205, 213)),
                (-40, (160, 214, 221)),
                (0, (168, 220, 226)),
                (35, (178, 226, 230)),
                (55, (200, 236, 238)),
                (90, (214, 242, 243)),
            ],
            161,
        )
    )


def neptune(width: int = 1024) -> Array:
    lat, _, p = sphere(width)
    colour = ice_giant(
        width,
        [
            (-90, (92, 140, 206)),
            (-60, (80, 128, 208)),
            (-35, (96, 146, 220)),
            (-10, (78, 124, 208)),
            (15, (92, 142, 218)),
            (40, (76, 122, 204)),
            (90, (98, 148, 212)),
        ],
        171,
    )
    spot = patch(p, -20, 30, 10, 5) + 0.1 * fractal(p, 8, 4, 181)
    colour += (np.array([168, 98, 58], np.float32) - colour) * (0.45 * (1 - smooth(0.6, 1.15, spot)))[..., None]
    wisps = smooth(0.45, 0.95, fractal(p * np.array([1, 1, 11], np.float32), 3.5, 5, 191, 0.6))
    band = np.exp(-(((np.degrees(lat) + 29) / 5) ** 2)) + 0.6 * np.exp(-(((np.degrees(lat) - 27) / 6) ** 2))
    return finish(colour + (238 - colour) * (0.8 * wisps * band)[..., None])


def sun(width: int = 1024) -> Array:
    _, _, p = sphere(width)
    cells = fractal(p, 34, 4, 201, 0.6)
    large = fractal(p, 6, 4, 211)
    return finish(
        ramp(0.62 + 0.24 * cells + 0.14 * large, [(0, (242, 150, 52)), (0.5, (255, 206, 112)), (1, (255, 244, 208))])
    )


def clouds(width: int) -> Array:
    """Cover 0..1 ``(h, w)`` of clouds as they might be: storm tracks at middle latitudes, a belt near the equator,
    clear subtropics. Noise, not weather of any day."""
    lat, _, p = sphere(width)
    degrees = np.degrees(lat)
    stretch = np.array([1, 1, 1.5], np.float32)
    flow = np.stack([fractal(p * stretch, 2.1, 4, 300 + 10 * k, 0.5) for k in range(3)], -1)
    q = p + 0.22 * flow
    q = q + 0.07 * np.stack([fractal(q, 6.5, 4, 340 + 10 * k, 0.55) for k in range(3)], -1)
    base = fractal(q * stretch, 3.1, 8, 371, 0.60)
    wisps = fractal(q * np.array([1, 1, 2.2], np.float32), 11, 6, 381, 0.64)
    climate = (
        0.30 * np.exp(-(((degrees - 6) / 7) ** 2))
        + 0.42 * np.exp(-(((degrees - 52) / 14) ** 2))
        + 0.50 * np.exp(-(((degrees + 54) / 14) ** 2))
        - 0.16 * np.exp(-(((np.abs(degrees) - 24) / 9) ** 2))
    )
    amount = base + 0.34 * wisps + climate - 0.22
    return 0.88 * smooth(0.02, 0.72, amount) * (0.80 + 0.20 * smooth(-0.4, 0.5, wisps))


def io(width: int = 512) -> Array:
    _, _, p = sphere(width)
    colour = ramp(
        0.5 + 0.4 * fractal(p, 3, 6, 221, 0.6),
        [(0, (186, 128, 52)), (0.35, (218, 186, 84)), (0.7, (236, 218, 132)), (1, (246, 240, 204))],
    )
    rng = np.random.default_rng(2)
    for _ in range(60):
        d = arc(p, float(np.degrees(np.arcsin(rng.uniform(-1, 1)))), rng.uniform(-180, 180)) / rng.uniform(1, 3.4)
        colour *= (1 - 0.7 * np.exp(-(d**2)))[..., None]
    return finish(colour)


def europa(width: int = 512) -> Array:
    _, _, p = sphere(width)
    rng = np.random.default_rng(231)
    bend = 0.05 * fractal(p, 3, 4, 235)
    lines = np.zeros(p.shape[:2], np.float32)
    for _ in range(46):
        pole = rng.normal(0, 1, 3).astype(np.float32)
        pole /= np.linalg.norm(pole)
        along = smooth(-0.1, 0.4, fractal(p, 1.3, 2, int(rng.integers(1000))))
        off = np.abs(p @ pole - rng.uniform(-0.75, 0.75) + bend * rng.uniform(0.3, 1.6))
        lines = np.maximum(lines, along * (1 - smooth(0.0, rng.uniform(0.010, 0.022), off)))
    colour = ramp(
        0.6 + 0.35 * fractal(p, 2.5, 6, 251), [(0, (176, 150, 124)), (0.6, (214, 204, 188)), (1, (236, 232, 224))]
    )
    return finish(colour + (np.array([86, 112, 158], np.float32) - colour) * (0.55 * lines)[..., None])


def icy_cratered(width: int, dark: tuple[int, int, int], light: tuple[int, int, int], seed: int) -> Array:
    _, _, p = sphere(width)
    tone = smooth(-0.45, 0.5, fractal(p, 2.3, 7, seed, 0.6))
    colour = ramp(tone, [(0, dark), (1, light)])
    return finish(colour * (1 + 1.2 * craters(width, 900, seed, 1.1, 7.0, 0.5))[..., None])


def ganymede(width: int = 512) -> Array:
    return icy_cratered(width, (96, 86, 76), (178, 168, 154), 261)


def callisto(width: int = 512) -> Array:
    return icy_cratered(width, (74, 66, 58), (124, 112, 98), 271)


PAINTERS: dict[str, Callable[[], Array]] = {
    "mercury": mercury,
    "venus": venus,
    "moon": moon,
    "mars": mars,
    "jupiter": jupiter,
    "saturn": saturn,
    "uranus": uranus,
    "neptune": neptune,
    "sun": sun,
    "io": io,
    "europa": europa,
    "ganymede": ganymede,
    "callisto": callisto,
}
