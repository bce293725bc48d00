"""The orbital camera and the paths of flights, without drawing."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_server.engines.embedded.camera import navigation_states as states
from openspace_server.engines.embedded.camera.flight import Flight, Path
from openspace_server.engines.embedded.camera.navigator import RADII, Navigator, viewing_distance
from openspace_server.engines.embedded.camera.orbital_camera import FARTHEST, LOWEST, VIEW_HEIGHT, OrbitalCamera, ball
from openspace_server.engines.embedded.sky.bodies import BODIES, INDEX
from openspace_server.engines.embedded.sky.ephemeris import ephemeris_at
from openspace_server.engines.embedded.sky.simulation_clock import parse
from openspace_server.geometry import quaternions as quat

R = 6.4e6


def camera(distance: float = 3 * R) -> OrbitalCamera:
    """Looking along +y at the body, z up."""
    return OrbitalCamera(np.array([0.0, -distance, 0.0]), np.array([1.0, 0, 0, 0]), ball(R))


def looking_at_focus(cam: OrbitalCamera) -> bool:
    ahead = quat.matrix(cam.orientation)[:, 1]
    return bool(np.allclose(ahead, -cam.position / cam.distance, atol=1e-9))


def test_dragging_right_moves_the_camera_left_around_the_body() -> None:
    cam = camera()
    cam.move({"orbitX": 0.1}, True, 0.0)
    assert cam.position[0] < -0.1 * R
    assert cam.position[2] == pytest.approx(0, abs=1)
    assert cam.distance == pytest.approx(3 * R)
    assert looking_at_focus(cam)


def test_dragging_down_moves_the_camera_up() -> None:
    cam = camera()
    cam.move({"orbitY": 0.1}, True, 0.0)
    assert cam.position[2] > 0.1 * R
    assert looking_at_focus(cam)


def test_near_the_ground_the_ground_follows_the_cursor() -> None:
    altitude = 0.02 * R
    cam = camera(R + altitude)
    cam.move({"orbitX": 0.1}, True, 0.0)
    moved = np.arctan2(-cam.position[0], -cam.position[1]) * R
    assert moved == pytest.approx(0.1 * VIEW_HEIGHT * altitude, rel=0.02)


def test_zoom_is_the_logarithm_of_nearness_to_the_surface() -> None:
    cam = camera()
    cam.move({"zoom": 1.0}, True, 0.0)
    assert cam.distance - R == pytest.approx(2 * R / np.e)


def test_zoom_stops_above_the_surface_and_at_the_edge_of_the_world() -> None:
    cam = camera()
    cam.move({"zoom": 1e9}, True, 0.0)
    assert cam.distance == pytest.approx(R + LOWEST)
    cam.move({"zoom": -1e9}, True, 0.1)
    assert cam.distance == pytest.approx(FARTHEST)


def test_looking_turns_the_view_and_leaves_the_position() -> None:
    cam = camera()
    cam.move({"lookX": 0.1, "lookY": 0.1}, True, 0.0)
    ahead = quat.matrix(cam.orientation)[:, 1]
    assert ahead[0] < -0.05  # the sky follows the cursor right, the view goes left
    assert ahead[2] > 0.05
    assert np.array_equal(cam.position, [0.0, -3 * R, 0.0])


def test_rolling_clockwise_turns_the_view_clockwise() -> None:
    cam = camera()
    cam.move({"roll": 0.3}, True, 0.0)
    up = quat.matrix(cam.orientation)[:, 2]
    assert up[0] == pytest.approx(-np.sin(0.3))


def test_a_held_camera_follows_exactly_and_does_not_move_by_itself() -> None:
    cam = camera()
    cam.move({"orbitX": 0.1}, True, 0.0)
    there = cam.position.copy()
    cam.advance(1.0)
    assert np.array_equal(cam.position, there)
    assert not cam.moving


def drag(cam: OrbitalCamera, axis: str = "orbitX") -> float:
    for k in range(10):
        cam.move({axis: 0.01}, True, k / 60)
    cam.move({}, False, 10 / 60)
    return 10 / 60


def test_let_go_it_coasts_on_and_comes_to_rest() -> None:
    cam = camera()
    now = drag(cam)
    before = cam.position.copy()
    assert cam.moving
    cam.advance(now + 0.05)
    assert cam.position[0] < before[0]
    cam.advance(now + 3)
    assert not cam.moving


@pytest.mark.parametrize("axis", ["orbitX", "orbitY", "zoom", "roll", "lookX", "lookY"])
def test_coasting_does_not_depend_on_the_frame_rate(axis: str) -> None:
    one, two = camera(), camera()
    now = drag(one, axis)
    drag(two, axis)
    one.advance(now + 0.4)
    for k in range(40):
        two.advance(now + (k + 1) * 0.01)
    assert np.allclose(one.position, two.position, rtol=1e-6, atol=0.02 * R * 0.05)
    assert np.allclose(one.orientation, two.orientation, atol=1e-3)


def test_a_hand_that_rests_before_letting_go_leaves_the_camera_at_rest() -> None:
    cam = camera()
    cam.move({"orbitX": 0.1}, True, 0.0)
    cam.move({"orbitX": 0.1}, True, 0.02)
    cam.move({}, False, 0.5)
    assert not cam.moving


def test_a_wheel_notch_shows_at_once_and_arrives_in_full() -> None:
    cam = camera()
    cam.move({"zoom": 0.3}, False, 0.0)
    at_once = np.log(2 * R / (cam.distance - R))
    assert 0.05 < at_once < 0.25
    cam.advance(0.15)
    assert np.log(2 * R / (cam.distance - R)) > 0.27
    cam.advance(1.0)
    assert np.log(2 * R / (cam.distance - R)) == pytest.approx(0.3, abs=2e-3)
    assert not cam.moving


def test_absurd_input_leaves_numbers_finite() -> None:
    cam = camera()
    for axis in ("orbitX", "orbitY", "zoom", "roll", "lookX", "lookY"):
        cam.move({axis: 1e9}, True, 0.0)
        cam.move({axis: -1e9}, False, 0.001)
    cam.advance(100.0)
    assert np.all(np.isfinite(cam.position))
    assert np.all(np.isfinite(cam.orientation))


EPHEMERIS = ephemeris_at(parse("2026-06-12T17:45"))
PAIRS = [
    ("Earth", "Mars"),
    ("Earth", "Saturn"),
    ("Mars", "Earth"),
    ("Earth", "Moon"),
    ("Moon", "Earth"),
    ("Earth", "Sun"),
    ("Sun", "Neptune"),
    ("Mercury", "Venus"),
    ("Io", "Jupiter"),
    ("Jupiter", "Io"),
    ("Callisto", "Io"),
    ("Earth", "Earth"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("start", "target"), PAIRS, ids=lambda name: str(name))
@pytest.mark.parametrize("side", range(6))
def test_flights_never_pass_through_a_body(start: str, target: str, side: int) -> None:
    nav = Navigator(EPHEMERIS)
    away = np.roll([1.0, 0.3, 0.1], side % 3) * (-1) ** side
    near = away / np.linalg.norm(away) * (1.2 * RADII[INDEX[start]])
    nav.set_pose(
        states.read({"Anchor": start, "Position": near.tolist()}, 3, EPHEMERIS, lambda i: nav.ground(i, EPHEMERIS)),
        EPHEMERIS,
    )
    nav.fly_to(INDEX[target], 4.0, None, 0.0, EPHEMERIS)
    positions = []
    for k in range(1601):
        nav.advance(k / 400, EPHEMERIS)
        positions.append(EPHEMERIS.positions[nav.focus] + nav.position)
    gaps = np.linalg.norm(np.array(positions)[:, None] - EPHEMERIS.positions, axis=2) / RADII
    assert gaps.min() > 1.009, BODIES[int(np.unravel_index(gaps.argmin(), gaps.shape)[1])].name
    assert not nav.flying
    assert nav.focus == INDEX[target]
    assert np.linalg.norm(nav.position) == pytest.approx(viewing_distance(INDEX[target]))


def test_a_flight_across_the_sun_bends_around_it() -> None:
    earth = EPHEMERIS.positions[INDEX["Earth"]]
    positions = EPHEMERIS.positions.copy()
    positions[INDEX["Mars"]] = -1.5 * earth
    outward = earth / np.linalg.norm(earth)
    path = Path(INDEX["Earth"], INDEX["Mars"], outward * 2e7, -outward * 1e7)
    path.avoid(positions, RADII)
    positions = np.array([path.offset_at(t, positions) for t in np.linspace(0, 1, 3000)]) + positions[INDEX["Mars"]]
    assert np.linalg.norm(positions, axis=1).min() > RADII[0]


def test_flights_start_and_end_where_they_should_without_jumps() -> None:
    nav = Navigator(EPHEMERIS)
    start = nav.position + EPHEMERIS.positions[nav.focus]
    nav.fly_to(INDEX["Saturn"], 5.0, 3e8, 10.0, EPHEMERIS)
    nav.advance(10.0, EPHEMERIS)
    assert np.allclose(nav.position + EPHEMERIS.positions[nav.focus], start, rtol=0, atol=1.0)
    nearest, before = [], nav.orientation
    for k in range(1, 1001):
        nav.advance(10 + 5 * k / 1000, EPHEMERIS)
        turned = 2 * np.arccos(min(1.0, abs(float(before @ nav.orientation))))
        assert turned < 0.03
        before = nav.orientation.copy()
        nearest.append(
            np.min(np.linalg.norm(EPHEMERIS.positions[nav.focus] + nav.position - EPHEMERIS.positions, axis=1))
        )
    # The distance to the nearest body changes by steps, not by leaps.
    assert np.max(np.abs(np.diff(np.log(nearest)))) < 0.12
    assert np.linalg.norm(nav.position) == pytest.approx(3e8)
    ahead = quat.matrix(nav.orientation)[:, 1]
    assert np.allclose(ahead, -nav.position / 3e8, atol=1e-9)


def test_a_flight_stays_outside_bodies_that_move_under_it() -> None:
    path = Path(INDEX["Earth"], INDEX["Moon"], np.array([1e7, 0, 0]), np.array([6e6, 0, 0]))
    flight = Flight(path, 0.0, 2.0, np.array([1.0, 0, 0, 0]), np.array([0.0, 0, 1]))
    for k in range(1, 200):
        moment = ephemeris_at(parse("2026-06-12") + k * 86400 * 0.3)
        offset, _, _ = flight.pose(k / 100, moment.positions, RADII)
        gaps = np.linalg.norm(offset + moment.positions[INDEX["Moon"]] - moment.positions, axis=1) / RADII
        assert gaps.min() > 1.0
