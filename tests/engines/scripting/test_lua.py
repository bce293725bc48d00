"""The sandbox, and the openspace library against a fake engine; no server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openspace_server.engines.scripting.program import Program, lua_literal
from openspace_server.engines.scripting.sandbox import LuaError
from tests.engines.fake_engine import FakeSceneEngine


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    engine = FakeSceneEngine()
    engine.open(64, 36)
    program = Program(engine, tmp_path).at(100.0)
    yield program
    program.close()


def lua(program: Program, script: str) -> Any:
    """The first value a script returns."""
    values = program.run_script(script)
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
def test_what_reaches_outside_is_gone(program: Program, name: str) -> None:
    assert lua(program, f"return {name} == nil") is True


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
def test_a_script_that_runs_away_is_ended_and_the_next_one_runs(program: Program, script: str) -> None:
    started = time.monotonic()
    with pytest.raises(LuaError):
        program.run_script(script)
    assert time.monotonic() - started < 10
    assert lua(program, "return 1 + 1") == 2


def test_memory_that_scripts_hold_on_to_is_given_back(program: Program) -> None:
    for _ in range(3):
        with pytest.raises(LuaError):
            program.run_script("kept = kept or {} while true do kept[#kept + 1] = string.rep('x', 1000) .. #kept end")
    assert lua(program, "return string.rep('x', 10000000):len()") == 10_000_000


def test_globals_stay_from_script_to_script(program: Program) -> None:
    program.run_script("count = 5")
    assert lua(program, "return count") == 5


def test_functions_cannot_leave_and_errors_are_text(program: Program) -> None:
    with pytest.raises(LuaError, match="a function cannot leave Lua"):
        program.run_script("return print")
    with pytest.raises(LuaError, match="nested more than"):
        program.run_script("local t = {} t.t = t return t")
    with pytest.raises(LuaError, match="line one"):
        program.run_script("error('line one')")


def test_what_we_do_not_have_says_so_with_the_near_name(program: Program) -> None:
    with pytest.raises(LuaError, match=r"openspace\.iswa\.addCygnet is not available in this engine"):
        program.run_script("openspace.iswa.addCygnet(1)")
    with pytest.raises(LuaError, match=r"did you mean openspace\.navigation\.flyTo"):
        program.run_script("openspace.navigation.flyTu('Mars')")
    with pytest.raises(LuaError, match="did you mean Mars"):
        program.run_script("openspace.navigation.flyTo('Marsh')")


def test_wrong_arguments_are_named(program: Program) -> None:
    with pytest.raises(LuaError, match="argument deltaTime must be a Number, got 'fast'"):
        program.run_script("openspace.time.setDeltaTime('fast')")
    with pytest.raises(LuaError, match="takes 1 arguments, got 0"):
        program.run_script("openspace.time.setDeltaTime()")


def test_times_go_both_ways(program: Program) -> None:
    assert lua(
        program, "openspace.time.setTime('2000-01-01T12:00:00') return openspace.time.currentTime()"
    ) == pytest.approx(64.184)
    assert lua(program, "openspace.time.setTime(64.184) return openspace.time.UTC()") == "2000-01-01T12:00:00.000"
    assert (
        lua(program, "openspace.time.setTime('2020 FEB 29 01:02:03') return openspace.time.SPICE()")
        == "2020 FEB 29 01:02:03.000"
    )
    assert lua(program, "return openspace.time.advancedTime('2020-01-01T00:00:00', '1d')") == "2020-01-02T00:00:00.000"
    assert lua(
        program, "return openspace.time.duration('2016-12-31T23:59:59', '2017-01-01T00:00:00')"
    ) == pytest.approx(2)
    with pytest.raises(LuaError, match="not a time"):
        program.run_script("openspace.time.setTime('soon')")


def test_delta_time_steps_are_walked(program: Program) -> None:
    assert (
        lua(
            program,
            "openspace.time.setDeltaTimeSteps({1, 60, 3600}) openspace.time.setNextDeltaTimeStep() "
            "return openspace.time.deltaTime()",
        )
        == 60
    )
    program.run_script("openspace.time.setPreviousDeltaTimeStep() openspace.time.setPreviousDeltaTimeStep()")
    assert program.engine.rate == -1


def test_time_and_rate_move_smoothly(program: Program) -> None:
    program.run_script("openspace.time.interpolateTime('2026-08-13T17:45:00', 2)")
    program.advance(101.0)
    assert program.time.iso == "2026-08-13T05:45:00.000"
    program.advance(102.0)
    assert program.time.iso == "2026-08-13T17:45:00.000"
    assert not program.time.running
    program.run_script("openspace.time.setPause(false) openspace.time.interpolatePause(true, 1)")
    program.advance(102.5)
    assert 0 < program.engine.rate < 1
    program.advance(103.0)
    assert program.engine.paused
    assert program.engine.rate == 1


def test_a_property_moves_with_its_easing_and_runs_the_postscript(program: Program) -> None:
    uri = "Scene.Earth.Renderable.Opacity"
    program.run_script(f"openspace.setPropertyValueSingle('{uri}', 0, 2, 'QuadraticEaseIn', 'done = true')")
    program.advance(101.0)
    assert lua(program, f"return openspace.propertyValue('{uri}')") == pytest.approx(0.75)
    program.advance(102.0)
    assert lua(program, f"return openspace.propertyValue('{uri}'), done") == 0
    assert lua(program, "return done") is True
    assert ("InterpolationFinished", uri) in [(e.type, e.parameters.get("Property")) for e in program.events.collect()]
    with pytest.raises(LuaError, match="QuadraticEaseOut"):
        program.run_script(f"openspace.setPropertyValueSingle('{uri}', 0, 2, 'QuadraticEasOut')")


def test_patterns_and_tags_reach_many_properties(program: Program) -> None:
    program.run_script("openspace.setPropertyValue('{planet_solarSystem}.Scale.Scale', 3)")
    scales = {name: program.tree.get(f"Scene.{name}.Scale.Scale").value for name in ("Earth", "Mars", "Sun", "Moon")}
    assert scales == {"Earth": 3, "Mars": 3, "Sun": 1, "Moon": 1}
    program.run_script("openspace.setPropertyValue('{planet_solarSystem|moon_solarSystem}.Renderable.Enabled', false)")
    assert program.tree.get("Scene.Moon.Renderable.Enabled").value is False
    assert len(lua(program, "return openspace.property('Scene.*.Renderable.Enabled')")) == len(program.engine.bodies)
    with pytest.raises(LuaError, match=r"did you mean Scene\.Earth\.Scale\.Scale"):
        program.run_script("openspace.setPropertyValueSingle('Scene.Earth.Scale.Scala', 1)")


def test_fading_out_disables_at_the_end_and_fading_in_enables_first(program: Program) -> None:
    program.run_script("openspace.fadeOut('Scene.Earth.Renderable', 1)")
    program.advance(100.5)
    assert program.tree.get("Scene.Earth.Renderable.Fade").value == pytest.approx(0.5)
    assert program.tree.get("Scene.Earth.Renderable.Enabled").value is True
    program.advance(101.0)
    assert program.tree.get("Scene.Earth.Renderable.Enabled").value is False
    program.run_script("openspace.fadeIn('Scene.Earth.Renderable', 1)")
    assert program.tree.get("Scene.Earth.Renderable.Enabled").value is True
    program.advance(102.0)
    assert program.tree.get("Scene.Earth.Renderable.Fade").value == 1


def test_the_camera_goes_where_it_is_told(program: Program) -> None:
    program.run_script("openspace.navigation.setNavigationState({Anchor = 'Mars', Position = {1e7, 2e7, 3e7}})")
    state = lua(program, "return openspace.navigation.getNavigationState()")
    assert (state["Anchor"], state["Position"]) == ("Mars", [1e7, 2e7, 3e7])
    assert state["Timestamp"] == "2026 AUG 12 17:45:00.000"
    program.run_script("openspace.navigation.saveNavigationState('here')")
    program.run_script("openspace.navigation.jumpTo('Earth') openspace.navigation.loadNavigationState('here')")
    assert program.engine.focus == "Mars"
    program.run_script("openspace.navigation.jumpToGeo('Earth', 40, -70, 1000)")
    assert program.run_script("return openspace.globebrowsing.geoPositionForCamera()") == pytest.approx([40, -70, 1000])
    program.run_script("openspace.navigation.flyTo('Mars', 2)")
    assert lua(program, "return openspace.navigation.isFlying()") is True
    program.run_script("openspace.pathnavigation.skipToEnd()")
    assert program.engine.focus == "Mars"
    program.run_script("openspace.navigation.addLocalRotation(0.1, 0.2)")
    assert program.engine.nudges[-1] == {"panX": 0.1, "panY": 0.2}  # type: ignore[attr-defined]
    for wrong in (
        "{Position = {1, 2, 3}}",
        "{Anchor = 'Mars', Position = {1, 2}}",
        "{Anchor = 'Mars', Position = {1, 2, 3}, Jaw = 1}",
    ):
        with pytest.raises(LuaError, match="navigation"):
            program.run_script(f"openspace.navigation.setNavigationState({wrong})")


def test_nodes_come_and_go(program: Program) -> None:
    program.run_script(
        "openspace.addSceneGraphNode({Identifier = 'P', "
        "Renderable = {Type = 'RenderablePointCloud', File = '${TEMPORARY}/p.csv'}})"
    )
    assert lua(program, "return openspace.hasSceneGraphNode('P')") is True
    with pytest.raises(LuaError, match="there already is"):
        program.run_script("openspace.addSceneGraphNode({Identifier = 'P'})")
    program.run_script("openspace.removeSceneGraphNode('P')")
    assert lua(program, "return openspace.hasSceneGraphNode('P')") is False
    kinds = {event.type for event in program.events.collect()}
    assert {"PropertyTreeUpdated", "PropertyTreePruned"} <= kinds


def test_actions_run_by_hand_and_by_event(program: Program) -> None:
    program.run_script("openspace.action.registerAction({Identifier = 'a', Command = 'seen = args.NewNode or args.x'})")
    program.run_script("openspace.action.triggerAction('a', {x = 'by hand'})")
    program.advance(100.1)
    assert lua(program, "return seen") == "by hand"
    program.run_script("openspace.event.registerEventAction('FocusNodeChanged', 'a', {NewNode = 'Mars'})")
    program.run_script("openspace.navigation.setFocus('Moon')")
    program.advance(100.2)
    program.run_script("openspace.navigation.setFocus('Mars')")
    program.advance(100.3)
    program.advance(100.4)
    assert lua(program, "return seen") == "Mars"
    assert program.tree.get("NavigationHandler.OrbitalNavigator.Anchor").value == "Mars"


def test_the_anchor_property_moves_the_camera(program: Program) -> None:
    program.set_property("NavigationHandler.OrbitalNavigator.Anchor", "Moon")
    assert program.engine.focus == "Moon"


def test_assets_are_the_built_in_ones(program: Program) -> None:
    assert lua(program, "return openspace.asset.isLoaded('constellations')") is False
    program.run_script("openspace.asset.add('constellations')")
    assert "constellations" in lua(program, "return openspace.asset.allAssets()")
    with pytest.raises(LuaError, match="not one of the built-in assets"):
        program.run_script("openspace.asset.add('scene/milkyway/gaia')")


def test_screenshots_are_numbered_files(program: Program, tmp_path: Path) -> None:
    program.engine.draw(100.0)
    assert program.run_script("return openspace.takeScreenshot(), openspace.takeScreenshot()") == [0, 1]
    import cv2

    picture = cv2.imread(str(tmp_path / "screenshots" / "OpenSpace_000001.png"))
    assert picture.shape == (36, 64, 3)
    assert tuple(picture[0, 0]) == (30, 60, 90)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x", "${USER}/../../x"])
def test_scripts_write_nowhere_else(program: Program, path: str) -> None:
    for script in (
        f"openspace.navigation.saveNavigationState('{path}')",
        f"openspace.setScreenshotFolder('{path}')",
        f"openspace.sessionRecording.startPlayback('{path}')",
    ):
        with pytest.raises(LuaError, match="scripts can only use files below"):
            program.run_script(script)


def test_python_values_become_lua_source(program: Program) -> None:
    value = {"a": [1, 2.5, True, None, 'q"\\\n\x00é'], "b": {"c": -1e300}}
    assert lua(program, f"return {lua_literal(value)}") == {
        "a": {"1": 1, "2": 2.5, "3": True, "5": 'q"\\\n\x00é'},
        "b": {"c": -1e300},
    }
