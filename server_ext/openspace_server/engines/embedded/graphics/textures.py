"""Textures of the bodies, at the resolution that the frame needs.

The software renderer filters textures badly (its mipmaps are blocky) or slowly (bilinear takes four times as long as
nearest). So it always gets, with nearest filtering, a texture that has about one texel per pixel: from afar the whole
map made smaller, close up the part in view made larger, with bicubic interpolation. A GPU gets the map as it is and
filters it itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from panda3d import core

from openspace_server.engines.base import EngineError
from openspace_server.engines.embedded.graphics.mesh import DATA, free, make_texture

_DENSITY = 1.1  # texels per pixel in the middle of a disc
_ENLARGE = 1.35  # magnification from which a part of the map is made larger
_LARGEST = 2048  # side of an enlarged part, texels
_PAD = 2  # texels that cubic interpolation looks at beyond a part's edge
_MARGIN = 1.35  # how much more than the part in view it holds


@dataclass(frozen=True)
class _Region:
    """An enlarged part of the map: its texture, its rectangle in the map and the requested magnification."""

    texture: Any
    left: float
    bottom: float
    wide: float
    tall: float
    factor: float

    def holds(self, low: np.ndarray, high: np.ndarray) -> bool:
        shift = np.round(self.left + self.wide / 2 - (low[0] + high[0]) / 2)
        across = self.wide >= 1 or (self.left <= low[0] + shift and high[0] + shift <= self.left + self.wide)
        return bool(across and self.bottom <= low[1] + 1e-9 and high[1] - 1e-9 <= self.bottom + self.tall)


_REDUCED = (cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_COLOR_8)


def _read(name: str, level: int = 0) -> np.ndarray:
    """The map, its sides halved ``level`` times (at most 3)."""
    image = cv2.imread(str(DATA / f"{name}.jpg"), _REDUCED[level])
    if image is None:
        raise EngineError(f"the map {name}.jpg is missing or damaged; reinstall openspace-widget")
    return image


_CLOUD = 250  # brightness of a closed cover
_STEPS = 32  # of how clearly a cover is laid over a map


def _covered(image: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Clouds over a map, both uint8; ``cover`` ``(h, w)`` is how dense they are."""
    over = cv2.cvtColor(cover, cv2.COLOR_GRAY2BGR)
    bare = cv2.multiply(image, cv2.bitwise_not(over), scale=1 / 255)
    return np.asarray(cv2.addWeighted(bare, 1.0, over, _CLOUD / 255, 0.0))


class TextureMap:
    """The map ``data/<name>.jpg``, longitude -180 to 180 degrees, north up; read at the size that is needed.

    ``cover`` names a map of clouds that are laid over it when it is read, so that they cost nothing when it is drawn.
    """

    def __init__(self, name: str, software: bool, cover: str = "") -> None:
        self._name, self._software = name, software
        self._cover, self._clouds = cover, _STEPS if cover else 0
        self._width = 8 * _read(name, 3).shape[1]
        self._image: np.ndarray | None = None
        self._textures: dict[int, Any] = {}
        self._part: _Region | None = None
        self._exact: tuple[tuple[float, ...], _Region] | None = None

    def cover(self, level: float) -> None:
        """How clearly the clouds are seen from now on, 0..1; a change costs a reading of the map."""
        steps = round(level * _STEPS)
        if self._cover and steps != self._clouds:
            self._clouds = steps
            self.release()
            for texture in self._textures.values():
                free(texture)
            self._textures.clear()

    def _reduced(self, level: int) -> np.ndarray:
        """The map with its clouds, its sides halved ``level`` times (at most 3)."""
        image = _read(self._name, level)
        if not self._clouds:
            return image
        cover = cv2.cvtColor(_read(self._cover, level), cv2.COLOR_BGR2GRAY)
        if self._clouds < _STEPS:
            cover = cv2.convertScaleAbs(cover, alpha=self._clouds / _STEPS)
        return _covered(image, cover)

    def fit(
        self, radius_pixels: float, low: np.ndarray, high: np.ndarray, exact: bool = False
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """Texture for a disc of this radius of which the map from ``low`` to ``high`` ``(2,)`` is in view; one that
        does not depend on earlier calls if ``exact``.

        Returns it with the scale and offset, ``(2,)`` each, that turn map coordinates into the texture's. For
        other coordinates, shift u by whole turns to near the middle of ``low`` and ``high`` first.
        """
        width = self._width
        texels = 2 * np.pi * radius_pixels * _DENSITY
        if not self._software:
            return self._whole(0, core.SamplerState.FT_linear_mipmap_linear), np.ones(2), np.zeros(2)
        if texels < _ENLARGE * width:
            level = int(np.clip(np.floor(np.log2(width / max(texels, 1.0)) + 0.05), 0, 5))
            return self._whole(level, core.SamplerState.FT_nearest), np.ones(2), np.zeros(2)
        factor = 2.0 ** np.ceil(np.log2(texels / width))
        part = self._exact_part(low, high, factor) if exact else self._live_part(low, high, factor)
        shift = np.round(part.left + part.wide / 2 - (low[0] + high[0]) / 2) if part.wide < 1 else 0.0
        scale = 1 / np.array([part.wide, part.tall])
        return part.texture, scale, (np.array([shift, 0.0]) - [part.left, part.bottom]) * scale

    def _live_part(self, low: np.ndarray, high: np.ndarray, factor: float) -> _Region:
        """The part in use as long as it suffices."""
        part = self._part
        if part is None or not part.holds(low, high) or not 0.5 <= part.factor / factor <= 1:
            if part is not None:
                free(part.texture)
            part = self._part = self._enlarged(low, high, factor, _MARGIN)
        return part

    def _exact_part(self, low: np.ndarray, high: np.ndarray, factor: float) -> _Region:
        """The part, from a grid of parts, that holds what is in view."""
        step = 2.0 ** np.floor(np.log2(high - low)) / 4
        low, high = np.floor(low / step) * step, np.ceil(high / step) * step
        key = (*low.tolist(), *high.tolist(), float(factor))
        if self._exact is None or self._exact[0] != key:
            if self._exact is not None:
                free(self._exact[1].texture)
            self._exact = key, self._enlarged(low, high, factor, 1.0)
        return self._exact[1]

    def release(self) -> None:
        """Free what only a near view needs."""
        for part in (self._part, self._exact[1] if self._exact is not None else None):
            if part is not None:
                free(part.texture)
        self._part = self._exact = self._image = None
        for level in [level for level in self._textures if level <= 1]:
            free(self._textures.pop(level))

    def _full(self) -> np.ndarray:
        if self._image is None:
            self._image = self._reduced(0)
        return self._image

    def _whole(self, level: int, minify: Any) -> Any:
        if level not in self._textures:
            image = self._reduced(min(level, 3)) if level else self._full()
            side = self._width >> level
            if image.shape[1] != side:
                image = cv2.resize(image, (side, side // 2), interpolation=cv2.INTER_AREA)
            texture = make_texture(f"{self._name}_{level}", image)
            texture.set_minfilter(minify)
            texture.set_magfilter(core.SamplerState.FT_linear if level == 0 else minify)
            if not self._software:
                texture.set_anisotropic_degree(8)
            self._textures[level] = texture
        return self._textures[level]

    def _enlarged(self, low: np.ndarray, high: np.ndarray, factor: float, margin: float) -> _Region:
        image, requested = self._full(), factor
        height, width = image.shape[:2]
        size = np.array([width, height])
        middle, span = (low + high) / 2, (high - low) * margin
        # As much enlargement as fits into the largest texture.
        factor = min(factor, float(np.max(2.0 ** np.floor(np.log2(_LARGEST / np.minimum(span, 1.0) / size)).min())))
        factor = max(factor, 1.0)
        texels = 2 ** np.ceil(np.log2(np.minimum(span, 1.0) * size * factor)).astype(int)
        texels = np.minimum(texels, [_LARGEST, _LARGEST])
        wide, tall = np.minimum(texels / (size * factor), 1.0)
        left = middle[0] - wide / 2 if wide < 1 else -0.0
        bottom = float(np.clip(middle[1] - tall / 2, 0.0, 1.0 - tall))
        first, top = round(left * width), round((1 - bottom - tall) * height)
        left, bottom = first / width, 1 - top / height - tall
        across, down = (int(side) // int(factor) for side in texels)
        enlarged = _enlarge(image, first, top, across, down, int(factor))
        texture = make_texture(f"{self._name}_part", enlarged)
        filtering = core.SamplerState.FT_nearest
        texture.set_minfilter(filtering)
        texture.set_magfilter(filtering)
        if wide < 1:
            texture.set_wrap_u(core.SamplerState.WM_clamp)
        return _Region(texture, left, bottom, float(wide), float(tall), requested)


def _enlarge(image: np.ndarray, left: int, top: int, wide: int, tall: int, factor: int) -> np.ndarray:
    """A part of the map ``factor`` times larger; columns wrap around, rows stay within the map."""
    rows = np.clip(np.arange(top - _PAD, top + tall + _PAD), 0, image.shape[0] - 1)
    columns = np.arange(left - _PAD, left + wide + _PAD) % image.shape[1]
    large = cv2.resize(image[rows][:, columns], None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    edge = _PAD * factor
    return large[edge:-edge, edge:-edge]
