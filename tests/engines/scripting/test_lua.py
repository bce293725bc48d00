"""The sandbox, and the openspace library against a fake engine; no server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openspace_server.engines.scripting.sandbox import LuaError
from openspace_server.engines.scripting.script_host import ScriptHost, lua_literal
from tests.engines.fake_engine import FakeSceneEngine


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ScriptHost]:
    engine = FakeSceneEngine()
    engine.open(64, 36)
    host = ScriptHost(engine, tmp_path).at(100.0)
    yield host
    host.close()


def lua(host: ScriptHost, script: str) -> Any:
    """The first value a script returns."""
    values = host.run_script(script)
    return values[0] if values else None


@pytest.mark.parametrize(
    "name",
    [
        "io",
        "os",
        "package",
        "require",
        "debug",
        "dofile",
        "loadfile",
        "python",
        "collectgarbage",
        "string.dump",
        "ffi",
        "jit",
    ],
)
def test_what_reaches_outside_is_gone(host: ScriptHost, name: str) -> None:
    assert lua(host, f"return {name} == nil") is True


@pytest.mark.parametrize(
    "script",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do pcall(coroutine.wrap(function() while true do end end)) end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "local t <close> = setmetatable({}, {__close = function() while true do end end})",
        "string.find(string.rep('a', 40), string.rep('a?', 40) .. string.rep('a', 40))",
        "return ('x'):rep(1e9)",
        "local t = {} while true do t = {t} end",
        "local function f() return 1 + f() end f()",
        "table.move({}, 1, 1e15, 2)",
        "table.concat(setmetatable({}, {__index = rawlen}), '', 1, 1e18)",
        "setmetatable({}, {__gc = function() while true do end end})",
        "load('\\27Lua')()",
        "while true do openspace.propertyValue('Scene.Earth.Scale.Scale') end",
        "coroutine.yield()",
    ],
)
def test_a_script_that_runs_away_is_ended_and_the_next_one_runs(host: ScriptHost, script: str) -> None:
    started = time.monotonic()
    with pytest.raises(LuaError):
        host.run_script(script)
    assert time.monotonic() - started < 10
    assert lua(host, "return 1 + 1") == 2


@pytest.mark.slow
def test_memory_that_scripts_hold_on_to_is_given_back(host: ScriptHost) -> None:
    for _ in range(3):
        with pytest.raises(LuaError):
            host.run_script("kept = kept or {} while true do kept[#kept + 1] = string.rep('x', 1000) .. #kept end")
    assert lua(host, "return string.rep('x', 10000000):len()") == 10_000_000


def test_globals_stay_from_script_to_script(host: ScriptHost) -> None:
    host.run_script("count = 5")
    assert lua(host, "return count") == 5


def test_functions_cannot_leave_and_errors_are_text(host: ScriptHost) -> None:
    with pytest.raises(LuaError, match="a function cannot leave Lua"):
        host.run_script("return print")
    with pytest.raises(LuaError, match="nested more than"):
        host.run_script("local t = {} t.t = t return t")
    with pytest.raises(LuaError, match="line one"):
        host.run_script("error('line one')")


def test_what_we_do_not_have_says_so_with_the_near_name(host: ScriptHost) -> None:
    with pytest.raises(LuaError, match=r"openspace\.iswa\.addCygnet is not available in this engine"):
        host.run_script("openspace.iswa.addCygnet(1)")
    with pytest.raises(LuaError, match=r"did you mean openspace\.navigation\.flyTo"):
        host.run_script("openspace.navigation.flyTu('Mars')")
    with pytest.raises(LuaError, match="did you mean Mars"):
        host.run_script("openspace.navigation.flyTo('Marsh')")


def test_wrong_arguments_are_named(host: ScriptHost) -> None:
    with pytest.raises(LuaError, match="argument deltaTime must be a Number, got 'fast'"):
        host.run_script("openspace.time.setDeltaTime('fast')")
    with pytest.raises(LuaError, match="takes 1 arguments, got 0"):
        host.run_script("openspace.time.setDeltaTime()")


def test_times_go_both_ways(host: ScriptHost) -> None:
    assert lua(
        host, "openspace.time.setTime('2000-01-01T12:00:00') return openspace.time.currentTime()"
    ) == pytest.approx(64.184)
    assert lua(host, "openspace.time.setTime(64.184) return openspace.time.UTC()") == "2000-01-01T12:00:00.000"
    assert (
        lua(host, "openspace.time.setTime('2020 FEB 29 01:02:03') return openspace.time.SPICE()")
        == "2020 FEB 29 01:02:03.000"
    )
    assert lua(host, "return openspace.time.advancedTime('2020-01-01T00:00:00', '1d')") == "2020-01-02T00:00:00.000"
    assert lua(host, "return openspace.time.duration('2016-12-31T23:59:59', '2017-01-01T00:00:00')") == pytest.approx(2)
    with pytest.raises(LuaError, match="not a time"):
        host.run_script("openspace.time.setTime('soon')")


def test_delta_time_steps_are_walked(host: ScriptHost) -> None:
    assert (
        lua(
            host,
            "openspace.time.setDeltaTimeSteps({1, 60, 3600}) openspace.time.setNextDeltaTimeStep() "
            "return openspace.time.deltaTime()",
        )
        == 60
    )
    host.run_script("openspace.time.setPreviousDeltaTimeStep() openspace.time.setPreviousDeltaTimeStep()")
    assert host.engine.rate == -1


def test_time_and_rate_move_smoothly(host: ScriptHost) -> None:
    host.run_script("openspace.time.interpolateTime('2026-08-13T17:45:00', 2)")
    host.advance(101.0)
    assert host.time.iso == "2026-08-13T05:45:00.000"
    host.advance(102.0)
    assert host.time.iso == "2026-08-13T17:45:00.000"
    assert not host.time.running
    host.run_script("openspace.time.setPause(false) openspace.time.interpolatePause(true, 1)")
    host.advance(102.5)
    assert 0 < host.engine.rate < 1
    host.advance(103.0)
    assert host.engine.paused
    assert host.engine.rate == 1


def test_a_property_moves_with_its_easing_and_runs_the_postscript(host: ScriptHost) -> None:
    uri = "Scene.Earth.Renderable.Opacity"
    host.run_script(f"openspace.setPropertyValueSingle('{uri}', 0, 2, 'QuadraticEaseIn', 'done = true')")
    host.advance(101.0)
    assert lua(host, f"return openspace.propertyValue('{uri}')") == pytest.approx(0.75)
    host.advance(102.0)
    assert lua(host, f"return openspace.propertyValue('{uri}'), done") == 0
    assert lua(host, "return done") is True
    assert ("InterpolationFinished", uri) in [(e.type, e.parameters.get("Property")) for e in host.events.collect()]
    with pytest.raises(LuaError, match="QuadraticEaseOut"):
        host.run_script(f"openspace.setPropertyValueSingle('{uri}', 0, 2, 'QuadraticEasOut')")


def test_patterns_and_tags_reach_many_properties(host: ScriptHost) -> None:
    host.run_script("openspace.setPropertyValue('{planet_solarSystem}.Scale.Scale', 3)")
    scales = {name: host.tree.get(f"Scene.{name}.Scale.Scale").value for name in ("Earth", "Mars", "Sun", "Moon")}
    assert scales == {"Earth": 3, "Mars": 3, "Sun": 1, "Moon": 1}
    host.run_script("openspace.setPropertyValue('{planet_solarSystem|moon_solarSystem}.Renderable.Enabled', false)")
    assert host.tree.get("Scene.Moon.Renderable.Enabled").value is False
    assert len(lua(host, "return openspace.property('Scene.*.Renderable.Enabled')")) == len(host.engine.bodies)
    with pytest.raises(LuaError, match=r"did you mean Scene\.Earth\.Scale\.Scale"):
        host.run_script("openspace.setPropertyValueSingle('Scene.Earth.Scale.Scala', 1)")


def test_fading_out_disables_at_the_end_and_fading_in_enables_first(host: ScriptHost) -> None:
    host.run_script("openspace.fadeOut('Scene.Earth.Renderable', 1)")
    host.advance(100.5)
    assert host.tree.get("Scene.Earth.Renderable.Fade").value == pytest.approx(0.5)
    assert host.tree.get("Scene.Earth.Renderable.Enabled").value is True
    host.advance(101.0)
    assert host.tree.get("Scene.Earth.Renderable.Enabled").value is False
    host.run_script("openspace.fadeIn('Scene.Earth.Renderable', 1)")
    assert host.tree.get("Scene.Earth.Renderable.Enabled").value is True
    host.advance(102.0)
    assert host.tree.get("Scene.Earth.Renderable.Fade").value == 1


def test_the_camera_goes_where_it_is_sent(host: ScriptHost) -> None:
    host.run_script("openspace.navigation.setNavigationState({Anchor = 'Mars', Position = {1e7, 2e7, 3e7}})")
    state = lua(host, "return openspace.navigation.getNavigationState()")
    assert (state["Anchor"], state["Position"]) == ("Mars", [1e7, 2e7, 3e7])
    assert state["Timestamp"] == "2026 AUG 12 17:45:00.000"
    host.run_script("openspace.navigation.saveNavigationState('here')")
    host.run_script("openspace.navigation.jumpTo('Earth') openspace.navigation.loadNavigationState('here')")
    assert host.engine.focus == "Mars"
    host.run_script("openspace.navigation.jumpToGeo('Earth', 40, -70, 1000)")
    assert host.run_script("return openspace.globebrowsing.geoPositionForCamera()") == pytest.approx([40, -70, 1000])
    host.run_script("openspace.navigation.flyTo('Mars', 2)")
    assert lua(host, "return openspace.navigation.isFlying()") is True
    host.run_script("openspace.pathnavigation.skipToEnd()")
    assert host.engine.focus == "Mars"
    host.run_script("openspace.navigation.addLocalRotation(0.1, 0.2)")
    assert host.engine.nudges[-1] == {"panX": 0.1, "panY": 0.2}  # type: ignore[attr-defined]
    for wrong in (
        "{Position = {1, 2, 3}}",
        "{Anchor = 'Mars', Position = {1, 2}}",
        "{Anchor = 'Mars', Position = {1, 2, 3}, Jaw = 1}",
    ):
        with pytest.raises(LuaError, match="navigation"):
            host.run_script(f"openspace.navigation.setNavigationState({wrong})")


def test_nodes_come_and_go(host: ScriptHost) -> None:
    host.run_script(
        "openspace.addSceneGraphNode({Identifier = 'P', "
        "Renderable = {Type = 'RenderablePointCloud', File = '${TEMPORARY}/p.csv'}})"
    )
    assert lua(host, "return openspace.hasSceneGraphNode('P')") is True
    with pytest.raises(LuaError, match="there already is"):
        host.run_script("openspace.addSceneGraphNode({Identifier = 'P'})")
    host.run_script("openspace.removeSceneGraphNode('P')")
    assert lua(host, "return openspace.hasSceneGraphNode('P')") is False
    kinds = {event.type for event in host.events.collect()}
    assert {"PropertyTreeUpdated", "PropertyTreePruned"} <= kinds


def test_actions_run_by_hand_and_by_event(host: ScriptHost) -> None:
    host.run_script("openspace.action.registerAction({Identifier = 'a', Command = 'seen = args.NewNode or args.x'})")
    host.run_script("openspace.action.triggerAction('a', {x = 'by hand'})")
    host.advance(100.1)
    assert lua(host, "return seen") == "by hand"
    host.run_script("openspace.event.registerEventAction('FocusNodeChanged', 'a', {NewNode = 'Mars'})")
    host.run_script("openspace.navigation.setFocus('Moon')")
    host.advance(100.2)
    host.run_script("openspace.navigation.setFocus('Mars')")
    host.advance(100.3)
    host.advance(100.4)
    assert lua(host, "return seen") == "Mars"
    assert host.tree.get("NavigationHandler.OrbitalNavigator.Anchor").value == "Mars"


def test_the_anchor_property_moves_the_camera(host: ScriptHost) -> None:
    host.set_property("NavigationHandler.OrbitalNavigator.Anchor", "Moon")
    assert host.engine.focus == "Moon"


def test_assets_are_the_built_in_ones(host: ScriptHost) -> None:
    assert lua(host, "return openspace.asset.isLoaded('constellations')") is False
    host.run_script("openspace.asset.add('constellations')")
    assert "constellations" in lua(host, "return openspace.asset.allAssets()")
    with pytest.raises(LuaError, match="not one of the built-in assets"):
        host.run_script("openspace.asset.add('scene/milkyway/gaia')")


def test_screenshots_are_numbered_files(host: ScriptHost, tmp_path: Path) -> None:
    host.engine.draw(100.0)
    assert host.run_script("return openspace.takeScreenshot(), openspace.takeScreenshot()") == [0, 1]
    import cv2

    pixels = cv2.imread(str(tmp_path / "screenshots" / "OpenSpace_000001.png"))
    assert pixels.shape == (36, 64, 3)
    assert tuple(pixels[0, 0]) == (30, 60, 90)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x", "${USER}/../../x"])
def test_scripts_write_nowhere_else(host: ScriptHost, path: str) -> None:
    for script in (
        f"openspace.navigation.saveNavigationState('{path}')",
        f"openspace.setScreenshotFolder('{path}')",
        f"openspace.sessionRecording.startPlayback('{path}')",
    ):
        with pytest.raises(LuaError, match="scripts can only use files below"):
            host.run_script(script)


def test_python_values_become_lua_source(host: ScriptHost) -> None:
    value = {"a": [1, 2.5, True, None, 'q"\\\n\x00é'], "b": {"c": -1e300}}
    assert lua(host, f"return {lua_literal(value)}") == {
        "a": {"1": 1, "2": 2.5, "3": True, "5": 'q"\\\n\x00é'},
        "b": {"c": -1e300},
    }


def test_a_screenshot_before_the_first_frame_is_refused(host: ScriptHost) -> None:
    with pytest.raises(LuaError) as refused:
        host.run_script("openspace.takeScreenshot()")
    assert str(refused.value) == "script:1: openspace.takeScreenshot: no frame has been drawn yet"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "openspace.navigation.flyToGeo('Earth', 95, 0, 1000)",
            "openspace.navigation.flyToGeo: a latitude is -90 to 90 degrees, a longitude finite; got 95, 0",
        ),
        (
            "openspace.navigation.flyToHeight('Earth', 1000, -1)",
            "openspace.navigation.flyToHeight: a duration is 0 to 100000 seconds, not -1",
        ),
        (
            "openspace.time.interpolateTime('2026-01-01', 1e6)",
            "openspace.time.interpolateTime: a duration is 0 to 100000 seconds, not 1e+06",
        ),
    ],
)
def test_impossible_positions_and_durations_are_refused(host: ScriptHost, script: str, reason: str) -> None:
    with pytest.raises(LuaError) as refused:
        host.run_script(script)
    assert str(refused.value) == f"script:1: {reason}"
