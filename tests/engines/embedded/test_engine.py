"""The embedded engine from outside: frames, waiting times, refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from panda3d.core import TransformState

from openspace_server.engines.base import EngineError, Frame, Motion, UnknownTarget
from openspace_server.engines.embedded import EmbeddedEngine, Probe, probe
from openspace_server.engines.embedded.graphics import canvas as pipe
from tests.engines.embedded.conftest import MOMENT, Wall

EARTH = 6.3781366e6


def brightness(frame: Frame) -> np.ndarray:
    return frame.pixels[..., :3].max(axis=2).astype(int)


def sun_direction(engine: EmbeddedEngine, body: int) -> np.ndarray:
    sun = -engine._ephemeris.positions[body]
    return np.asarray(sun / np.linalg.norm(sun))


def look_from(engine: EmbeddedEngine, anchor: str, position: np.ndarray, wall: Wall) -> Frame:
    engine.set_camera(
        {"Anchor": anchor, "ReferenceFrame": "ICRF", "Position": position.tolist(), "Up": [0.0, -0.4, 0.9]}, wall.now
    )
    return engine.draw(wall.now)


def test_a_frame_is_a_fresh_bgra_array_of_the_right_size(engine: EmbeddedEngine, wall: Wall) -> None:
    one = engine.draw(wall.now)
    kept = one.pixels.copy()
    engine.fly_to("Mars", 0, None, wall.now)
    two = engine.draw(wall.now)
    assert one.pixels.shape == (180, 320, 4)
    assert one.pixels.dtype == np.uint8
    assert one.pixels.flags.c_contiguous
    assert (one.pixels[..., 3] == 255).all()
    assert two.id == one.id + 1
    assert np.array_equal(one.pixels, kept)
    assert not np.array_equal(two.pixels, kept)
    assert one.time == MOMENT.replace("Z", ".000Z")


def test_the_first_view_shows_a_mostly_sunlit_blue_earth_among_stars(engine: EmbeddedEngine, wall: Wall) -> None:
    pixels = engine.draw(wall.now).pixels.astype(int)
    centre = pixels[60:120, 130:190]
    assert centre[..., :3].max(axis=2).mean() > 60
    assert centre[..., 0].mean() > centre[..., 2].mean()  # more blue than red
    corner = pixels[:60, :80, :3].max(axis=2)
    assert 5 < (corner > 20).sum() < 600


def test_the_top_row_comes_first(engine: EmbeddedEngine, wall: Wall) -> None:
    """Looking up makes the Earth go down."""
    engine.move(Motion({"lookY": 0.35}, True), wall.now)
    rows = brightness(engine.draw(wall.now)).sum(axis=1)
    assert rows[90:].sum() > 3 * rows[:90].sum()


def test_the_earth_is_lit_on_the_side_of_the_sun(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.show(orbits=False, labels=False)
    day = brightness(look_from(engine, "Earth", sun_direction(engine, 3) * 3 * EARTH, wall))
    night = brightness(look_from(engine, "Earth", sun_direction(engine, 3) * -3 * EARTH, wall))
    disc = (slice(60, 120), slice(130, 190))
    assert day[disc].mean() > 4 * night[disc].mean()


def test_the_night_side_shows_city_lights(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.show(orbits=False, labels=False)
    engine.set_time("2026-01-10T00:00Z", wall.now)  # midnight over Europe and Africa
    night = look_from(engine, "Earth", sun_direction(engine, 3) * -3 * EARTH, wall).pixels[50:130, 120:200].astype(int)
    lights = night[..., 2] > 90
    assert 5 < lights.sum() < 2000
    assert (night[lights][:, 2] >= night[lights][:, 0]).mean() > 0.8  # warmer than blue


@pytest.mark.parametrize(
    "target", ["Sun", "Mercury", "Venus", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune", "Moon", "Io"]
)
def test_every_body_fills_the_middle_of_its_view(engine: EmbeddedEngine, wall: Wall, target: str) -> None:
    engine.fly_to(target, 0, None, wall.now)
    assert brightness(engine.draw(wall.now))[80:100, 150:170].mean() > 40
    assert engine.focus == target


@pytest.mark.parametrize("distance", [1.0000017, 1.0201, 1.1, 1.5, 3, 30, 1e3, 1e5, 1e6])
def test_the_frame_holds_from_the_ground_to_beyond_neptune(engine: EmbeddedEngine, wall: Wall, distance: float) -> None:
    engine.show(orbits=False, labels=False)
    frame = look_from(engine, "Earth", np.array([0.8, -0.6, 0.0]) * distance * EARTH, wall)
    # Where the disc's edge should be: ground inside, dark sky outside.
    radius = 90 / math.tan(math.radians(22.5)) / math.sqrt(max(distance**2 * 1.0, 1.0004) - 1)
    if 8 < radius < 85:
        column = brightness(frame)[:, 160]
        assert column[int(90 - 0.9 * radius) : int(90 + 0.9 * radius)].mean() > 5 * max(
            column[: int(85 - radius)].mean(), 1
        )
    assert frame.pixels.shape == (180, 320, 4)


@pytest.mark.parametrize("axis", ["orbitX", "orbitY", "zoom", "roll", "lookX", "lookY"])
def test_input_shows_in_the_very_next_frame(engine: EmbeddedEngine, wall: Wall, axis: str) -> None:
    before = engine.draw(wall.now)
    engine.move(Motion({axis: 0.2}, False), wall.now)
    assert engine.next_change(wall.now) == 0
    after = engine.draw(wall.now)
    assert not np.array_equal(before.pixels, after.pixels)
    assert before.camera != after.camera


def test_inertia_comes_to_rest_and_says_so(engine: EmbeddedEngine, wall: Wall) -> None:
    for _ in range(10):
        engine.move(Motion({"orbitX": 0.02}, True), wall.after(1 / 60))
    engine.move(Motion({}, False), wall.after(1 / 60))
    coasting = engine.draw(wall.now)
    assert engine.next_change(wall.now) == 0
    later = engine.draw(wall.after(0.05))
    assert not np.array_equal(coasting.pixels, later.pixels)
    for _ in range(180):
        engine.draw(wall.after(1 / 60))
        if engine.next_change(wall.now):
            break
    assert engine.next_change(wall.now) == math.inf


def test_paused_and_at_rest_nothing_changes(engine: EmbeddedEngine, wall: Wall) -> None:
    assert engine.next_change(wall.now) == math.inf
    one, two = engine.draw(wall.after(1)), engine.draw(wall.after(100))
    assert np.array_equal(one.pixels, two.pixels)
    assert engine.paused


def test_running_time_asks_for_frames_as_fast_as_things_move(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.set_paused(False, wall.now)
    engine.draw(wall.now)
    assert 0.5 < engine.next_change(wall.now) <= 1.0  # the Earth turns a pixel in minutes
    engine.set_rate(3600.0, wall.now)
    engine.draw(wall.now)
    slow = engine.next_change(wall.now)
    engine.set_rate(-36000.0, wall.now)
    engine.draw(wall.now)
    assert 0 < engine.next_change(wall.now) < slow < 0.2


def test_time_runs_at_the_rate_and_stands_when_paused(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.set_paused(False, wall.now)
    engine.set_rate(60.0, wall.now)
    assert engine.draw(wall.after(10)).time == "2026-06-12T17:55:00.000Z"
    engine.set_rate(-60.0, wall.now)
    assert engine.draw(wall.after(10)).time == "2026-06-12T17:45:00.000Z"
    engine.set_paused(True, wall.now)
    assert engine.draw(wall.after(10)).time == "2026-06-12T17:45:00.000Z"
    assert engine.rate == -60.0


def test_time_starts_now_at_rate_one() -> None:
    fresh = EmbeddedEngine()
    fresh.open(64, 64)
    try:
        assert abs(np.datetime64(fresh.time[:-1]) - np.datetime64("now", "ms")) < np.timedelta64(60, "s")
        assert fresh.rate == 1.0
        assert not fresh.paused
        first = np.datetime64(fresh.draw(5.0).time[:-1])
        assert np.datetime64(fresh.draw(7.5).time[:-1]) - first == np.timedelta64(2500, "ms")
    finally:
        fresh.close()


@pytest.mark.parametrize("time", ["soon", "0500-01-01", "4000-01-01"])
def test_bad_times_are_refused_and_change_nothing(engine: EmbeddedEngine, wall: Wall, time: str) -> None:
    with pytest.raises(EngineError):
        engine.set_time(time, wall.now)
    assert engine.time == MOMENT.replace("Z", ".000Z")


@pytest.mark.parametrize("rate", [math.nan, math.inf, 1e11, "1", None, True])
def test_bad_rates_are_refused(engine: EmbeddedEngine, wall: Wall, rate: Any) -> None:
    with pytest.raises(EngineError, match="rate"):
        engine.set_rate(rate, wall.now)
    assert engine.rate == 1.0


def test_a_flight_arrives_on_time_at_its_distance(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to("saturn", 3.0, 5e8, wall.now)
    assert engine.flying
    assert engine.focus == "Saturn"
    engine.draw(wall.after(2.99))
    assert engine.flying
    assert engine.next_change(wall.now) == 0
    frame = engine.draw(wall.after(0.01))
    assert not engine.flying
    assert frame.camera["Anchor"] == "Saturn"
    assert np.linalg.norm(frame.camera["Position"]) == pytest.approx(5e8)
    assert engine.next_change(wall.now) == math.inf


def test_input_ends_a_flight(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to("Mars", 4.0, None, wall.now)
    engine.draw(wall.after(2.0))
    engine.move(Motion({"orbitX": 0.01}, True), wall.after(0.1))
    assert not engine.flying


def test_a_way_around_the_moon_may_lead_through_the_earth(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to("Earth", 0, None, wall.after(1))
    engine.draw(wall.after(1))
    from_earth = np.array(engine.camera()["Position"])
    engine.fly_to("Moon", 600, None, wall.after(1))
    engine.draw(wall.now)
    camera = engine.camera()
    assert camera["Anchor"] == "Moon"
    earth = np.array(camera["Position"]) - from_earth
    engine.set_camera(camera | {"Position": [*(earth + 1e6)]}, wall.after(1))
    engine.draw(wall.after(1))
    engine.home(wall.after(1))


def test_what_was_drawn_once_is_not_kept_for_ever(engine: EmbeddedEngine, wall: Wall) -> None:
    counts = []
    for _ in range(60):
        engine.move(Motion({"orbitX": 0.01}, is_held=True), wall.after(0.03))
        engine.draw(wall.now)
        counts.append(TransformState.get_num_states())
    assert counts[-1] < counts[0] + 20


def test_duration_zero_jumps(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.fly_to("MARS", 0, 1e7, wall.now)
    assert not engine.flying
    assert engine.camera()["Anchor"] == "Mars"
    assert np.linalg.norm(engine.camera()["Position"]) == pytest.approx(1e7)


def test_an_unknown_target_lists_near_names_and_changes_nothing(engine: EmbeddedEngine, wall: Wall) -> None:
    before = engine.camera()
    with pytest.raises(UnknownTarget, match="Jupiter"):
        engine.fly_to("Jupitre", 2.0, None, wall.now)
    with pytest.raises(UnknownTarget, match=r"known targets: .*Earth"):
        engine.set_focus("Xyzzy")
    assert engine.camera() == before
    assert not engine.flying


@pytest.mark.parametrize(
    ("duration", "distance"), [(-1, None), (math.nan, None), (math.inf, None), (1, 1.0), (1, 1e30), (1, math.nan)]
)
def test_impossible_flights_are_refused(
    engine: EmbeddedEngine, wall: Wall, duration: float, distance: float | None
) -> None:
    with pytest.raises(EngineError):
        engine.fly_to("Mars", duration, distance, wall.now)
    assert engine.focus == "Earth"


def test_a_new_focus_keeps_the_position_and_turns_within_a_second(engine: EmbeddedEngine, wall: Wall) -> None:
    position = np.array(engine.camera()["Position"]) + engine.world_position("Earth")
    engine.set_focus("Moon")
    engine.draw(wall.now)
    assert engine.next_change(wall.now) == 0
    engine.draw(wall.after(0.5))
    state = engine.draw(wall.after(0.6)).camera
    assert state["Anchor"] == "Moon"
    assert "Yaw" not in state  # the Moon is in the middle
    assert np.allclose(np.array(state["Position"]) + engine.world_position("Moon"), position, rtol=0, atol=1.0)
    assert engine.next_change(wall.now) == math.inf


def test_home_leads_back_to_the_first_view(engine: EmbeddedEngine, wall: Wall) -> None:
    first = engine.draw(wall.now)
    engine.fly_to("Neptune", 0, None, wall.now)
    engine.home(wall.now)
    assert engine.flying
    assert np.array_equal(engine.draw(wall.after(5.0)).pixels, first.pixels)


@pytest.mark.parametrize("look", [{}, {"lookX": 0.4, "lookY": -0.3, "roll": 0.5}, {"lookX": 3.0}])
def test_a_camera_set_again_gives_the_same_frame(engine: EmbeddedEngine, wall: Wall, look: dict[str, float]) -> None:
    engine.fly_to("Saturn", 0, None, wall.now)
    engine.move(Motion({"orbitX": 0.123, "orbitY": 0.05, **look}, True), wall.now)
    before, state = engine.draw(wall.now), engine.camera()
    engine.fly_to("Mars", 0, None, wall.now)
    engine.draw(wall.now)
    engine.set_camera(state, wall.now)
    after = engine.draw(wall.now)
    assert np.array_equal(before.pixels, after.pixels)
    assert after.camera["Position"] == pytest.approx(state["Position"])


def test_a_camera_may_be_given_in_a_bodys_own_axes(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.set_camera(
        {"Anchor": "Earth", "ReferenceFrame": "Earth", "Position": [0, 0, 3e7], "Up": [1, 0, 0]}, wall.now
    )
    assert engine.camera()["ReferenceFrame"] == "Earth"
    assert np.allclose(engine.camera()["Position"], [0, 0, 3e7], atol=1e-6)


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        {},
        {"Position": [1, 2]},
        {"Position": [0, 0, 0]},
        {"Position": "near"},
        {"Position": [math.nan, 0, 0]},
        {"Position": [1.0, 0, 0]},
        {"Position": [1e28, 0, 0]},
        {"Position": [2e7, 0, 0], "Up": [0, 0]},
        {"Position": [2e7, 0, 0], "Yaw": math.inf},
        {"Position": [2e7, 0, 0], "Anchor": "Nowhere"},
    ],
)
def test_bad_cameras_are_refused_and_change_nothing(engine: EmbeddedEngine, wall: Wall, state: Any) -> None:
    before = engine.camera()
    with pytest.raises(EngineError):
        engine.set_camera(state, wall.now)
    assert engine.camera() == before


@pytest.mark.parametrize("size", [(640, 360), (333, 207), (64, 64), (180, 320)])
def test_a_new_size_shows_in_the_next_frame(engine: EmbeddedEngine, wall: Wall, size: tuple[int, int]) -> None:
    engine.resize(*size)
    assert engine.next_change(wall.now) == 0
    frame = engine.draw(wall.now)
    assert frame.pixels.shape == (size[1], size[0], 4)
    light = brightness(frame)
    h, w = light.shape
    assert light[int(0.45 * h) : int(0.55 * h), w // 2 - h // 20 : w // 2 + h // 20].mean() > 20
    assert light[: h // 20].mean() < 20


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((0, 100), "width: 0 is outside 64 to 8192"),
        ((63, 64), "width: 63 is outside 64 to 8192"),
        ((8193, 100), "width: 8193 is outside 64 to 8192"),
        ((100.5, 100), "width: expected an integer from 64 to 8192, got 100.5"),
        ((True, 100), "width: expected an integer from 64 to 8192, got True"),
    ],
)
def test_impossible_sizes_are_refused(engine: EmbeddedEngine, wall: Wall, size: Any, reason: str) -> None:
    with pytest.raises(EngineError) as refused:
        engine.resize(*size)
    assert str(refused.value) == reason
    assert engine.draw(wall.now).pixels.shape == (180, 320, 4)


def test_names_and_lines_can_be_switched(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.set_camera(
        {"Anchor": "Sun", "ReferenceFrame": "ICRF", "Position": [0, -3e11, 3e11], "Up": [0, 0, 1]}, wall.now
    )
    engine.show(orbits=False, labels=False)
    bare = engine.draw(wall.now)
    for part in ("orbits", "labels", "constellations"):
        engine.show(**{part: True})
        assert not np.array_equal(engine.draw(wall.now).pixels, bare.pixels)
        engine.show(**{part: False})
        assert np.array_equal(engine.draw(wall.now).pixels, bare.pixels)


def test_the_sun_from_afar_is_brightest_in_its_middle(engine: EmbeddedEngine, wall: Wall) -> None:
    engine.show(orbits=False, labels=False)
    position = [0, -1.5e11, 0.5e11]
    camera = {"Anchor": "Sun", "ReferenceFrame": "ICRF", "Position": position, "Up": [0, 0, 1]}
    light = engine.still(wall.now, (640, 360), camera=camera).pixels[..., :3].astype(int).sum(axis=2)
    row, column = np.unravel_index(light.argmax(), light.shape)
    assert light.max() > 600
    assert max(abs(row - 179.5), abs(column - 319.5)) < 2


def test_close_is_safe_twice_and_after_nothing() -> None:
    fresh = EmbeddedEngine()
    fresh.close()
    fresh.open(64, 64)
    fresh.close()
    fresh.close()
    with pytest.raises(EngineError, match="not open"):
        fresh.draw(0.0)
    fresh.open(64, 64)
    assert fresh.draw(0.0).id == 1
    fresh.close()


def test_it_says_what_draws(engine: EmbeddedEngine) -> None:
    description = engine.describe()
    assert description["engine"] == "embedded"
    assert description["renderer"]
    assert isinstance(description["gpu"], bool)
    assert {target.identifier for target in engine.targets()} >= {"Sun", "Earth", "Moon", "Saturn"}


def test_probing_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    found = probe()
    assert found.problem == ""
    assert found.pipe
    assert capfd.readouterr() == ("", "")


def test_a_missing_libx11_is_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "_loads", lambda library: False)
    monkeypatch.setattr(pipe.sys, "platform", "linux")
    assert probe() == Probe("", "", False, probe().problem)
    assert "sudo apt-get install libx11-6" in probe().problem
    with pytest.raises(EngineError, match="dnf install libX11"):
        EmbeddedEngine().open(64, 64)
