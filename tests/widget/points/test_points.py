"""Points from end to end: this process, a Jupyter server, a render host, the embedded engine."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import pytest

from openspace_widget import OpenSpace, Pick, Points, PointsError, RequestError
from openspace_widget.client.event_loop import background
from openspace_widget.client.shared_memory import SharedMemory
from tests.helpers import wait_for

pytestmark = pytest.mark.process

XYZ = np.random.default_rng(1).normal(scale=100, size=(200_000, 3)).astype("f4")


@pytest.fixture(scope="module")
def space(own_folders: None) -> Iterator[OpenSpace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JPY_SESSION_NAME", "points")  # or it would be the session of the other tests here
        with OpenSpace(size=(320, 180)) as opened:
            opened.time.pause()
            # Out of the disc of the galaxies, looking at all of them; nothing else is in the frame.
            opened.lua('openspace.setPropertyValueSingle("Scene.Stars.Renderable.Enabled", false)')
            opened.camera = {"Anchor": "Sun", "Position": [0, 0, 1.5e25], "Up": [0, 1, 0]}
            yield opened


@pytest.fixture(autouse=True)
def tidy(space: OpenSpace) -> Iterator[None]:
    yield
    for name in list(space.points):
        space.points[name].remove()


def lit(space: OpenSpace) -> int:
    """Pixels that show anything."""
    return int((np.asarray(space.frame()).max(axis=2) > 40).sum())


def test_points_appear_move_and_go(space: OpenSpace) -> None:
    dark = lit(space)
    galaxies = space.add_points("my galaxies", XYZ, unit="Mpc", values=XYZ[:, 2], colormap="magma")
    assert galaxies.sent is not None
    assert (galaxies.sent.shown, galaxies.sent.points, galaxies.sent.error_bound) == (True, len(XYZ), None)
    full = lit(space)
    assert full > dark + 1000
    sent = galaxies.update(XYZ / 100, XYZ[:, 2])
    assert sent is not None
    assert sent.sequence == 2
    assert lit(space) < full / 4, "all of them in the middle now"
    galaxies.visible = False
    assert lit(space) == dark
    assert space["Scene.my_galaxies.Renderable.Enabled"] is False
    galaxies.remove()
    galaxies.remove()
    assert "my galaxies" not in space.points
    with pytest.raises(PointsError, match="no points called 'my galaxies' any more"):
        _ = galaxies.visible


@pytest.mark.skipif(sys.platform != "linux", reason="memory is shared by name on Linux only")
def test_points_come_through_shared_memory_and_show_the_same_as_over_the_socket(
    space: OpenSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, notices = SharedMemory.put, list[bytes | None]()

    def noted(memory: SharedMemory, *message: Any) -> bytes | None:
        notices.append(put(memory, *message))
        return notices[-1]

    monkeypatch.setattr(SharedMemory, "put", noted)
    stars = space.add_points("stars", XYZ, unit="Mpc")
    while not any(notices):  # it is set up in parallel to the first
        stars.update(XYZ)
    whole = {"size": (320, 180), "antialias": 1}  # stills show all points
    shared = space.frame(**whole)
    monkeypatch.setattr(SharedMemory, "put", lambda memory, *message: None)
    count = len(notices)
    assert stars.update(XYZ).shown
    assert len(notices) == count
    assert np.array_equal(space.frame(**whole), shared)


def test_looks_read_back_what_the_scene_has(space: OpenSpace) -> None:
    stars = space.add_points("stars", XYZ[:2000], unit="kpc", values=XYZ[:2000, 0], size=2, range=(-50, 50))
    assert (stars.visible, stars.opacity, stars.size, stars.colormap) == (True, 1, 2, "viridis")
    assert (stars.range, stars.log, stars.unit, stars.parent, stars.count) == ((-50, 50), False, "kpc", "Root", 2000)
    stars.opacity, stars.colormap, stars.range = 0.5, "magma_r", (0, 10)
    assert (stars.opacity, stars.colormap, stars.range) == (0.5, "magma_r", (0, 10))
    space["Scene.stars.Renderable.Opacity"] = 0.25
    assert stars.opacity == 0.25
    stars.update(XYZ[:100], XYZ[:100, 0])
    assert (stars.opacity, stars.colormap, stars.count) == (0.25, "magma_r", 100)
    stars.filter = (0, None)
    assert stars.count == int((XYZ[:100, 0] >= 0).sum())
    with pytest.raises(RequestError, match="opacity"):
        stars.opacity = 7
    with pytest.raises(PointsError, match="leaves no point"):
        stars.filter = (1e9, None)
    assert stars.filter == (0, None)


def test_a_cell_run_again_replaces_its_points(space: OpenSpace) -> None:
    first = space.add_points("mine", XYZ[:10], unit="kpc")
    second = space.add_points("mine", XYZ[:20], unit="Mpc", colors=np.full((20, 3), 255, np.uint8))
    assert second.count == first.count == 20
    assert list(space.points) == ["mine"]


def test_what_the_instance_refuses_is_said_and_nothing_is_added(space: OpenSpace) -> None:
    with pytest.raises(RequestError, match="Nowhere"):
        space.add_points("lost", XYZ[:10], parent="Nowhere")
    with pytest.raises(PointsError, match="row 3"):
        space.add_points("lost", np.where(np.arange(10)[:, None] == 3, np.nan, XYZ[:10]))
    assert not space.points
    around = space.add_points("ring", XYZ[:10] * 1e5, unit="km", parent="Saturn")
    assert around.parent == "Saturn"


def test_points_around_a_body_are_in_its_own_axes(space: OpenSpace) -> None:
    before = space.camera
    pole = np.array([[0, 0, 2e4]], "f4")
    space.camera = {"Anchor": "Earth", "ReferenceFrame": "Earth", "Position": [0, 0, 8e7], "Up": [0, 1, 0]}
    try:
        space.add_points("pole", pole, unit="km", parent="Earth", color="#ff00ff", size=8)
        seen = np.argwhere((np.abs(np.asarray(space.frame()).astype(int) - (255, 0, 255)) < 8).all(axis=2))
        assert seen.mean(axis=0) == pytest.approx((89.5, 159.5), abs=1), "seen from above the north pole"
    finally:
        space.camera = before


def test_frames_are_played_at_their_rate_and_the_last_one_stays(space: OpenSpace) -> None:
    movie = space.add_points("movie", XYZ[:5000], unit="Mpc")
    played = movie.play(np.stack([XYZ[:5000] + k for k in range(6)]), hz=20)
    assert played.frames == 6
    assert played.shown + played.dropped == 6
    played = movie.play(((XYZ[:100] * k, XYZ[:100, 0]) for k in range(1, 4)), hz=50, keep="all")
    assert (played.shown, played.dropped) == (3, 0)
    assert movie.count == 100

    def asking() -> Iterator[np.ndarray]:
        for k in range(2):
            assert space.focus, "what makes frames may ask the session"
            yield XYZ[: 10 + k]

    assert movie.play(asking(), hz=50, keep="all").shown == 2
    with pytest.raises(PointsError, match="frames"):
        movie.play(XYZ, hz=4)
    with pytest.raises(PointsError, match="shape"):
        movie.play([XYZ[:, :2]], hz=4)
    for k in range(20):
        assert movie.update(XYZ[: 100 + k], wait=False) is None
    done = threading.Event()
    background().loop.call_soon_threadsafe(done.set)
    assert done.wait(10)
    movie.update(XYZ[:77])
    assert movie.count == 77


def test_what_gives_the_frames_may_ask_the_session_when_it_begins(space: OpenSpace) -> None:
    class Orbits:
        def __iter__(self) -> Iterator[np.ndarray]:
            assert space.focus, "it may ask and wait"
            return iter([XYZ[:15]])

    orbits = space.add_points("orbits", XYZ[:10], unit="Mpc")
    assert background().submit(orbits.aio.play(Orbits(), hz=100)).result(10).shown == 1
    assert orbits.count == 15
    orbits.remove()


async def next_pick(points: Points) -> Pick:
    async for pick in points.aio.picks():
        return pick
    raise AssertionError


def test_a_pick_names_the_row_of_the_point(space: OpenSpace) -> None:
    corners = np.array([[0.0, 0, 0], [50, 0, 0], [0, 50, 0]]) + 0.001
    points = space.add_points("three", corners, unit="Mpc", values=[7, 8, 9], filter=(8, None), size=4)
    picks: list[Pick] = []
    clicked = threading.Event()

    def callback(pick: Pick) -> None:
        picks.append(pick)
        assert space.focus, "a callback may ask and wait"
        clicked.set()

    end = points.on_pick(callback)
    awaited = background().submit(next_pick(points))
    space.frame()
    picked = None
    # Seen from above, x is to the right or up, whatever: somewhere on this cross there are two points.
    for x, y in [(0.5 + dx, 0.5) for dx in np.linspace(-0.4, 0.4, 81)] + [
        (0.5, 0.5 + dy) for dy in np.linspace(-0.4, 0.4, 81)
    ]:
        picked = background().run(space._client.session.ask("pick", x=float(x), y=float(y), how="click"))
        if picked is not None:
            break
    assert picked is not None
    assert clicked.wait(10)
    assert picks[0] == awaited.result(10)
    assert picks[0].index in (1, 2)
    assert picks[0].value == {1: 8.0, 2: 9.0}[picks[0].index]
    assert picks[0].xyz == tuple(corners[picks[0].index])
    # A lost connection is opened again, since there is a callback.
    clicked.clear()
    lost = space._client.session._bulk
    assert lost is not None
    background().loop.call_soon_threadsafe(lost.close)
    wait_for(lambda: space._client.session._bulk not in (lost, None))
    wait_for(lambda: space._registry._is_watching)
    assert background().run(space._client.session.ask("pick", x=float(x), y=float(y), how="click")) == picked
    assert clicked.wait(10)
    end()
    assert not space._registry._is_watching


def test_the_same_can_be_awaited(space: OpenSpace) -> None:
    async def scenario() -> None:
        points = await space.aio.add_points("soon", XYZ[:50], unit="pc", precision="16 bit")
        assert points.sent is not None
        assert points.sent.error_bound is not None
        sent = await points.aio.update(XYZ[:60])
        assert sent.points == 60
        assert (await points.aio.play([XYZ[:5]], hz=10)).shown == 1
        await points.aio.set(size=3, opacity=0.5, colormap="magma", range=(0, 5), color="#ff0000", log=False)
        look = await points.aio.get()
        assert (look.count, look.size, look.opacity, look.colormap, look.range) == (5, 3, 0.5, "magma", (0, 5))
        assert (look.visible, look.color, look.log) == (True, (1, 0, 0), False)
        await points.aio.set(filter=np.arange(5) < 2)
        assert (await points.aio.get()).count == 2
        await points.aio.remove()

    asyncio.run(scenario())


def test_points_come_back_after_the_instance_was_started_again(space: OpenSpace) -> None:
    points = space.add_points("lasting", XYZ[:500], unit="Mpc", values=XYZ[:500, 1])
    instances = [
        child
        for child in psutil.Process().children(recursive=True)
        if "openspace_server.instance" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE
    ]
    instance = max(instances, key=psutil.Process.create_time)  # other tests' session is older
    instance.kill()
    instance.wait(20)
    background().run(space._client.session.wait_not_running(20))
    space.wait()
    returned = threading.Event()

    async def back() -> None:
        while True:
            if any(each["name"] == "lasting" for each in await space._client.session.ask("points")):
                returned.set()
                return

    background().run(asyncio.wait_for(back(), 30))
    assert points.count == 500
