"""Paths of tours: smooth, logarithmic, clear of bodies, exactly through their stops, on time."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openspace_widget import OpenSpace, Stop, Tour
from openspace_widget.client.event_loop import background
from openspace_widget.tour.body_positions import Bodies, BodyPositions
from openspace_widget.tour.path import clear, zoom
from openspace_widget.tour.route import Moment
from openspace_widget.tour.tour import plan_tour

START = "2026-03-20T12:00"
TOURS = [
    [Stop("Earth", altitude="9000 km", hold=1), Stop("Saturn", altitude="300000 km", seconds=6)],
    [Stop("Earth", altitude=500, latitude=48, longitude=11, hold=0.5), Stop("Moon", altitude="20 km", seconds=4)],
    [Stop("Mars"), Stop("Mars", altitude="50 km", latitude=18, longitude=-133, seconds=2), Stop("Mars", seconds=2)],
    [Stop("Moon", distance="300000 km"), Stop("Earth", altitude="300 km", seconds=3), Stop("Sun", seconds=3)],
    [Stop("Jupiter", rate=3600, hold=1), Stop("Io", time="2026-03-21T12:00", seconds=3), Stop("Pluto", seconds=3)],
]


def moments(tour: Tour, space: OpenSpace, times: list[float]) -> list[Moment]:
    async def find() -> list[Moment]:
        return await (await plan_tour(space._client, tour)).moments(space._client, times)

    return background().run(find())


def jumps(tour: Tour, space: OpenSpace, fps: float) -> float:
    """The largest change of velocity from frame to frame, in altitudes per second."""
    seen = moments(tour, space, [i / fps for i in range(int(tour.route(space).duration * fps))])
    worst = 0.0
    for a, b, c in zip(seen, seen[1:], seen[2:], strict=False):
        if a.anchor == b.anchor == c.anchor:
            p, q, r = (np.array(each.camera["Position"]) for each in (a, b, c))
            worst = max(worst, float(np.linalg.norm(r - 2 * q + p)) * fps / max(b.altitude, 1.0))
    return worst


@pytest.mark.parametrize("stops", TOURS)
def test_velocity_is_continuous(space: OpenSpace, stops: list[Stop]) -> None:
    tour = Tour(stops, start=START)
    coarse, fine = jumps(tour, space, 60), jumps(tour, space, 240)
    # Of a jump the same would be left; of a bend a quarter is.
    assert fine < 0.5 * coarse + 1e-3


@pytest.mark.parametrize("stops", TOURS)
def test_the_camera_stays_out_of_every_body(space: OpenSpace, stops: list[Stop]) -> None:
    tour = Tour(stops, start=START)
    route = tour.route(space)
    for each in moments(tour, space, np.linspace(0, route.duration, 150).tolist()):
        assert each.altitude > 0, each
        assert math.isfinite(sum(each.camera["Position"]))


def test_a_body_in_the_way_is_passed_by() -> None:
    bodies = Bodies(("A", "B"), np.array([1.0, 2.0]), ("A", "B"))
    at = BodyPositions(np.array([[0.0, 0, 0], [100.0, 0, 0]]), np.stack([np.eye(3)] * 2))
    for x in np.linspace(90, 110, 201):
        moved = clear(np.array([x, 0.3, 0.0]), 0, (), at, bodies, 1.0)
        assert np.linalg.norm(moved - [100, 0, 0]) > 2.0
    far = np.array([80.0, 0, 0])
    assert np.array_equal(clear(far, 0, (), at, bodies, 1.0), far)


@given(st.floats(1, 1e9), st.floats(1, 1e9), st.floats(1e7, 1e13))
def test_zooming_goes_from_end_to_end_without_a_jump(low: float, high: float, apart: float) -> None:
    along = [zoom(low, high, apart, t) for t in np.linspace(0, 1, 400)]
    assert along[0] == (0.0, low)
    assert along[-1] == (1.0, high)
    assert all(b[0] >= a[0] - 1e-9 for a, b in pairwise(along))
    assert math.isclose(along[-2][1], high, rel_tol=0.2)
    steps = [abs(math.log(b[1] / a[1])) for a, b in pairwise(along)]
    assert max(steps) < 0.5, "equal factors in equal times"


def test_stops_are_where_they_say(space: OpenSpace) -> None:
    tour = Tour(
        [
            Stop("Earth", altitude="9000 km", hold=1),
            Stop("Saturn", distance="400000 km", seconds=4, hold=1),
            Stop("Mars", altitude="100 km", latitude=0, longitude=0, seconds=3),
        ],
        start=START,
    )
    earth, saturn, mars = moments(tour, space, [0.5, 5.5, 9])
    assert (earth.anchor, round(earth.altitude)) == ("Earth", 9_000_000)
    assert saturn.anchor == "Saturn"
    assert math.isclose(math.dist(saturn.camera["Position"], (0, 0, 0)), 4e8)
    assert (mars.anchor, round(mars.altitude)) == ("Mars", 100_000)
    space.time.set(mars.time)
    space.camera = mars.camera
    position = space.lua("return openspace.globebrowsing.geoPositionForCamera()")
    assert np.allclose(position[:2], 0, atol=1e-3)
    assert math.isclose(position[2], 100_000, rel_tol=1e-3)


def test_a_stop_of_a_navigation_state_is_that_camera(space: OpenSpace) -> None:
    space.fly_to("Jupiter", duration=0)
    space.camera = {**space.camera, "Yaw": 0.1, "Pitch": -0.05, "Up": [0.3, 0.5, 0.8]}
    pose = space.camera
    frame = space.frame((320, 180), antialias=1)
    (there,) = moments(Tour([Stop(camera=pose)]), space, [0.0])
    again = space.frame((320, 180), antialias=1, time=there.time, camera=there.camera)
    assert np.abs(again.astype(int) - frame).max() <= 2


def test_stops_at_one_body_are_flown_through_unless_held(space: OpenSpace) -> None:
    def speed(hold: float) -> float:
        stops = [Stop("Mars", altitude=f"{a} km", seconds=1, hold=hold * (a == 1000)) for a in (4000, 1000, 250)]
        tour = Tour(stops, start=START)
        before, after = moments(tour, space, [0.999, 1.0])
        return abs(before.altitude - after.altitude) / 0.001 / after.altitude

    assert speed(0) > 1
    assert speed(0.5) < 0.1
