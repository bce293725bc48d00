"""Rotations: every form says the same, ways between them are even, navigation states give what they were made of."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from openspace_server.geometry import navigation_states, world
from openspace_server.geometry import quaternions as quat

NUMBERS = st.floats(-1, 1)


@st.composite
def units(draw: st.DrawFn, size: int) -> np.ndarray:
    vector = np.array(draw(st.lists(NUMBERS, min_size=size, max_size=size)))
    assume(quat.length(vector) > 1e-3)
    return quat.unit(vector)


def same(q: np.ndarray, other: np.ndarray) -> bool:
    return abs(float(q @ other)) > 1 - 1e-12


@given(units(4), units(4))
def test_quaternions_and_matrices_are_the_same_rotations(q: np.ndarray, other: np.ndarray) -> None:
    m = quat.matrix(q)
    assert np.allclose(m @ m.T, np.eye(3), atol=1e-12)
    assert same(quat.from_matrix(m), q)
    assert np.allclose(quat.matrix(quat.multiply(q, other)), m @ quat.matrix(other), atol=1e-12)
    assert np.allclose(quat.matrix(quat.inverse(q)), m.T, atol=1e-12)


@pytest.mark.parametrize("axis", np.eye(3))
def test_half_turns_survive_the_way_through_a_matrix(axis: np.ndarray) -> None:
    q = quat.about(axis, math.pi)
    assert same(quat.from_matrix(quat.matrix(q)), q)


@example(np.array((1.0, 0.0, 0.0)), quat.unit(np.array((-1.0, 2e-5, 0.0))))
@example(np.array((1.0, 0.0, 0.0)), quat.unit(np.array((-1.0, 2e-7, 0.0))))
@given(units(3), units(3))
def test_the_shortest_rotation_leads_from_one_direction_to_the_other(a: np.ndarray, b: np.ndarray) -> None:
    assert np.allclose(quat.matrix(quat.between(a, b)) @ b, a, atol=1e-6)
    assert np.allclose(quat.matrix(quat.between(a, -a)) @ -a, a, atol=1e-6)


@given(units(3), units(3), st.floats(0, 1))
def test_a_great_circle_is_gone_along_evenly(a: np.ndarray, b: np.ndarray, t: float) -> None:
    for end in (b, -a, a):
        there = quat.slerp(a, end, t)
        whole = math.acos(max(-1.0, min(1.0, float(a @ end))))
        assert quat.length(there) == pytest.approx(1, abs=1e-6)
        assert math.acos(max(-1.0, min(1.0, float(a @ there)))) == pytest.approx(t * whole, abs=1e-4)


@given(units(4), units(4), st.floats(0, 1))
def test_a_rotation_turns_to_another_by_at_most_half_a_turn(q: np.ndarray, other: np.ndarray, t: float) -> None:
    assert float(q @ quat.interpolated(q, other, t)) > -1e-9
    assert same(quat.interpolated(q, other, 1.0), other)


@given(units(3), units(3))
def test_a_camera_looks_where_it_is_asked_to_with_up_upwards(forward: np.ndarray, up: np.ndarray) -> None:
    m = quat.matrix(quat.look(7 * forward, up))
    assert np.allclose(m[:, 1], forward, atol=1e-9)
    assert float(m[:, 2] @ up) > -1e-9
    straight = quat.matrix(quat.look(forward, forward))
    assert np.allclose(straight[:, 1], forward, atol=1e-9)


@given(units(4), units(3))
def test_a_navigation_state_gives_the_rotation_it_was_made_of(q: np.ndarray, ahead: np.ndarray) -> None:
    fields = navigation_states.orientation_fields(quat.matrix(q), ahead)
    assume(abs(fields.get("Yaw", 0.0)) < 1.5)  # at a right angle nothing tells what is up
    again = navigation_states.orientation(
        1e9 * ahead, np.array(fields["Up"]), fields.get("Yaw", 0.0), fields.get("Pitch", 0.0)
    )
    assert abs(float(again @ q)) > 1 - 1e-9


def test_a_camera_that_looks_straight_ahead_has_no_angles() -> None:
    ahead, up = np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0])
    assert list(navigation_states.orientation_fields(quat.matrix(quat.look(ahead, up)), ahead)) == ["Up"]


def test_the_world_is_galactic() -> None:
    # The Hipparcos and Tycho Catalogues, volume 1, section 1.5.3: pole, and where the plane crosses ICRF's equator.
    pole, node = towards(192.85948, 27.12825), towards(192.85948 + 90, 0)
    assert np.allclose(world.GALACTIC @ pole, towards(0, 90), atol=1e-9)
    assert np.allclose(world.GALACTIC @ node, towards(32.93192, 0), atol=1e-9)
    assert quat.length(world.NORTH) == pytest.approx(1)


def towards(longitude: float, latitude: float) -> np.ndarray:
    """Degrees."""
    a, d = math.radians(longitude), math.radians(latitude)
    return np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])
