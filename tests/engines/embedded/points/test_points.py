"""Point clouds: prepared next to the draw thread, changed in place, covered by bodies, coloured and picked."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openspace_server.engines.base import EngineError, Motion, UnknownTarget
from openspace_server.engines.embedded import EmbeddedEngine
from openspace_server.engines.embedded.points.chunks import CHUNK, make_chunks
from openspace_server.engines.embedded.points.colors import ColorMap, map_colors, pack
from openspace_server.engines.embedded.points.node import UNITS
from openspace_server.engines.properties import Property
from openspace_server.engines.scene_engine import SceneEngine
from openspace_server.engines.user_files import UserFile
from tests.engines.embedded.conftest import Wall
from tests.engines.fake_engine import FakeSceneEngine

RED_GREEN_BLUE = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
FROM_X = {"Anchor": "Earth", "ReferenceFrame": "ICRF", "Position": [4e7, 0, 0], "Up": [0, 0, 1]}


def table(parent: str = "Earth", **renderable: Any) -> dict[str, Any]:
    return {
        "Identifier": "Cloud",
        "Parent": parent,
        "Renderable": {"Type": "RenderablePointCloud", "Unit": "km", "Frame": "ICRF", **renderable},
    }


def put(engine: EmbeddedEngine, path: str, value: object) -> None:
    found = engine.tree.find(f"Scene.{path}")
    assert isinstance(found, Property)
    found.set(value)


def bgr(engine: EmbeddedEngine, wall: Wall) -> np.ndarray:
    return engine.draw(wall.now).pixels[..., :3].astype(int)


def lit(frame: np.ndarray, channel: int) -> np.ndarray:
    """Where only one channel (0 blue, 1 green, 2 red) is bright."""
    others = np.delete(frame, channel, axis=2).max(axis=2)
    return np.argwhere((frame[..., channel] > 200) & (others < 60))


@pytest.fixture
def space(engine: EmbeddedEngine, wall: Wall) -> Iterator[EmbeddedEngine]:
    """Only bodies, seen from 40,000 km along x."""
    engine.show(orbits=False, labels=False)
    for name in ("Stars", "MilkyWay", "SunGlare"):
        put(engine, f"{name}.Renderable.Enabled", False)
    engine.set_camera(FROM_X, wall.now)
    yield engine
    if engine.tree.owner("Scene.Cloud") is not None:
        engine.remove_node("Cloud")
    for name in ("Stars", "MilkyWay", "SunGlare"):
        put(engine, f"{name}.Renderable.Enabled", True)


def test_bodies_cover_points_behind_them_and_are_covered_by_those_before(space: EmbeddedEngine, wall: Wall) -> None:
    points = np.array([[9e3, 0, 1e3], [-9e3, 0, 0], [0, 9e3, 0]])  # before, behind and next to the Earth
    space.add_points(table(SizeSettings={"Pixels": 8}), points, {}, colors=np.array(RED_GREEN_BLUE, float))
    shown = bgr(space, wall)
    assert len(lit(shown, 2)) > 0
    assert len(lit(shown, 1)) == 0
    assert len(lit(shown, 0)) > 0
    space.set_camera({**FROM_X, "Position": [-4e7, 0, 0]}, wall.now)
    shown = bgr(space, wall)
    assert len(lit(shown, 2)) == 0
    assert len(lit(shown, 1)) > 0


@pytest.mark.parametrize("unit", ["m", "ly"])
@pytest.mark.parametrize("positions", [[[0, 1e7, 1e6]], [[0, 1e7, 1e6], [0, 1e7, 1e6 + 1]]])
def test_points_without_any_extent_are_drawn(
    space: EmbeddedEngine, wall: Wall, positions: list[list[float]], unit: str
) -> None:
    before = bgr(space, wall)
    space.add_points(table(Unit=unit), np.array(positions) / UNITS[unit], {})
    changed = np.argwhere(np.abs(bgr(space, wall) - before).sum(axis=2) > 60)
    assert len(changed)
    assert np.ptp(changed, axis=0).max() <= 5


def test_small_chunks_near_by_keep_their_position_in_a_cloud_that_reaches_far(
    space: EmbeddedEngine, wall: Wall
) -> None:
    rng = np.random.default_rng(1)
    near = rng.normal(0, 1, (6 * CHUNK, 3)) * 300 + [0, 1.2e4, 0]
    far = rng.normal(0, 1, (CHUNK, 3)) * 5e9 + [-9e9, 0, 0]
    bare = bgr(space, wall)

    def seen(positions: np.ndarray) -> np.ndarray:
        space.add_points(table(), positions, {})
        space._scene.points.settle()
        wall.after(1)
        frame = bgr(space, wall)
        space.remove_node("Cloud")
        changed: np.ndarray = np.abs(frame - bare).sum(axis=2) > 60
        return changed

    alone, together = seen(near), seen(np.concatenate([near, far]))
    assert alone.sum() > 100
    assert (alone & together).sum() > 0.9 * alone.sum()


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080)])
@pytest.mark.parametrize(("y", "z"), [(1.2e4, 0.0), (2.5e4, 1.3e4)])
def test_large_points_of_a_small_cloud_are_round_and_as_large_in_every_frame(
    space: EmbeddedEngine, wall: Wall, size: tuple[int, int], y: float, z: float
) -> None:
    settings = {"ScaleExponent": 50.0, "EnableMaxSizeControl": True, "MaxSize": 24.0}
    positions = np.array([[0.0, y, z]])
    space.add_points(table(SizeSettings=settings, Coloring={"FixedColor": [1.0, 0.0, 0.0]}), positions, {})
    dot = lit(space.still(wall.now, size, antialias=1).pixels[..., 2::-1].astype(int), 0)
    across = np.ptp(dot, axis=0) + 1
    assert np.abs(across - 24).max() <= 2
    assert len(dot) == pytest.approx(math.pi / 4 * across.prod(), rel=0.15)


def test_dots_share_a_budget_and_what_is_beyond_it_is_square(space: EmbeddedEngine, wall: Wall) -> None:
    settings = {"ScaleExponent": 50.0, "EnableMaxSizeControl": True, "MaxSize": 24.0}

    def area() -> int:
        """Pixels of the red cloud, whose points are all in one position."""
        return len(lit(space.still(wall.now, (1280, 720), antialias=1).pixels[..., 2::-1].astype(int), 0))

    blue, red = (table(SizeSettings=settings, Coloring={"FixedColor": color}) for color in ([0, 0, 1], [1, 0, 0]))
    space.add_points(blue, np.tile([0.0, -1.2e4, 0.0], (500, 1)), {})
    space.add_points({**red, "Identifier": "Red"}, np.tile([0.0, 1.2e4, 0.0], (100, 1)), {})
    try:
        together = area()
        space.remove_node("Cloud")
        alone = area()
    finally:
        space.remove_node("Red")
    assert together == pytest.approx(24**2, rel=0.1)
    assert alone == pytest.approx(math.pi / 4 * 24**2, rel=0.15)


def test_dots_are_covered_by_bodies_and_lie_before_them(space: EmbeddedEngine, wall: Wall) -> None:
    settings = {"ScaleExponent": 50.0, "EnableMaxSizeControl": True, "MaxSize": 32.0}
    for x, seen in ((-1e4, False), (1e4, True)):
        positions = np.random.default_rng(1).normal(0, 300, (50, 3)) + [x, 0, 0]
        look = table(SizeSettings=settings, Coloring={"FixedColor": [0.0, 1.0, 0.0]})
        space.add_points(look, positions, {})
        assert (len(lit(bgr(space, wall), 1)) > 100) is seen
        space.remove_node("Cloud")


def test_a_nearer_body_covers_points_that_are_before_a_farther_one(space: EmbeddedEngine, wall: Wall) -> None:
    """Points between Earth and Moon, seen from either side."""
    moon = (space._ephemeris.positions[9] - space._ephemeris.positions[3]) / 1e3
    assert space.targets()[9].identifier == "Moon"
    middle = np.repeat(moon[None] / 2, 50_000, axis=0) + np.random.default_rng(1).normal(0, 3000, (50_000, 3))
    space.add_points(table(Coloring={"FixedColor": [0, 1, 0]}), middle, {})
    for anchor, way, seen in (("Earth", -1.0, False), ("Earth", 1.0, True)):
        position = way * 3e7 * moon / np.linalg.norm(moon)
        camera = {"Anchor": anchor, "Aim": "Moon", "ReferenceFrame": "ICRF", "Position": position.tolist()}
        still = space.still(wall.now, camera={**camera, "Up": [0, 0, 1]})
        assert (len(lit(still.pixels[..., :3].astype(int), 1)) > 100) is seen


def test_a_large_cloud_is_prepared_on_another_thread(space: EmbeddedEngine, wall: Wall) -> None:
    before = bgr(space, wall)
    ready = threading.Event()
    space.on_change(ready.set)
    positions = np.random.default_rng(2).normal(0, 2e4, (400_000, 3)).astype(np.float32)
    space.add_points(table(), positions, {})
    assert space.points_pending
    assert ready.wait(30)
    assert space.next_change(wall.now) == 0
    assert (bgr(space, wall) > 200).sum() > (before > 200).sum() + 1000
    assert not space.points_pending


def test_all_points_are_drawn_when_the_camera_has_rested_for_as_long_as_that_is_worth(
    space: EmbeddedEngine, wall: Wall
) -> None:
    frames = [np.random.default_rng(k).normal(0, 1e4, (1_000_000, 3)).astype(np.float32) for k in range(2)]
    space.add_points(table(), frames[0], {})
    points = space._scene.points
    points.settle()
    points._cost = 6e-8  # whatever was measured here before

    def drawn(motion: Motion | None = None) -> bool:
        if motion is not None:
            space.move(motion, wall.now)
        space.draw(wall.now)
        return points.drew_all

    assert not drawn(Motion({"orbitX": 0.01}, is_held=True))
    wait = space.next_change(wall.now)
    assert 0.12 < wait < 0.31
    wall.after(wait / 2)
    assert not drawn(Motion({"orbitX": 0.01}, is_held=True))  # the next input comes before
    wall.after(space.next_change(wall.now))
    assert drawn()
    assert space.next_change(wall.now) == math.inf
    for k in range(3):  # new points four times a second are drawn all at once while the camera rests
        wall.after(0.25)
        space.update_points("Cloud", frames[k % 2])
        points.settle()
        assert drawn()


def test_points_do_not_hold_up_running_time(space: EmbeddedEngine, wall: Wall) -> None:
    space.add_points(table(), np.random.default_rng(2).normal(0, 1e4, (1_000_000, 3)).astype(np.float32), {})
    points = space._scene.points
    points.settle()
    space.set_paused(False, wall.now)
    points._cost = 6e-8
    space.draw(wall.now)
    for wait in (0.02, 0.2):
        space.draw(wall.now)
        space.next_change(wall.now)
        space.set_rate(1 / (space._speed * wait), wall.now)
        for _ in range(4):
            wall.after(space.next_change(wall.now))
            space.draw(wall.now)
        # So soon after each other that a part of the points has to do; no sooner than something moves by a pixel.
        assert not points.drew_all
        assert space.next_change(wall.now) == pytest.approx(wait, rel=0.3)


def test_stills_wait_for_points(space: EmbeddedEngine, wall: Wall) -> None:
    bare = space.still(wall.now, antialias=1).pixels
    space.add_points(table(), np.random.default_rng(2).normal(0, 2e4, (100_000, 3)), {})
    assert not np.array_equal(space.still(wall.now, antialias=1).pixels, bare)


def test_of_several_updates_the_latest_is_drawn_as_if_it_had_been_the_only_one(
    space: EmbeddedEngine, wall: Wall
) -> None:
    rng = np.random.default_rng(3)
    frames = [rng.normal(0, 2e4, (60_000, 3)).astype(np.float32) for _ in range(4)]
    colors = rng.integers(0, 255, (60_000, 3), np.uint8)
    space.add_points(table(), frames[3], {}, colors=colors)
    once = space.still(wall.now, antialias=1).pixels
    owner = space.tree.owner("Scene.Cloud")
    for frame in frames[:3]:
        space.update_points("Cloud", frame, colors=colors[::-1])
        space.draw(wall.now)
    space.update_points("Cloud", frames[3], colors=colors)
    assert np.array_equal(space.still(wall.now, antialias=1).pixels, once)
    assert space.tree.owner("Scene.Cloud") is owner


def test_values_alone_can_change(space: EmbeddedEngine, wall: Wall) -> None:
    coloring = {"ColorMapping": {"Parameter": "mass", "Colors": RED_GREEN_BLUE, "ValueRange": [0, 3]}}
    positions = np.array([[9e3, 2e3, 0], [9e3, -2e3, 0]])
    space.add_points(table(Coloring=coloring, SizeSettings={"Pixels": 6}), positions, {"mass": np.array([0.5, 1.5])})
    shown = bgr(space, wall)
    assert [len(lit(shown, channel)) > 0 for channel in range(3)] == [False, True, True]
    space.update_points("Cloud", columns={"mass": np.array([2.5, 2.5])})
    shown = bgr(space, wall)
    assert [len(lit(shown, channel)) > 0 for channel in range(3)] == [True, False, False]
    put(space, "Cloud.Renderable.Coloring.ColorMapping.ValueRange", (2, 5))
    assert len(lit(bgr(space, wall), 2)) > 0
    put(space, "Cloud.Renderable.Coloring.ColorMapping.ValueRange", (3, 5))
    put(space, "Cloud.Renderable.Coloring.ColorMapping.HideValuesOutsideRange", True)
    shown = bgr(space, wall)
    assert not any(len(lit(shown, channel)) for channel in range(3))
    space.color_points("Cloud", None)
    put(space, "Cloud.Renderable.Coloring.FixedColor", (0, 1, 0))
    assert len(lit(bgr(space, wall), 1)) > 0


def test_colors_of_each_point_win_over_another_color_map(space: EmbeddedEngine, wall: Wall) -> None:
    coloring = {"ColorMapping": {"Parameter": "mass", "Colors": RED_GREEN_BLUE, "ValueRange": [0, 3]}}
    points, own = np.array([[9e3, 2e3, 0], [9e3, -2e3, 0]]), np.array([[255, 0, 0], [255, 0, 0]], np.uint8)
    sizes = {"Pixels": 6}
    space.add_points(table(Coloring=coloring, SizeSettings=sizes), points, {"mass": np.full(2, 2.5)}, colors=own)
    before = bgr(space, wall)
    space.color_points("Cloud", {"Parameter": "mass", "Colors": [[0, 1, 0]]})
    assert np.array_equal(bgr(space, wall), before)
    space.color_points("Cloud", None)
    assert np.array_equal(bgr(space, wall), before)
    assert len(lit(before, 2)) > 0


def test_an_update_may_change_the_number_of_points(space: EmbeddedEngine, wall: Wall) -> None:
    space.add_points(table(), np.zeros((10, 3)) + 9e3, {"a": np.arange(10.0)})
    space.update_points("Cloud", np.zeros((3, 3)) + 9e3)
    assert space.tree.get("Scene.Cloud.Renderable.NumberOfPoints").value == 3  # type: ignore[union-attr]
    space.update_points("Cloud", shown=np.array([True, False, False]))
    assert space._scene.points._nodes["Cloud"].cloud.count == 1


def test_a_pick_tells_which_point_and_its_values(space: EmbeddedEngine, wall: Wall) -> None:
    rng = np.random.default_rng(4)
    positions = rng.uniform(-3e4, 3e4, (50_000, 3)).astype(np.float32)
    positions[:, 0] = -4e4
    positions[123] = (0, 1e4, 5e3)
    positions[77] = np.nan
    coloring = {"ColorMapping": {"Parameter": "mass", "Colors": RED_GREEN_BLUE}}
    space.add_points(table(Coloring=coloring), positions, {"mass": np.arange(50_000.0), "age": np.full(50_000, 7)})
    space._scene.points.settle()
    space.draw(wall.now)
    slope = 1e4 / 4e4, 5e3 / 4e4
    focal = 0.5 / np.tan(np.radians(22.5))  # frame heights
    picked = space.pick(0.5 + focal * slope[0] * 180 / 320, 0.5 - focal * slope[1])
    assert picked is not None
    assert (picked.identifier, picked.index, picked.value) == ("Cloud", 123, 123.0)
    assert picked.values == {"mass": 123.0, "age": 7.0}
    assert space.pick(0.5, 0.5) is None  # the Earth is before the points there
    put(space, "Cloud.Renderable.Enabled", False)
    space.draw(wall.now)
    assert space.pick(0.1, 0.1) is None
    with pytest.raises(EngineError) as refused:
        space.pick(1.5, 0.5)
    assert str(refused.value) == "a position in the frame is 0 to 1 from the left and from the top, got 1.5, 0.5"


@pytest.mark.parametrize(
    ("positions", "more", "reason"),
    [
        (np.zeros((0, 3)), {}, r"\(n, 3\)"),
        (np.zeros((4, 2)), {}, r"\(n, 3\)"),
        (np.array([["a", "b", "c"]]), {}, r"\(n, 3\)"),
        (np.zeros((4, 3)), {"columns": {"a": np.zeros(3)}}, "4 numbers"),
        (np.zeros((4, 3)), {"columns": {"a": np.array(["x"] * 4)}}, "4 numbers"),
        (np.zeros((4, 3)), {"colors": np.zeros((3, 3))}, "4 points, but 3 colours"),
        (np.zeros((4, 3)), {"colors": np.zeros((4, 3), int)}, "uint8"),
        (np.zeros((4, 3)), {"shown": np.zeros(4)}, "4 booleans"),
    ],
)
def test_wrong_arrays_are_refused_and_change_nothing(
    space: EmbeddedEngine, wall: Wall, positions: np.ndarray, more: dict[str, Any], reason: str
) -> None:
    columns = more.pop("columns", {})
    with pytest.raises(EngineError, match=reason):
        space.add_points(table(), positions, columns, **more)
    assert space.tree.owner("Scene.Cloud") is None
    space.add_points(table(), np.full((4, 3), 9e3), {})
    before = bgr(space, wall)
    with pytest.raises(EngineError, match=reason):
        space.update_points("Cloud", positions, columns, **more)
    assert np.array_equal(bgr(space, wall), before)


def test_updates_of_what_is_not_there_are_refused(space: EmbeddedEngine) -> None:
    with pytest.raises(UnknownTarget, match="Clowd"):
        space.update_points("Clowd", np.zeros((1, 3)))
    space.add_points(table(), np.ones((2, 3)), {"mass": np.ones(2)})
    with pytest.raises(EngineError, match="no column 'size': there are mass"):
        space.color_points("Cloud", {"Parameter": "size", "Colors": RED_GREEN_BLUE})
    with pytest.raises(EngineError, match="does not offer points"):
        SceneEngine.add_points(FakeSceneEngine(), {}, np.ones((1, 3)), {})


def test_a_large_file_is_read_on_another_thread_and_its_fault_reported(space: EmbeddedEngine, tmp_path: Path) -> None:
    rows = "\n".join(f"{k},{k},{k}" for k in range(120_000))
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"x,y,z\n{rows}\n")
    bad.write_text(f"x,y,z\n{rows}\nlast,row,bad\n")
    space.add_node(table(File=UserFile(good, tmp_path)))
    space._scene.points.settle()
    assert space.tree.get("Scene.Cloud.Renderable.NumberOfPoints").value == 120_000  # type: ignore[union-attr]
    space.remove_node("Cloud")
    space.add_node(table(File=UserFile(bad, tmp_path)))
    space._scene.points.settle()
    problem = space.tree.get("Scene.Cloud.Renderable.Problem").value  # type: ignore[union-attr]
    assert problem == "bad.csv does not hold points: line 120002 lacks a number in one of the columns"


@pytest.mark.parametrize(("kind", "atol"), [(np.float64, 1e-5), (np.float32, 1e-5), (np.float16, 2e-3)])
def test_the_first_part_of_every_chunk_stands_for_all_of_it(kind: type, atol: float) -> None:
    positions = np.random.default_rng(5).normal(0, 10, (40_000, 3)).astype(kind)
    positions[5] = np.inf
    shown = np.ones(40_000, bool)
    shown[7] = False
    made = make_chunks(positions, shown, 2.0, np.array([1.0, 0, 0]))
    assert sorted(made.order.tolist()) == [k for k in range(40_000) if k not in (5, 7)]
    for chunk, (middle, size) in enumerate(zip(made.middles, made.sizes, strict=True)):
        rows = slice(chunk * CHUNK, (chunk + 1) * CHUNK)
        exact = positions[made.order[rows]].astype(float) * 2.0 + [1.0, 0, 0]
        assert np.allclose(made.vertices["position"][rows] * size + middle, exact, atol=atol * size)
        part, drew_all = exact[: len(exact) // 8], exact
        assert np.abs(part.mean(axis=0) - drew_all.mean(axis=0)).max() < 0.35 * drew_all.std()
    assert np.linalg.norm(exact - made.centre, axis=1).max() <= made.reach


def test_color_maps_take_ranges_logarithms_and_missing_values() -> None:
    values = np.array([1.0, 10.0, 100.0, np.nan, -5.0])
    colors, shown = map_colors(ColorMap("v", np.array(RED_GREEN_BLUE, float), 1, 1000, logarithmic=True), values)
    assert colors[:3].tolist() == pack(np.array(RED_GREEN_BLUE, float)).tolist()
    assert shown is not None
    assert shown.tolist() == [True, True, True, False, False]
    colors, shown = map_colors(ColorMap("v", np.array(RED_GREEN_BLUE, float), 0, 50, hides=True), values)
    assert shown is not None
    assert shown.tolist() == [True, True, False, False, False]
    half = pack(np.array([[200, 100, 50, 128]], np.uint8)).view(np.uint8)
    assert half.tolist() == [100, 50, 25, 255]
