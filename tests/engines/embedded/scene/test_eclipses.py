"""Shadows of bodies on others, against eclipses that were seen or are predicted."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_server.engines.embedded import EmbeddedEngine
from openspace_server.engines.embedded.scene.eclipses import casters, covered, light
from openspace_server.engines.embedded.sky.bodies import BODIES, INDEX
from openspace_server.engines.embedded.sky.ephemeris import Ephemeris, ephemeris_at
from openspace_server.engines.embedded.sky.simulation_clock import parse
from tests.engines.embedded.conftest import Wall

EARTH, MOON = INDEX["Earth"], INDEX["Moon"]


def left(position: tuple[float, float], moment: Ephemeris) -> np.ndarray:
    """The sunlight at a latitude and longitude on the Earth."""
    lat, lon = np.radians(position)
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    where = moment.body_axes(EARTH) @ up * 6.365e6
    return light(EARTH, casters(EARTH, moment), where[None], moment)[0]


def test_the_eclipse_of_august_2026_is_total_in_spain_and_partial_in_bavaria() -> None:
    """NASA's catalogue: greatest 17:45:51 UTC at 65.2 N 25.2 W; Burgos, in the path, is in totality at 18:29:30."""
    assert left((65.2, -25.2), ephemeris_at(parse("2026-08-12T17:45:51Z"))).max() < 0.05
    moment = ephemeris_at(parse("2026-08-12T18:29:30Z"))
    assert left((42.34, -3.70), moment).max() < 0.05
    assert 0.2 < left((48.0, 10.0), ephemeris_at(parse("2026-08-12T18:15:00Z"))).max() < 0.8
    assert left((-30.0, -60.0), moment).min() == 1


def test_without_an_eclipse_nothing_is_looked_at() -> None:
    moment = ephemeris_at(parse("2026-07-01"))
    assert casters(EARTH, moment) == []
    assert casters(MOON, moment) == []
    assert casters(INDEX["Sun"], moment) == []


def test_the_moon_is_red_in_the_earths_umbra_and_plain_the_week_before(engine: EmbeddedEngine, wall: Wall) -> None:
    """Total lunar eclipse of 2025-03-14, greatest at 06:58:47 UTC."""
    shades = []
    for when in ("2025-03-14T06:58:47Z", "2025-03-07T06:58:47Z"):
        towards = -ephemeris_at(parse(when)).positions[MOON]
        position = towards / np.linalg.norm(towards) * 6e6
        camera = {"Anchor": "Moon", "ReferenceFrame": "ICRF", "Position": position.tolist(), "Up": [0, 0, 1]}
        still = engine.still(wall.now, (200, 200), time=when, camera=camera)
        shades.append(still.pixels[70:130, 70:130, :3].reshape(-1, 3).mean(axis=0))
    (blue, _, red), plain = shades
    assert red > 4 * blue
    assert plain.mean() > 2.5 * red


def test_jupiters_moons_cast_shadows_on_it_now_and_then() -> None:
    moments = [ephemeris_at(parse("2026-01-01") + hours * 3600) for hours in range(0, 48, 2)]
    found = {BODIES[i].identifier for moment in moments for i in casters(INDEX["Jupiter"], moment)}
    assert {"Io"} <= found <= {"Io", "Europa", "Ganymede", "Callisto"}


@pytest.mark.parametrize(
    ("disc", "other", "apart", "part"),
    [
        (1, 1, 0, 1),
        (1, 1, 2, 0),
        (1, 2, 0.5, 1),
        (2, 1, 0.5, 0.25),
        (1, 1, 3, 0),
        (1, 1, 1, 0.391),
        (1, 100, 100, 0.498),
    ],
)
def test_discs_cover_each_other_by_their_lens(disc: float, other: float, apart: float, part: float) -> None:
    got = covered(np.array([disc / 100]), np.array([other / 100]), np.array([apart / 100]))
    assert got[0] == pytest.approx(part, abs=0.002)
