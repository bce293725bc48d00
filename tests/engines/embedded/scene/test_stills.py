"""Stills: frames next to the live view, of any size, time and camera, with depth and bodies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from openspace_server.engines.base import EngineError, Motion, Still, UnknownTarget
from openspace_server.engines.embedded import EmbeddedEngine
from openspace_server.engines.embedded.scene import stills
from openspace_server.engines.embedded.sky.bodies import BODIES, INDEX
from openspace_server.protocols.frame_request import FrameRequest
from tests.engines.embedded.conftest import MOMENT, Wall
from tests.engines.fake_engine import FakeSceneEngine

SATURN = {"Anchor": "Saturn", "ReferenceFrame": "ICRF", "Position": [1e8, -4e8, 9e7], "Up": [0, 0, 1]}
EARTH = {"Anchor": "Earth", "ReferenceFrame": "Earth", "Position": [1.5e7, 1e6, 4e6], "Up": [0, 0, 1]}
LOW = {
    "Anchor": "Earth",
    "ReferenceFrame": "Earth",
    "Position": [6378136.6 + 900e3, 0, 0],
    "Up": [0, 0, 1],
    "Pitch": 0.8,
}


def same(one: Still, two: Still) -> bool:
    return one.pixels.tobytes() == two.pixels.tobytes()


def test_a_still_leaves_the_live_view_as_it_is(engine: EmbeddedEngine, wall: Wall) -> None:
    before = engine.draw(wall.now)
    still = engine.still(wall.now, (500, 400), time="1999-08-11T11:00Z", camera=SATURN)
    assert still.pixels.shape == (400, 500, 4)
    assert (still.time, still.camera["Anchor"], still.id) == ("1999-08-11T11:00:00.000Z", "Saturn", 0)
    after = engine.draw(wall.now)
    assert np.array_equal(before.pixels, after.pixels)
    assert (after.id, after.time, after.camera) == (before.id + 1, before.time, before.camera)


def test_a_still_with_one_sample_is_the_live_view(engine: EmbeddedEngine, wall: Wall) -> None:
    live = engine.draw(wall.now)
    still = engine.still(wall.now, antialias=1)
    assert still.camera == live.camera
    off = np.abs(still.pixels.astype(int) - live.pixels).max(axis=2)
    assert (off > 24).mean() < 0.002  # maps close up are cut differently


def test_more_samples_give_smoother_edges_of_the_same_frame(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to("Moon", 0, None, wall.now)
    one, many = (engine.still(wall.now, antialias=count).pixels.astype(int) for count in (1, 16))
    assert 0.2 < np.abs(one - many).mean() < 8
    assert one.mean() == pytest.approx(many.mean(), rel=0.02)
    steps = [np.abs(np.diff(each[..., 1], axis=1)).max() for each in (one, many)]
    assert steps[1] < steps[0]


@pytest.mark.parametrize("camera", [SATURN, EARTH, LOW], ids=["saturn", "earth", "low"])
def test_the_same_still_is_the_same_byte_for_byte_whatever_came_before(
    engine: EmbeddedEngine, wall: Wall, camera: dict[str, Any]
) -> None:
    def still() -> Still:
        return engine.still(wall.now, (420, 260), antialias=2, time=MOMENT, camera=camera)

    one = still()
    engine.resize(640, 360)
    for target, rate in (("Jupiter", 1e6), ("Earth", -1e7), ("Saturn", 1e5)):
        engine.set_paused(False, wall.now)
        engine.set_rate(rate, wall.now)
        engine.fly_to(target, 0.3, None, wall.now)
        for _ in range(8):
            engine.move(Motion({"orbitX": 0.02}, True), wall.after(1 / 20)) if not engine.flying else None
            engine.draw(wall.after(1 / 20))
            engine.still(wall.now, (200, 100), antialias=1)
    assert same(one, still())
    fresh = EmbeddedEngine()
    fresh.open(100, 100)
    try:
        fresh.show(orbits=True, labels=True, constellations=False)
        assert same(one, fresh.still(0.0, (420, 260), antialias=2, time=MOMENT, camera=camera))
    finally:
        fresh.close()


def test_tiles_fit_together(engine: EmbeddedEngine, wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:

    whole = engine.still(wall.now, (600, 420), antialias=2, camera=EARTH)
    monkeypatch.setattr(stills, "_WIDEST", 256)
    monkeypatch.setattr(stills, "_TILE", 256 * 100)
    assert len(stills.Tiling(600, 420).corners) > 10
    tiled = engine.still(wall.now, (600, 420), antialias=2, camera=EARTH)
    off = np.abs(whole.pixels.astype(int) - tiled.pixels).max(axis=2)
    assert (off > 8).mean() < 0.012  # clipped at the edge of a tile, a triangle is rounded a little differently


def test_a_still_in_parts_lets_the_live_view_continue(engine: EmbeddedEngine, wall: Wall) -> None:
    whole = engine.still(wall.now, (400, 300), antialias=4, camera=SATURN, depth=True)
    parts = engine.still_in_parts(wall.now, FrameRequest((400, 300), antialias=4, camera=SATURN, depth=True))
    drawn = 0
    while True:
        try:
            next(parts)
        except StopIteration as done:
            still = done.value
            break
        engine.move(Motion({"orbitX": 0.02}, True), wall.after(1 / 30))
        assert engine.draw(wall.now).camera["Anchor"] == "Earth"
        drawn += 1
    assert drawn >= 4
    assert same(whole, still)
    assert np.array_equal(whole.depth, still.depth)


def test_a_still_of_an_engine_that_was_closed_ends_with_the_reason() -> None:
    fresh = EmbeddedEngine()
    fresh.open(100, 100)
    parts = fresh.still_in_parts(0.0, FrameRequest((200, 200)))
    next(parts)
    fresh.close()
    with pytest.raises(EngineError, match="closed before the still was finished"):
        next(parts)


def test_a_canvas_for_stills_is_given_back_and_made_again(engine: EmbeddedEngine, wall: Wall) -> None:
    one = engine.still(wall.now, (300, 200), camera=SATURN)
    engine.draw(wall.after(60.0))
    assert engine._still_renderer._canvas is None
    assert same(one, engine.still(wall.now, (300, 200), camera=SATURN))


def test_depth_and_ids_say_what_each_pixel_shows(engine: EmbeddedEngine, wall: Wall) -> None:
    still = engine.still(wall.now, (301, 201), camera=EARTH, depth=True, ids=True)
    assert still.depth is not None
    assert still.ids is not None
    assert still.bodies == tuple(body.identifier for body in BODIES)
    assert (still.depth.dtype, still.ids.dtype) == (np.float64, np.uint16)
    middle = still.ids[100, 150]
    assert still.bodies[middle - 1] == "Earth"
    position = np.array(EARTH["Position"])
    equatorial, polar = 6378136.6, 6356751.9
    size = np.array([equatorial, equatorial, polar])
    surface = position / np.linalg.norm(position / size)
    assert still.depth[100, 150] == pytest.approx(np.linalg.norm(position - surface), abs=1e-3)
    assert still.ids[0, 0] == 0
    assert still.depth[0, 0] == math.inf
    assert np.array_equal(still.ids > 0, np.isfinite(still.depth))
    # The pixels agree: outside the disc it is dark.
    light = still.pixels[..., :3].max(axis=2)
    assert light[still.ids == INDEX["Earth"] + 1].mean() > 8 * light[still.ids == 0].mean()


def test_depth_of_the_ground_is_right_to_a_millimetre_from_ten_metres(engine: EmbeddedEngine, wall: Wall) -> None:
    camera = {"Anchor": "Earth", "ReferenceFrame": "Earth", "Position": [6378136.6 + 10.0, 0, 0], "Up": [0, 0, 1]}
    still = engine.still(wall.now, (65, 65), antialias=1, camera=camera, depth=True)
    assert still.depth is not None
    assert still.ids is None
    assert still.depth[32, 32] == pytest.approx(10.0, abs=1e-3)


def test_a_body_smaller_than_a_pixel_has_one(engine: EmbeddedEngine, wall: Wall) -> None:
    camera = {"Anchor": "Sun", "ReferenceFrame": "ICRF", "Position": [0, -9e12, 3e12], "Up": [0, 0, 1]}
    still = engine.still(wall.now, (200, 200), antialias=1, camera=camera, ids=True)
    assert still.ids is not None
    assert (still.ids == INDEX["Jupiter"] + 1).sum() == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"size": (63, 100)}, "^size: width: 63 is outside 64 to 8192$"),
        (
            {"size": (8192, 8192)},
            r"^size: width and height: expected at most 33177600 pixels \(7680x4320\), got 8192x8192$",
        ),
        ({"antialias": 3}, "^antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got 3$"),
        ({"antialias": True}, "^antialias: expected 1, 2, 4, 8 or 16 samples per pixel, got True$"),
        ({"time": "soon"}, "ISO 8601"),
        ({"camera": {"Position": [1, 0, 0]}}, "Position must be"),
    ],
)
def test_impossible_stills_are_refused(
    engine: EmbeddedEngine, wall: Wall, arguments: dict[str, Any], reason: str
) -> None:
    with pytest.raises(EngineError, match=reason):
        engine.still(wall.now, **arguments)
    with pytest.raises(UnknownTarget):
        engine.still(wall.now, camera={"Anchor": "Nowhere", "Position": [1e9, 0, 0]})


def test_engines_without_stills_say_so() -> None:
    with pytest.raises(EngineError) as refused:
        FakeSceneEngine().still(0.0)
    assert str(refused.value) == ("the fake engine draws no stills of its own: grab a frame of the live view instead")


def test_engines_without_an_ephemeris_say_so() -> None:
    with pytest.raises(EngineError) as refused:
        FakeSceneEngine().body_positions(["Earth"], "2026-01-01")
    assert str(refused.value) == "the fake engine does not offer positions of bodies at other times"
