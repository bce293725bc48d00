"""Paints the maps of the moons of Saturn, Uranus and Neptune, and of Pluto and Charon.

Like :mod:`planet_maps`, colours BGR: seeded noise, with what is well known at its true place (Iapetus' dark side,
Pluto's heart, Charon's red pole, Mimas' and Tethys' great craters).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from planet_maps import Array, arc, finish, fractal, icy_cratered, patch, ramp, smooth, sphere


def titan(width: int = 512) -> Array:
    """All haze, a little darker to the north."""
    lat, _, p = sphere(width)
    colour = ramp(0.55 + 0.05 * fractal(p * (1, 1, 3), 1.5, 3, 611), [(0, (196, 138, 58)), (1, (232, 178, 92))])
    return finish(colour * (1 - 0.07 * smooth(0.2, 1.2, lat))[..., None])


def iapetus(width: int = 512) -> Array:
    """Dark on the side that goes ahead (90 degrees west), bright behind it and at the poles."""
    _, _, p = sphere(width)
    away = arc(p, 0, -90) + 14 * fractal(p, 3, 5, 621)
    dark = (1 - smooth(72, 96, away))[..., None]
    bright = ramp(0.6 + 0.3 * fractal(p, 3, 6, 622), [(0, (176, 166, 150)), (1, (232, 226, 214))])
    return finish(bright * (1 - dark) + np.array([36, 46, 58], np.float32) * dark)


def pitted(lat: float, lon: float, size: float, seed: int, width: int = 512) -> Array:
    """Grey ice with one great crater."""
    image = icy_cratered(width, (150, 148, 146), (222, 220, 218), seed).astype(np.float32)
    away = arc(sphere(width)[2], lat, lon) / size
    rim, floor = np.exp(-(((away - 1) / 0.12) ** 2)), 1 - smooth(0.75, 0.95, away)
    return np.clip(image * (1 + 0.22 * rim - 0.20 * floor)[..., None], 0, 255).astype(np.uint8)


def enceladus(width: int = 512) -> Array:
    """White, with bluish cracks near the south pole."""
    lat, _, p = sphere(width)
    cracks = smooth(0.86, 0.97, fractal(p * (2, 1, 1), 3, 3, 632, ridged=True)) * (1 - smooth(-1.1, -0.5, lat))
    colour = ramp(0.7 + 0.25 * fractal(p, 4, 6, 631), [(0, (214, 216, 220)), (1, (250, 250, 252))])
    return finish(colour + (np.array([186, 158, 120], np.float32) - colour) * (0.7 * cracks)[..., None])


def triton(width: int = 512) -> Array:
    """A pinkish southern cap with dark streaks, grey cantaloupe ground to the north."""
    lat, _, p = sphere(width)
    cap = (1 - smooth(-0.30, 0.05, lat + 0.16 * fractal(p, 3, 5, 641)))[..., None]
    ground = ramp(0.5 + 0.4 * fractal(p, 9, 4, 642, ridged=True), [(0, (140, 138, 134)), (1, (188, 184, 176))])
    ice = ramp(0.6 + 0.3 * fractal(p * (1, 1, 3), 5, 5, 643), [(0, (186, 160, 150)), (1, (238, 218, 206))])
    return finish(ground * (1 - cap) + ice * cap)


def pluto(width: int = 1024) -> Array:
    """Tombaugh Regio, dark Cthulhu Macula west of it along the equator, an ochre north."""
    lat, _, p = sphere(width)
    rough = fractal(p, 3, 6, 651)
    colour = ramp(0.55 + 0.4 * rough, [(0, (150, 116, 88)), (0.6, (206, 180, 150)), (1, (232, 214, 190))])
    wobble = 0.25 * fractal(p, 4, 5, 652)
    dark = 1 - smooth(0.7, 1.15, patch(p, -6, 115, 62, 13) + wobble)[..., None]
    colour = colour + (np.array([34, 46, 74], np.float32) - colour) * 0.85 * dark
    heart = np.minimum(patch(p, 22, 178, 17, 26, 10), patch(p, 12, -158, 24, 20, -20))
    heart = 1 - smooth(0.8, 1.1, heart + 0.3 * wobble)[..., None]
    colour = colour + (np.array([212, 232, 246], np.float32) - colour) * heart
    north = (0.35 * smooth(0.9, 1.4, lat))[..., None]
    return finish(colour * (1 - north) + np.array([120, 172, 206], np.float32) * north)


def charon(width: int = 512) -> Array:
    """Grey with a red-brown north pole."""
    lat, _, p = sphere(width)
    colour = ramp(0.55 + 0.35 * fractal(p, 4, 6, 661), [(0, (120, 116, 112)), (1, (178, 174, 168))])
    pole = (0.75 * smooth(0.85, 1.35, lat + 0.12 * fractal(p, 3, 4, 662)))[..., None]
    return finish(colour * (1 - pole) + np.array([56, 72, 112], np.float32) * pole)


PAINTERS: dict[str, Callable[[], Array]] = {
    "mimas": partial(pitted, 0.0, -104.0, 19.0, 671),
    "enceladus": enceladus,
    "tethys": partial(pitted, 32.0, -129.0, 24.0, 673),
    "dione": lambda: icy_cratered(512, (140, 138, 136), (224, 222, 220), 674),
    "rhea": lambda: icy_cratered(512, (150, 146, 142), (214, 210, 204), 675),
    "titan": titan,
    "iapetus": iapetus,
    "miranda": lambda: icy_cratered(512, (112, 112, 114), (188, 188, 190), 676),
    "ariel": lambda: icy_cratered(512, (128, 126, 124), (204, 202, 200), 677),
    "umbriel": lambda: icy_cratered(512, (70, 70, 70), (116, 116, 116), 678),
    "titania": lambda: icy_cratered(512, (112, 106, 100), (180, 172, 164), 679),
    "oberon": lambda: icy_cratered(512, (98, 88, 82), (162, 150, 142), 680),
    "triton": triton,
    "pluto": pluto,
    "charon": charon,
}
