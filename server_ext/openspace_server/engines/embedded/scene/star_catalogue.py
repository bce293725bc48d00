"""The Hipparcos catalogue: positions, magnitudes and colours of the stars as seen from anywhere. Pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from openspace_server.engines.embedded.graphics.mesh import DATA
from openspace_server.engines.embedded.sky.units import PARSEC

NEAREST = 1.3
"""Parsecs to the nearest star but the Sun."""
FAINTEST = 7.0
"""Magnitude of the faintest star drawn: beyond the naked eye's 6.5, and few enough to be cheap in software."""
_SUN = (4.83, 0.65)  # absolute magnitude and B-V
_BV = (
    (-0.35, (0.66, 0.76, 1.0)),
    (0.0, (0.80, 0.87, 1.0)),
    (0.35, (0.97, 0.97, 1.0)),
    (0.65, (1.0, 0.95, 0.86)),
    (1.0, (1.0, 0.86, 0.70)),
    (1.5, (1.0, 0.74, 0.52)),
    (2.1, (1.0, 0.60, 0.38)),
)


def star_colors(bv: np.ndarray) -> np.ndarray:
    """RGB 0..1 ``(n, 3)`` of colour indices B-V ``(n,)``: blue-white below 0, orange above 1."""
    at = [b for b, _ in _BV]
    return np.stack([np.interp(bv, at, [rgb[c] for _, rgb in _BV]) for c in range(3)], -1)


class VisibleStars(NamedTuple):
    """Stars as seen from somewhere: unit vectors ``(n, 3)``, magnitudes ``(n,)`` and RGB ``(n, 3)``."""

    vectors: np.ndarray
    magnitudes: np.ndarray
    rgb: np.ndarray


@dataclass(frozen=True)
class Catalogue:
    """Stars, brightest as seen from here first; the Sun is not among them.

    Attributes:
        vectors: int16 ``(n, 3)``, 32767 times the direction, ICRS.
        distance: parsecs ``(n,)``.
        magnitude: as seen from here ``(n,)``.
        color: int8 ``(n,)``, 50 times B-V.
    """

    vectors: np.ndarray
    distance: np.ndarray
    magnitude: np.ndarray
    color: np.ndarray

    def from_here(self) -> VisibleStars:
        """The stars that are drawn as seen from the Sun."""
        shown = slice(int(np.searchsorted(self.magnitude, FAINTEST)))
        vectors = self.vectors[shown] / 32767.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return VisibleStars(vectors, self.magnitude[shown].astype(float), star_colors(self.color[shown] / 50.0))

    def seen(self, camera: np.ndarray, axes: np.ndarray, reach: float) -> VisibleStars:
        """The stars that are drawn as seen from ``camera`` (metres from the Sun, ICRS), in view axes.

        Args:
            axes: matrix from ICRS to view axes.
            reach: cosine of the angle from the line of sight within which stars are returned, above 0.
        """
        positions, light, color = self._space
        offsets = positions - camera / PARSEC
        square = np.einsum("ij,ij->i", offsets, offsets)
        along = offsets @ axes[1]
        visible = (along > 0) & (along * along > reach * reach * square) & (light > 10 ** (-0.4 * FAINTEST) * square)
        rows = np.flatnonzero(visible)
        away = np.sqrt(square[rows])
        magnitudes = -2.5 * np.log10(light[rows] / square[rows])
        return VisibleStars((offsets[rows] / away[:, None]) @ axes.T, magnitudes, star_colors(color[rows] / 50.0))

    @cached_property
    def _space(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """With the Sun: positions in parsecs ``(n, 3)``, light at one parsec in terms of magnitude 0, colours."""
        vectors = self.vectors / 32767.0
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        distance = self.distance.astype(float)
        light = 10 ** (-0.4 * self.magnitude.astype(float)) * distance * distance
        return (
            np.concatenate([vectors * distance[:, None], np.zeros((1, 3))]),
            np.append(light, 100 * 10 ** (-0.4 * _SUN[0])),
            np.append(self.color, np.int8(50 * _SUN[1])),
        )


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The catalogue, read once."""
    file = np.load(DATA / "stars.npz")
    return Catalogue(file["vectors"], file["distance"], file["magnitude"], file["colour"])
