"""The embedded engine as scripts and the API see it: properties, navigation, nodes."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openspace_server.engines.base import EngineError, Motion, UnknownTarget
from openspace_server.engines.embedded import EmbeddedEngine
from openspace_server.engines.properties import Property, PropertyError, UnknownProperty
from openspace_server.engines.scene_engine import JOYSTICK_AXES, GeoPosition
from openspace_server.engines.user_files import UserFile
from openspace_server.protocols.session_recording import CameraPose
from tests.engines.embedded.conftest import Wall


def put(engine: EmbeddedEngine, uri: str, value: Any) -> None:
    engine.tree.get(uri).set(value)


def drawn(engine: EmbeddedEngine, wall: Wall) -> np.ndarray:
    return engine.draw(wall.now).pixels[..., :3].astype(int)


@pytest.fixture(autouse=True)
def as_it_was(engine: EmbeddedEngine) -> Any:
    """Every test leaves the properties as they were."""
    before = [(each, each.value) for each in engine.tree.root.walk() if not each.read_only]
    yield
    for each, value in before:
        if each.identifier not in ("Anchor", "Aim") and each.value != value:
            each.set(value)
    engine.joystick({}, 0.0)
    engine.set_aim("")


@pytest.mark.parametrize(
    ("view", "uri"),
    [
        ("Earth", "Scene.Earth.Renderable.Enabled"),
        ("Earth", "Scene.EarthAtmosphere.Renderable.Enabled"),
        ("Earth", "Scene.Stars.Renderable.Enabled"),
        ("Saturn", "Scene.Saturn.Renderable.Rings.Enabled"),
        ("galaxy", "Scene.MilkyWay.Renderable.Enabled"),
        ("galaxy", "Scene.Constellations.Renderable.Enabled"),
        ("galaxy", "Scene.Constellations.Renderable.Labels.Enabled"),
        ("Sun", "Scene.SunGlare.Renderable.Enabled"),
        ("far", "Scene.MarsTrail.Renderable.Enabled"),
        ("far", "Scene.SunLabel.Renderable.Enabled"),
    ],
)
def test_switching_a_node_off_changes_the_frame_and_on_again_brings_it_back(
    engine: EmbeddedEngine, wall: Wall, view: str, uri: str
) -> None:
    if view == "galaxy":  # towards the galactic centre
        put(engine, "Scene.Constellations.Renderable.Enabled", True)
        engine.set_camera({"Anchor": "Pluto", "Position": [-1e10, 0, 0], "Up": [0, 0, 1]}, wall.now)
    elif view == "far":
        engine.set_camera({"Anchor": "Sun", "ReferenceFrame": "ICRF", "Position": [0, -9e11, 9e11]}, wall.now)
    else:
        engine.fly_to(view, 0, None, wall.now)
    before = drawn(engine, wall)
    put(engine, uri, False)
    assert engine.next_change(wall.now) == 0
    assert np.abs(drawn(engine, wall) - before).max() > 20
    put(engine, uri, True)
    assert np.array_equal(drawn(engine, wall), before)


@pytest.mark.parametrize("name", ["Opacity", "Fade"])
def test_opacity_and_fade_let_a_globe_vanish_by_degrees(engine: EmbeddedEngine, wall: Wall, name: str) -> None:
    middle = (slice(70, 110), slice(140, 180))
    engine.fly_to("Mars", 0, None, wall.now)
    levels = []
    for value in (1.0, 0.5, 0.0):
        put(engine, f"Scene.Mars.Renderable.{name}", value)
        levels.append(drawn(engine, wall)[middle].max(axis=2).mean())
    assert levels[1] == pytest.approx(levels[0] / 2, rel=0.2)
    assert levels[2] < 0.1 * levels[0]


def test_night_lights_are_a_layer_of_the_earth(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.set_time("2026-01-10T00:00Z", wall.now)
    sun = np.array(engine.world_position("Earth"))
    engine.set_camera({"Anchor": "Earth", "Position": (sun / np.linalg.norm(sun) * 2e7).tolist()}, wall.now)
    lit = drawn(engine, wall)[60:120, 130:190]
    put(engine, "Scene.Earth.Renderable.Layers.NightLayers.Earth_at_Night_2012.Enabled", False)
    dark = drawn(engine, wall)[60:120, 130:190]
    assert lit.max() > 100
    assert dark.max() < 40


def test_clouds_are_a_layer_of_the_earth(engine: EmbeddedEngine, wall: Wall) -> None:
    cloudy = drawn(engine, wall)
    put(engine, "Scene.Earth.Renderable.Layers.ColorLayers.Clouds.Enabled", False)
    bare = drawn(engine, wall)
    white = [((each.min(axis=2) > 90) & (np.ptp(each, axis=2) < 40)).sum() for each in (cloudy, bare)]
    assert white[0] > 3 * white[1]
    put(engine, "Scene.Earth.Renderable.Layers.ColorLayers.Clouds.Enabled", True)
    put(engine, "Scene.Earth.Renderable.Layers.ColorLayers.Clouds.Opacity", 0.5)
    assert bare.mean() < drawn(engine, wall).mean() < cloudy.mean()
    put(engine, "Scene.Earth.Renderable.Layers.ColorLayers.Clouds.Opacity", 1.0)
    assert np.array_equal(drawn(engine, wall), cloudy)


def test_scale_makes_a_body_larger_and_keeps_the_camera_outside(engine: EmbeddedEngine, wall: Wall) -> None:
    put(engine, "Scene.EarthLabel.Renderable.Enabled", False)
    small = (drawn(engine, wall).max(axis=2) > 60).sum()
    put(engine, "Scene.Earth.Scale.Scale", 2.0)
    assert (drawn(engine, wall).max(axis=2) > 60).sum() > 2 * small
    put(engine, "Scene.Earth.Scale.Scale", 10.0)
    engine.draw(wall.now)
    assert engine.focus_distance() >= 10 * 6.35e6


def test_a_trails_color_is_the_color_it_is_drawn_in(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.show(labels=False)
    for each in engine.tree.match("Scene.*Trail.Renderable.Enabled"):
        each.set(each.uri == "Scene.NeptuneTrail.Renderable.Enabled")
    engine.set_camera({"Anchor": "Sun", "ReferenceFrame": "ICRF", "Position": [0, -9e12, 9e12]}, wall.now)
    put(engine, "Scene.NeptuneTrail.Renderable.Appearance.Color", (0.0, 1.0, 0.0))
    green = drawn(engine, wall)
    put(engine, "Scene.NeptuneTrail.Renderable.Enabled", False)
    changed = np.abs(green - drawn(engine, wall)).max(axis=2) > 12
    assert changed.sum() > 50
    assert (green[changed][:, 1] > green[changed][:, 2]).mean() > 0.9


def test_blackout_and_exposure_change_the_whole_frame(engine: EmbeddedEngine, wall: Wall) -> None:
    before = drawn(engine, wall)
    put(engine, "RenderEngine.GlobalBlackout.Factor", 0.5)
    assert np.allclose(drawn(engine, wall), before / 2, atol=1)
    put(engine, "RenderEngine.GlobalBlackout.Factor", 0.0)
    frame = engine.draw(wall.now)
    assert frame.pixels[..., :3].max() == 0
    assert (frame.pixels[..., 3] == 255).all()


def test_anchor_and_aim_follow_the_camera_and_steer_it(engine: EmbeddedEngine, wall: Wall) -> None:
    navigator = "NavigationHandler.OrbitalNavigator"
    put(engine, f"{navigator}.Anchor", "moon")
    engine.draw(wall.after(2.0))
    assert engine.focus == "Moon"
    assert engine.tree.get(f"{navigator}.Anchor").value == "Moon"
    with pytest.raises(UnknownTarget):
        put(engine, f"{navigator}.Anchor", "Krypton")
    assert engine.focus == "Moon"
    put(engine, f"{navigator}.Aim", "Earth")
    engine.draw(wall.after(0.01))
    engine.draw(wall.after(2.0))
    assert engine.camera()["Aim"] == "Earth"
    assert "Yaw" not in engine.camera()  # the Earth is in the middle
    engine.move(Motion({"orbitX": 0.2}, True), wall.now)
    engine.draw(wall.now)
    assert "Yaw" not in engine.camera()  # and stays there while the camera orbits the Moon


def test_retargeting_brings_the_anchor_back_to_the_middle(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.move(Motion({"lookX": 0.5}, True), wall.now)
    engine.draw(wall.now)
    assert "Yaw" in engine.camera()
    put(engine, "NavigationHandler.OrbitalNavigator.RetargetAnchor", None)
    engine.draw(wall.after(0.01))
    engine.draw(wall.after(2.0))
    assert "Yaw" not in engine.camera()


def test_wrong_values_are_refused_with_the_reason(engine: EmbeddedEngine) -> None:
    with pytest.raises(PropertyError, match="expected true or false"):
        put(engine, "Scene.Earth.Renderable.Enabled", 1)
    with pytest.raises(PropertyError, match="outside 0 to 1"):
        put(engine, "Scene.Earth.Renderable.Opacity", 2.0)
    with pytest.raises(UnknownProperty, match=r"Scene\.Earth\.Renderable\.Enabled"):
        put(engine, "Scene.Earht.Renderable.Enabled", True)


# -- navigation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", ["Root", "ICRF", "Mars", "Earth"])
@pytest.mark.parametrize("angles", [{}, {"Yaw": 0.3, "Pitch": -0.2}])
def test_a_navigation_state_reads_back_as_it_was_set(
    engine: EmbeddedEngine, wall: Wall, frame: str, angles: dict[str, float]
) -> None:
    up = np.cross([1.0e7, -2.0e7, 0.5e7], [0.0, 0.1, 1.0])
    up /= np.linalg.norm(up)
    state = {"Anchor": "Mars", "ReferenceFrame": frame, "Position": [1.0e7, -2.0e7, 0.5e7], "Up": up.tolist(), **angles}
    engine.set_camera(state, wall.now)
    camera = engine.camera()
    assert camera["Anchor"] == "Mars"
    assert camera["ReferenceFrame"] == frame
    assert camera["Position"] == pytest.approx(state["Position"], abs=1e-6)
    assert camera["Up"] == pytest.approx(state["Up"], abs=1e-12)
    assert (camera.get("Yaw", 0.0), camera.get("Pitch", 0.0)) == pytest.approx(
        (angles.get("Yaw", 0.0), angles.get("Pitch", 0.0)), abs=1e-12
    )


def test_yaw_turns_the_view_to_the_right_and_pitch_upwards(engine: EmbeddedEngine, wall: Wall) -> None:
    """As OpenSpace documents them: what was in the middle is then to the left, and below."""
    sun = -np.array(engine.world_position("Mars"))
    state = {"Anchor": "Mars", "Position": (sun / np.linalg.norm(sun) * 2e7).tolist()}

    def middle(**angles: float) -> tuple[float, float]:
        engine.set_camera({**state, **angles}, wall.now)
        rows, columns = np.nonzero(drawn(engine, wall).max(axis=2) > 60)
        return float(np.median(columns)), float(np.median(rows))

    engine.show(orbits=False, labels=False, constellations=False)
    x, y = middle()
    assert (x, y) == pytest.approx((160, 90), abs=4)
    assert middle(Yaw=0.2) == pytest.approx((x - 38, y), abs=6)
    assert middle(Pitch=0.1) == pytest.approx((x, y + 19), abs=6)


def test_root_axes_are_galactic(engine: EmbeddedEngine, wall: Wall) -> None:
    """The galactic north pole is at right ascension 192.8595, declination 27.1283 degrees."""
    engine.set_camera({"Anchor": "Earth", "ReferenceFrame": "Root", "Position": [0, 0, 1e8]}, wall.now)
    x, y, z = engine._navigator.position
    assert math.degrees(math.atan2(y, x)) % 360 == pytest.approx(192.8595, abs=1e-3)
    assert math.degrees(math.asin(z / 1e8)) == pytest.approx(27.1283, abs=1e-3)


@pytest.mark.parametrize("axis", JOYSTICK_AXES)
def test_a_joystick_moves_the_camera_until_it_is_let_go(engine: EmbeddedEngine, wall: Wall, axis: str) -> None:
    engine.joystick({axis: 0.5}, wall.now)
    assert engine.next_change(wall.now) == 0
    states = [engine.draw(wall.after(0.5)).camera for _ in range(4)]
    assert all(a != b for a, b in itertools.pairwise(states))
    engine.joystick({}, wall.now)
    engine.draw(wall.after(3.0))
    assert engine.next_change(wall.now) == math.inf


def test_a_joystick_moves_the_same_way_whatever_the_frame_rate(engine: EmbeddedEngine, wall: Wall) -> None:
    ends = []
    for steps in (4, 50):
        engine.home(wall.now)
        engine.draw(wall.after(5.0))
        engine.joystick({"zoomIn": 1.0}, wall.now)
        for _ in range(steps):
            engine.advance(wall.after(1.0 / steps))
        engine.joystick({}, wall.now)
        ends.append(engine.focus_distance())
    assert ends[0] == pytest.approx(ends[1], rel=1e-9)


def test_without_friction_a_push_goes_on(engine: EmbeddedEngine, wall: Wall) -> None:
    put(engine, "NavigationHandler.OrbitalNavigator.Friction.RotationalFriction", False)
    engine.draw(wall.now)
    engine.joystick({"orbitX": 1.0}, wall.now)
    engine.draw(wall.after(1.0))
    engine.joystick({}, wall.now)
    engine.draw(wall.after(20.0))
    before = engine.camera()["Position"]
    assert engine.next_change(wall.now) == 0
    engine.draw(wall.after(0.1))
    assert np.linalg.norm(np.subtract(engine.camera()["Position"], before)) > 1e5
    engine.home(wall.now)


@pytest.mark.parametrize("duration", [0.0, 3.0])
@pytest.mark.parametrize("position", [(40.0, -74.0, 10.0), (-89.9, 10.0, 2000.0), (0.0, 179.9, 5e6)])
def test_a_geographic_flight_ends_over_its_position(
    engine: EmbeddedEngine, wall: Wall, duration: float, position: tuple[float, float, float]
) -> None:
    engine.fly_to_geo("Earth", *position, duration, wall.now)
    engine.draw(wall.after(duration + 0.01))
    here = engine.camera_position()
    assert (here.latitude, here.longitude) == pytest.approx(position[:2], abs=1e-9)
    assert here.altitude == pytest.approx(position[2], abs=1e-3)
    seen = engine.view_position()
    assert seen is not None
    assert seen.latitude == pytest.approx(position[0], abs=1.0)


def test_a_position_and_its_surface_point_agree_with_the_wgs84_formula(engine: EmbeddedEngine) -> None:
    """Equatorial radius and flattening here are the IAU's, 0.4 and 0.1 m off WGS 84."""
    x, y, z = engine.surface_point("Earth", GeoPosition(45.0, 90.0, 1000.0))
    assert x == pytest.approx(0, abs=1e-3)
    assert (y, z) == pytest.approx((4518297.985, 4488055.516), abs=2.0)  # ECEF of WGS 84


def test_the_camera_goes_down_to_ten_metres_and_stays_with_the_ground(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to_geo("Earth", 47.0, 8.0, 500.0, 0.0, wall.now)
    engine.move(Motion({"zoom": 50.0}, True), wall.now)
    assert engine.camera_position().altitude == pytest.approx(10.0, abs=1e-3)
    engine.set_paused(False, wall.now)
    engine.set_rate(600.0, wall.now)
    engine.draw(wall.after(10.0))
    here = engine.camera_position()
    assert (here.latitude, here.longitude, here.altitude) == pytest.approx((47.0, 8.0, 10.0), abs=1e-3)


@pytest.mark.parametrize("distance", [6.3781466e6 + 20, 1e8, 1e12, 1e16, 1e20, 1e26])
def test_frames_do_not_jitter_at_any_distance(engine: EmbeddedEngine, wall: Wall, distance: float) -> None:
    """A millionth of a view height to the side moves nothing by more than a pixel."""
    engine.show(orbits=True, labels=False)
    engine.set_camera({"Anchor": "Earth", "ReferenceFrame": "ICRF", "Position": [distance, 0, 0]}, wall.now)
    before = drawn(engine, wall)
    engine.move(Motion({"lookX": 1e-6}, True), wall.now)
    after = drawn(engine, wall)
    assert (np.abs(after - before).max(axis=2) > 40).mean() < 0.004
    assert np.all(np.isfinite(engine.camera()["Position"]))


def test_zooming_to_a_distance_keeps_the_line_and_the_view(engine: EmbeddedEngine, wall: Wall) -> None:
    before = engine.camera()
    engine.zoom_to(1e6, 2.0, wall.now)
    engine.draw(wall.after(2.1))
    after = engine.camera()
    assert engine.focus_distance() == pytest.approx(7.37e6, rel=0.01)
    assert np.allclose(np.cross(before["Position"], after["Position"]), 0, atol=1e5)
    assert after["Up"] == pytest.approx(before["Up"])


def test_a_flight_can_be_held_and_finished(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to("Mars", 4.0, None, wall.now)
    engine.draw(wall.after(1.0))
    engine.pause_flight(True, wall.now)
    paused_camera = engine.draw(wall.now).camera
    assert engine.draw(wall.after(50.0)).camera == paused_camera
    flight = engine.flight()
    assert flight is not None
    assert (flight.origin, flight.target, flight.paused) == ("Earth", "Mars", True)
    assert flight.remaining == pytest.approx(3.0, abs=0.01)
    engine.pause_flight(False, wall.now)
    engine.finish_flight(wall.now)
    assert not engine.flying
    assert engine.flight() is None
    assert engine.focus_distance() == pytest.approx(3.3 * 3.39619e6)


def test_a_flight_to_a_state_arrives_exactly(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to("Saturn", 0, None, wall.now)
    engine.move(Motion({"orbitX": 0.2, "lookX": 0.2}, True), wall.now)
    goal = engine.draw(wall.now)
    engine.home(wall.now)
    engine.draw(wall.after(5.0))
    engine.fly_to_state(goal.camera, 3.0, wall.now)
    engine.draw(wall.after(1.5))
    arrived = engine.draw(wall.after(1.6))
    assert np.array_equal(arrived.pixels, goal.pixels)
    assert arrived.camera["Position"] == pytest.approx(goal.camera["Position"])


def test_a_pose_set_again_gives_the_same_frame(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to("Saturn", 0, None, wall.now)
    engine.move(Motion({"orbitX": 0.1, "roll": 0.3, "lookY": 0.1}, True), wall.now)
    before, pose = engine.draw(wall.now), engine.pose()
    engine.fly_to("Mars", 0, None, wall.now)
    engine.set_pose(pose, wall.now)
    assert np.abs(engine.draw(wall.now).pixels.astype(int) - before.pixels).mean() < 0.01
    # OpenSpace's camera looks along -z: straight from the position to the focus before the view was turned.
    engine.set_pose(CameraPose("Mars", (0.0, 0.0, 2e7), (0.0, 0.0, 0.0, 1.0)), wall.now)
    assert "Yaw" not in engine.camera()


def test_the_subsolar_point_is_in_the_tropics(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.set_time("2024-06-20T20:51Z", wall.now)
    position = engine.subsolar_position()
    assert position is not None
    assert position.latitude == pytest.approx(23.44, abs=0.02)
    assert position.longitude == pytest.approx(-132.3, abs=0.3)
    engine.fly_to("Sun", 0, None, wall.now)
    assert engine.subsolar_position() is None


# -- points -------------------------------------------------------------------------------------------------------

CLOUD = {"Identifier": "Cloud", "Renderable": {"Type": "RenderablePointCloud", "Unit": "Mpc"}}


@pytest.fixture
def cloudless(engine: EmbeddedEngine) -> Any:
    yield
    for owner in engine.tree.owner("Scene").owners:  # type: ignore[union-attr]
        if owner.identifier.startswith("Cloud"):
            engine.remove_node(owner.identifier)


def cloud_of(path: Path, **renderable: Any) -> dict[str, Any]:
    file = UserFile(path, path.parent)
    return {"Identifier": "Cloud", "Renderable": {**CLOUD["Renderable"], "File": file, **renderable}}  # type: ignore[dict-item]


@pytest.mark.usefixtures("cloudless")
@pytest.mark.parametrize("ending", ["csv", "speck"])
def test_points_of_a_file_appear_where_they_are(
    engine: EmbeddedEngine, wall: Wall, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"points.{ending}"
    rows = "100,0,0,1\n100,10,0,2\n" if ending == "csv" else "100 0 0 1 # one\n100 10 0 2\n"
    head = "# made here\nX,y,z,mass\n" if ending == "csv" else "datavar 0 mass\n# comment\n"
    file.write_text(head + rows)
    (tmp_path / "two.cmap").write_text("2\n1 0 0 1\n0 1 0 1\n")
    mapping = {"File": UserFile(tmp_path / "two.cmap", tmp_path), "Parameter": "mass"}
    engine.show(orbits=False, labels=False)
    put(engine, "Scene.Stars.Renderable.Enabled", False)
    put(engine, "Scene.MilkyWay.Renderable.Enabled", False)
    put(engine, "Scene.Sun.Renderable.Enabled", False)
    engine.add_node(cloud_of(file, Coloring={"ColorMapping": mapping}))
    # Looking along the first galactic axis: the first point is in the middle, the second 5.7 degrees to the left.
    engine.set_camera({"Anchor": "Sun", "Position": [-1e22, 0, 0], "Up": [0, 0, 1]}, wall.now)
    shown = drawn(engine, wall)
    red, green = np.argwhere(shown[..., 2] > 200), np.argwhere(shown[..., 1] > 200)
    off = 90 / math.tan(math.radians(22.5)) * 0.1
    assert np.abs(red.mean(axis=0) - (90, 160)).max() <= 2
    assert np.abs(green.mean(axis=0) - (90, 160 - off)).max() <= 2
    put(engine, "Scene.Cloud.Renderable.Enabled", False)
    assert drawn(engine, wall)[85:95, 120:150].max() == 0


@pytest.mark.usefixtures("cloudless")
def test_a_moving_camera_gets_a_part_of_a_large_cloud_and_all_of_it_at_rest(engine: EmbeddedEngine, wall: Wall) -> None:
    positions = np.random.default_rng(5).normal(0, 100, (50_000, 3))
    engine.add_points(CLOUD, positions, {})
    points = engine._scene.points
    points._cost = 4e-6  # as on a slow machine
    points.record_draw_time = lambda seconds: None  # type: ignore[method-assign]
    try:
        engine.set_camera({"Anchor": "Sun", "Position": [5e24, 5e24, 0]}, wall.now)
        engine.move(Motion({"orbitX": 0.01}, False), wall.now)
        engine.draw(wall.after(0.03))
        assert points._drawn < 10_000
        assert engine.next_change(wall.now) == 0
        while engine.next_change(wall.now) == 0:
            engine.draw(wall.after(1 / 60))
        assert points._drawn < 10_000  # the camera has come to rest only now
        engine.draw(wall.after(engine.next_change(wall.now)))
        assert points._drawn == 50_000
        assert engine.next_change(wall.now) == math.inf
    finally:
        del points.record_draw_time


@pytest.mark.usefixtures("cloudless")
def test_bad_point_clouds_are_refused_with_the_reason_and_leave_nothing(engine: EmbeddedEngine, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    words = tmp_path / "words.csv"
    words.write_text("x,y,z\none,two,three\n")
    for table, reason in (
        (cloud_of(tmp_path / "none.csv"), "cannot be read"),
        (cloud_of(bad), "no column 'x'"),
        (cloud_of(words), "does not hold points"),
        (cloud_of(bad, Unit="furlong"), "a unit of points is one of"),
        ({"Identifier": "Cloud", "Renderable": {"Type": "RenderableModel"}}, "draws RenderablePointCloud"),
        ({"Identifier": "Earth", "Renderable": {}}, "Identifier of its own"),
        ({**cloud_of(bad), "Parent": "Nowhere"}, "Nowhere"),
    ):
        with pytest.raises(EngineError, match=reason):
            engine.add_node(table)
        assert engine.tree.owner("Scene.Cloud") is None


def test_what_comes_with_the_engine_cannot_be_removed_but_unloaded(engine: EmbeddedEngine, wall: Wall) -> None:
    with pytest.raises(EngineError, match=r"Scene\.Earth\.Renderable\.Enabled"):
        engine.remove_node("Earth")
    assert engine.assets()["scene/solarsystem/trails.asset"]
    engine.set_asset("scene/solarsystem/trails.asset", False)
    assert not engine.assets()["scene/solarsystem/trails.asset"]
    assert engine.tree.get("Scene.EarthTrail.Renderable.Enabled").value is False
    with pytest.raises(EngineError, match="no built-in asset"):
        engine.set_asset("scene/nowhere.asset", True)


def test_every_property_has_a_type_and_says_where_it_is(engine: EmbeddedEngine) -> None:
    everything = list(engine.tree.root.walk())
    assert len(everything) > 200
    assert all(isinstance(each, Property) and engine.tree.find(each.uri) is each for each in everything)
