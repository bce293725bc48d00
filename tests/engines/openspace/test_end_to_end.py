"""Stills and tours of ``OpenSpace(engine="openspace")``, from Python to the double's window, in both dialects."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from openspace_widget import OpenSpace, RequestError, Stop, Tour
from openspace_widget.client.event_loop import background
from openspace_widget.tour.body_positions import fetch_bodies, fetch_positions
from tests.engines.openspace.installed import install
from tests.helpers import private_server

pytestmark = pytest.mark.process

RELEASES = ("0.22.0", "0.21.4")
LIVE = (320, 180)
WHEN = "2026-03-20T12:00:00+00:00"


@pytest.fixture(scope="module", params=RELEASES)
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSpace]:
    tmp = tmp_path_factory.mktemp("road")
    with private_server(tmp) as patch:
        (tmp / "tmp").mkdir()
        patch.setenv("TMPDIR", str(tmp / "tmp"))
        patch.setenv("OPENSPACE_DIR", str(install(tmp / "OpenSpace", request.param)))
        with OpenSpace(engine="openspace", size=LIVE) as opened:
            yield opened


@pytest.fixture
def space(session: OpenSpace) -> OpenSpace:
    """The session, with time standing at an equinox, the Earth in the middle, at its usual size."""
    session.resolution = LIVE
    session.time.pause()
    session.time.set(WHEN)
    session.time.rate = 1
    session.fly_to("Earth", duration=0)
    return session


def far(frame: np.ndarray, other: np.ndarray) -> float:
    """How different two frames are: the mean difference of their channels, 0 to 255."""
    return float(np.abs(frame.astype(int) - other).mean())


def test_a_still_has_its_own_size_time_and_camera_and_the_live_view_comes_back(space: OpenSpace) -> None:
    before, camera = space.frame(), space.camera
    other = {**camera, "Anchor": "Mars", "ReferenceFrame": "Root", "Position": [9e6, 0, 0]}
    still = space.frame((480, 270), time="2026-08-12T17:45:30.250", camera=other)
    assert still.shape == (270, 480, 3)
    assert still.time.isoformat(timespec="milliseconds") == "2026-08-12T17:45:30.250+00:00"
    assert still.camera["Anchor"] == "Mars"
    assert still.camera["Position"] == pytest.approx(other["Position"], abs=1e-3)
    assert still.max() > 60, "there is something to see"

    assert space.resolution == LIVE
    assert space.focus == "Earth"
    assert space.time.now.isoformat() == WHEN
    assert space.time.paused
    assert space.lua("return openspace.time.UTC()").startswith("2026-03-20T12:00:00"), "in OpenSpace itself"
    assert space.camera["Position"] == pytest.approx(camera["Position"], rel=1e-9)
    assert np.array_equal(space.frame(), before)


def test_a_still_shows_what_the_live_view_would_show_there(space: OpenSpace) -> None:
    space.time.set("2026-08-12T17:45")
    space.fly_to("Mars", duration=0)
    there, camera = space.frame(), space.camera
    space.time.set(WHEN)
    space.fly_to("Earth", duration=0)
    assert far(space.frame(), there) > 1
    assert far(space.frame(time="2026-08-12T17:45", camera=camera), there) < 0.1


def test_many_stills_in_a_row_are_each_of_their_own_moment(space: OpenSpace) -> None:
    hours = list(space.frames(n=4, every="3 h", size=(160, 90)))
    assert [frame.time.hour for frame in hours] == [12, 15, 18, 21]
    assert all(far(one, other) > 0.1 for one, other in pairwise(hours)), "the Earth turns"
    assert space.time.now.isoformat() == WHEN
    assert space.frame().shape == (180, 320, 3)


def test_what_cannot_be_is_refused_with_the_reason_and_nothing_stays_changed(space: OpenSpace) -> None:
    before, camera = space.frame(), space.camera
    for options, reason in (
        ({"depth": True}, "OpenSpace gives neither depth nor bodies: its API and its window have the frame only"),
        ({"ids": True}, "OpenSpace gives neither depth nor bodies: its API and its window have the frame only"),
        ({"size": (5000, 300)}, "5000 x 300 does not fit on OpenSpace's display, which has 3840 x 2160 pixels"),
        ({"time": "2026-13-01"}, "time: expected ISO 8601"),
        ({"camera": {**camera, "Anchor": "Marz"}}, "did you mean Mars"),
        ({"size": (480, 270), "camera": {**camera, "Position": "there"}}, "Position must be three numbers"),
    ):
        with pytest.raises(RequestError, match=reason):
            space.frame(**options)  # type: ignore[arg-type]
        assert space.resolution == LIVE
        assert space.lua("return openspace.time.UTC()").startswith("2026-03-20T12:00:00")
    assert np.array_equal(space.frame(), before)
    with ThreadPoolExecutor(1) as pool:
        flight = pool.submit(space.fly_to, "Saturn", duration=2)
        while not space._ask("state")["flying"]:
            pass
        with pytest.raises(RequestError, match="a flight is under way"):
            space.frame((160, 90))
        assert flight.result() is True, "the flight goes on"


def test_running_time_runs_on_after_a_still(space: OpenSpace) -> None:
    space.time.rate = 3600
    space.time.play()
    begun = space.time.now
    still = space.frame((160, 90), time="2020-01-01")
    after = space.time.now
    assert still.time.year == 2020
    assert not space.time.paused
    assert 0 < (after - begun).total_seconds() / 3600 < 60, "about as many hours as seconds have gone by"


# ---- tours


def test_bodies_are_where_openspace_has_them_at_any_time(space: OpenSpace) -> None:
    times = [datetime(2026, 3, 20, tzinfo=UTC) + timedelta(days=2.5 * i) for i in range(40)]
    bodies = background().run(fetch_bodies(space._client, ["Earth", "Moon"]))
    assert bodies.radii[bodies.find("Moon")] == pytest.approx(1.7374e6, rel=1e-3)
    found = background().run(fetch_positions(space._client, bodies, times))
    for time, there in zip(times[::13], found[::13], strict=True):
        space.time.set(time)
        assert space.time.now == time
        for name in ("Earth", "Moon"):
            position = space.lua(f"return openspace.worldPosition('{name}')")
            turned = np.array(space.lua(f"return openspace.worldRotation('{name}')")).reshape(3, 3).T
            assert np.abs(there.positions[bodies.find(name)] - position).max() < 300
            assert np.abs(there.rotations[bodies.find(name)] - turned).max() < 1e-6


def test_a_tour_is_flown_and_its_end_is_where_it_says(space: OpenSpace) -> None:
    stops = [Stop("Earth"), Stop("Mars", altitude="1000 km", seconds=1, time="2026-08-12T17:45")]
    assert Tour(stops, start=WHEN).play(space) is True
    assert space.focus == "Mars"
    assert space.time.now.isoformat() == "2026-08-12T17:45:00+00:00"
    assert space.time.paused, "as before"
    assert np.linalg.norm(space.camera["Position"]) == pytest.approx(3.3962e6 + 1e6, rel=3e-3)
    over = Stop("Mars", latitude=0, longitude=137.4, altitude="500 km", seconds=0.5)
    assert Tour([*stops[:1], over], start=WHEN).play(space) is True
    latitude, longitude, altitude = space.lua("return openspace.globebrowsing.geoPositionForCamera()")
    assert (latitude, longitude) == pytest.approx((0, 137.4), abs=0.01)
    assert altitude == pytest.approx(500_000, rel=0.02)


@pytest.mark.parametrize(
    "script", ["", "openspace.navigation.setNavigationState({Anchor = 'Saturn', Position = {3e8, 0, 0}})"]
)
def test_who_takes_the_camera_ends_a_tour(space: OpenSpace, script: str) -> None:
    """A view at once; a script of somebody's own when its camera was seen before the next step of the tour."""
    tour = Tour([Stop("Earth"), Stop("Mars", seconds=20)], start=WHEN)
    began = np.linalg.norm(space.camera["Position"])
    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(tour.play, space)
        while np.linalg.norm(space.camera["Position"]) < 1.5 * began:
            assert not playing.done()
        if script:
            while not playing.done():
                space.lua(script)
        else:
            space.fly_to("Saturn", duration=0)
        assert playing.result() is False
    assert space.focus == "Saturn"


def test_a_tour_is_rendered_frame_by_frame_while_the_live_view_stands(space: OpenSpace, tmp_path: Path) -> None:
    before = space.frame()
    tour = Tour([Stop("Earth", altitude="9000 km"), Stop("Moon", altitude="2000 km", seconds=0.5)], start=WHEN)
    frames = list(tour.frames(space, fps=10, size=(160, 90)))
    assert [frame.shape for frame in frames] == [(90, 160, 3)] * 6
    assert [round((frame.time - frames[0].time).total_seconds(), 3) for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert frames[0].camera["Anchor"], frames[-1].camera["Anchor"] == ("Earth", "Moon")
    assert all(far(one, other) > 0.1 for one, other in pairwise(frames))
    for moment, frame in zip(tour.moments(space, fps=10), frames, strict=True):
        assert frame.camera["Anchor"] == moment.anchor
        assert np.linalg.norm(frame.camera["Position"]) == pytest.approx(
            np.linalg.norm(moment.camera["Position"]), rel=1e-6
        )
    video = tour.render(space, tmp_path / "moon.mp4", fps=10, size=(160, 90), progress=False)
    assert (video.frames, video.seconds) == (6, 0.6)
    assert np.array_equal(space.frame(), before)
    assert (space.focus, space.time.now.isoformat()) == ("Earth", WHEN)
    assert len(tour.preview(space, stills=2).axes) == 5


def test_a_flight_by_hand_is_written_down_and_flown_again(space: OpenSpace) -> None:
    space.fly_to("Mars", duration=0, distance="10000 km")
    with ThreadPoolExecutor(1) as pool:
        capturing = pool.submit(space.capture_tour, 2)
        space.fly_to("Mars", duration=1, distance="20000 km")
        tour = capturing.result()
    end, pixels = space.camera, space.frame()
    space.fly_to("Earth", duration=0)
    assert Tour(tour.stops[-1:]).play(space) is True
    assert space.camera["Position"] == pytest.approx(end["Position"], rel=1e-6, abs=1)
    assert far(space.frame(), pixels) < 0.5
