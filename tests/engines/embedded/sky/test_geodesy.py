"""Latitude, longitude and height on the Earth's spheroid."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_server.engines.embedded.sky.geodesy import cartesian, geodetic, intersection, normal, north

EQUATORIAL, POLAR = 6_378_137.0, 6_356_752.3142


@pytest.mark.parametrize(
    ("where", "point"),
    [
        ((0, 0, 0), (EQUATORIAL, 0, 0)),
        ((0, 90, 1000), (0, EQUATORIAL + 1000, 0)),
        ((90, 0, 500), (0, 0, POLAR + 500)),
        # WGS 84: Greenwich's observatory, from a published conversion.
        ((51.4778, 0.0, 0), (3_980_611.0, 0.0, 4_966_859.0)),
    ],
)
def test_known_points(where: tuple[float, float, float], point: tuple[float, float, float]) -> None:
    assert cartesian(*where, EQUATORIAL, POLAR) == pytest.approx(point, abs=50)


@pytest.mark.parametrize("where", [(51.5, -0.1, 45.0), (-89.9, 120.0, 0.0), (0.0, 180.0, 4e5), (45.0, 10.0, 1e9)])
def test_there_and_back(where: tuple[float, float, float]) -> None:
    assert geodetic(cartesian(*where, EQUATORIAL, POLAR), EQUATORIAL, POLAR) == pytest.approx(where, abs=1e-6)


def test_straight_up_and_north_are_across() -> None:
    up = normal(30, 40)
    assert float(north(up) @ up) == pytest.approx(0, abs=1e-12)
    assert north(up)[2] > 0


def test_a_ray_meets_the_ground_on_the_near_side_or_not_at_all() -> None:
    above = np.array([2e7, 0.0, 0.0])
    assert intersection(above, np.array([-1.0, 0, 0]), EQUATORIAL, POLAR) == pytest.approx((EQUATORIAL, 0, 0))
    assert intersection(above, np.array([1.0, 0, 0]), EQUATORIAL, POLAR) is None
    assert intersection(above, np.array([0.0, 1, 0]), EQUATORIAL, POLAR) is None
