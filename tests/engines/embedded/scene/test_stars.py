"""The stars in space: where they are seen from, how bright, and how the sky hangs together on the way out."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_server.engines.embedded import EmbeddedEngine
from openspace_server.engines.embedded.scene.star_catalogue import catalogue
from openspace_server.engines.embedded.sky.units import PARSEC
from tests.engines.embedded.conftest import Wall

VEGA = (279.2347, 38.7837, 7.68, 0.09)
"""Right ascension and declination in degrees, parsecs, Hipparcos magnitude (its catalogue's entry 91262)."""


def direction(ra: float, dec: float) -> np.ndarray:
    ra, dec = np.radians(ra), np.radians(dec)
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def looking(forward: np.ndarray) -> np.ndarray:
    """Matrix from ICRS to view axes (right, forward, up)."""
    right = np.cross(forward, [0.0, 0, 1])
    right /= np.linalg.norm(right)
    return np.stack([right, forward, np.cross(right, forward)])


def brightest(camera: np.ndarray, forward: np.ndarray, within: float = 1.0) -> float:
    """Magnitude of the brightest star within so many degrees."""
    seen = catalogue().seen(camera * PARSEC, looking(forward), float(np.cos(np.radians(within))))
    return float(seen.magnitudes.min())


def test_all_stars_of_the_catalogue_have_a_position() -> None:
    stars = catalogue()
    assert len(stars.vectors) > 117_000
    assert (np.diff(stars.magnitude.astype(float)) >= 0).all()
    assert 1.2 < stars.distance.min() < 1.31  # Alpha Centauri B, whose parallax there is 797 mas, not 750
    assert stars.distance.max() <= 2000
    assert 12_000 < len(stars.from_here().vectors) < 20_000


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_star_gets_brighter_as_one_comes_nearer(share: float) -> None:
    towards = direction(*VEGA[:2])
    expected = VEGA[3] + 5 * np.log10(1 - share)
    assert brightest(towards * VEGA[2] * share, towards) == pytest.approx(expected, abs=0.1)


def test_the_sun_is_a_star_of_its_absolute_magnitude_at_ten_parsecs() -> None:
    away = direction(80.0, -60.0)  # few bright stars behind it
    assert brightest(away * 10, -away, 0.05) == pytest.approx(4.83, abs=0.05)


def test_near_stars_shift_as_the_camera_moves() -> None:
    """From 5 parsecs next to the Sun, Vega is off by the angle of that triangle."""
    towards = direction(*VEGA[:2])
    across = np.cross(towards, [0.0, 0, 1])
    across /= np.linalg.norm(across)
    seen = towards * VEGA[2] - across * 5
    assert brightest(across * 5, seen / np.linalg.norm(seen), 0.2) == pytest.approx(
        VEGA[3] + 5 * np.log10(np.linalg.norm(seen) / VEGA[2]), abs=0.1
    )


def sky_at(engine: EmbeddedEngine, wall: Wall, metres: float) -> np.ndarray:
    way = np.array([-0.6, 0.64, 0.48])
    camera = {"Anchor": "Sun", "ReferenceFrame": "ICRF", "Position": (way * metres).tolist(), "Up": [0, 0, 1]}
    state = {**camera, "Yaw": 1.2}  # not at the Sun
    return engine.still(wall.now, (640, 360), antialias=16, camera=state).pixels[..., :3].astype(int)


def test_the_sky_does_not_jump_where_stars_begin_to_be_computed_from_their_positions(
    engine: EmbeddedEngine, wall: Wall
) -> None:
    focal = 360 / 2 / np.tan(np.radians(22.5))
    limit = 0.3 * 1.3 / focal * PARSEC
    below, above = sky_at(engine, wall, limit * 0.999), sky_at(engine, wall, limit * 1.001)
    far = sky_at(engine, wall, 3 * PARSEC)
    assert below.max() > 100
    assert np.abs(below - above).mean() < 0.05 * np.abs(below - far).mean()


@pytest.mark.parametrize("parsecs", [0.5, 50.0])
def test_stars_do_not_jitter_out_among_them(engine: EmbeddedEngine, wall: Wall, parsecs: float) -> None:
    one, other = (sky_at(engine, wall, parsecs * PARSEC * (1 + step)) for step in (0, 1e-9))
    assert np.abs(one - other).max() <= 2


def test_the_milky_way_is_a_galaxy_from_outside(engine: EmbeddedEngine, wall: Wall) -> None:
    camera = {"Anchor": "Sun", "Position": [8.2e3 * PARSEC, -1e3 * PARSEC, 4e4 * PARSEC], "Up": [0, 1, 0]}
    seen = engine.still(wall.now, (320, 320), camera=camera).pixels[..., :3].max(axis=2)
    assert (seen > 40).sum() > 3000
    assert seen[:, 100:160].astype(int).mean() > 4 * seen[:, :20].astype(int).mean()
    engine.tree.find("Scene.MilkyWay.Renderable.Enabled").set(False)  # type: ignore[union-attr]
    try:
        assert (engine.still(wall.now, (320, 320), camera=camera).pixels[..., :3].max(axis=2) > 40).sum() < 300
    finally:
        engine.tree.find("Scene.MilkyWay.Renderable.Enabled").set(True)  # type: ignore[union-attr]
