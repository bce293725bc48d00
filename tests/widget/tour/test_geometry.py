"""Interpolation of numbers and directions along a tour."""

from __future__ import annotations

import math

import numpy as np
import pytest

from openspace_widget.tour.geometry import EASINGS, SphereSpline, Spline, along, ease, towards

X, Y = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])


@pytest.mark.parametrize("shape", EASINGS)
def test_an_easing_goes_from_zero_to_one_and_is_even(shape: str) -> None:
    assert [ease(t, shape) for t in (-1, 0, 0.5, 1, 2)] == pytest.approx([0, 0, 0.5, 1, 1])
    assert all(ease(t, shape) + ease(1 - t, shape) == pytest.approx(1) for t in np.linspace(0, 1, 11))


@pytest.mark.parametrize(("shape", "speed"), [("smooth", 0), ("smoother", 0), ("linear", 1)])
def test_an_easing_begins_at_rest_unless_it_is_linear(shape: str, speed: float) -> None:
    assert (ease(1e-5, shape) - ease(0, shape)) / 1e-5 == pytest.approx(speed, abs=1e-3)


def test_a_tangent_leads_to_where_it_points() -> None:
    assert towards(X, Y) == pytest.approx(Y * math.pi / 2)
    assert along(X, towards(X, Y)) == pytest.approx(Y)
    assert np.linalg.norm(towards(X, -X)) == pytest.approx(math.pi)
    assert along(X, np.zeros(3)) == pytest.approx(X)


def test_a_spline_passes_its_values_at_rest_at_the_ends_and_without_overshooting() -> None:
    spline = Spline([0, 1, 3, 4], [0.0, 5.0, 5.5, 2.0])
    assert [spline(t) for t in (-1, 0, 1, 3, 4, 9)] == pytest.approx([0, 0, 5, 5.5, 2, 2])
    between = [spline(t) for t in np.linspace(1, 3, 50)]
    assert between == sorted(between)
    assert (spline(1e-6) - spline(0)) / 1e-6 == pytest.approx(0, abs=1e-3)


def test_a_spline_of_directions_passes_them_with_continuous_velocity() -> None:
    points = [X, Y, -X]
    spline = SphereSpline([0, 1, 3], points)
    for time, point in zip((0, 1, 3), points, strict=True):
        assert spline(time) == pytest.approx(point, abs=1e-9)
    step = 1e-4
    before, after = (spline(1) - spline(1 - step)) / step, (spline(1 + step) - spline(1)) / step
    assert before == pytest.approx(after, abs=0.01)
    assert all(np.linalg.norm(spline(t)) == pytest.approx(1) for t in np.linspace(0, 3, 20))
