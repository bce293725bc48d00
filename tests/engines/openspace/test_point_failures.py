"""What OpenSpace's log says of a node of points is raised, and what was shown before stays. All releases: the older
one's log is its console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import numpy as np
import pytest

from openspace_server.engines.base import EngineError, UnknownTarget
from openspace_server.engines.openspace import OpenSpaceEngine
from openspace_server.engines.openspace.api.client import ANCHOR_URI
from openspace_server.engines.openspace.api.lua import Scripts
from openspace_server.engines.openspace.points import node_table
from openspace_server.engines.openspace.points import nodes as point_nodes
from openspace_server.engines.openspace.points.lua import NodeState, addition, query_node_state, restoration, setting
from openspace_server.engines.openspace.points.mixin import MOST_POINTS
from openspace_server.engines.point_engine import Completion
from tests.engines.openspace.conftest import Install
from tests.engines.openspace.test_engine import RELEASES, draw_until, now, opened

POSITIONS = np.random.default_rng(1).normal(scale=3e10, size=(2000, 3)).astype("f4")
VALUES = {"values": POSITIONS[:, 0]}
RANGE = "Scene.dust.Renderable.Coloring.ColorMapping.ValueRange"
MAPPING = {"Parameter": "values", "Colors": [[1, 0, 0], [0, 0, 1]], "ValueRange": [-1, 1]}


def table(identifier: str = "dust", parent: str = "Sun", **renderable: Any) -> dict[str, Any]:
    renderable = {"Type": "RenderablePointCloud", "Unit": "m", "SizeSettings": {"MaxSize": 3}, **renderable}
    return {"Identifier": identifier, "Parent": parent, "Renderable": renderable}


def done(shown: Completion) -> None:
    """Wait for it. Raises what it raises."""
    assert shown is not None
    shown.result(30)


def count(engine: OpenSpaceEngine, identifier: str = "dust") -> Any:
    return engine._navigation._scripts.call("propertyValue", f"Scene.{identifier}.Renderable.NumberOfDataPoints")


def points_folder(engine: OpenSpaceEngine) -> Path:
    assert engine._folder is not None
    return engine._folder.points


@pytest.mark.process
@pytest.mark.parametrize("release", RELEASES)
def test_what_the_log_says_is_raised_and_what_was_there_stays(
    release: str, installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(release)
    written = point_nodes.write_points
    with opened() as engine:
        done(engine.add_points(table(Coloring={"ColorMapping": MAPPING}), POSITIONS, VALUES))
        looks = {"visible": False, "opacity": 0.25, "size": 9.0, "color": [1.0, 0.0, 0.0]}
        done(engine.style_points("dust", looks))
        engine._navigation._scripts.call("setPropertyValueSingle", RANGE, [-5, 7])
        kept = sorted(points_folder(engine).iterdir())

        def headless(file: Path, positions: np.ndarray, values: np.ndarray | None = None) -> None:
            written(file, positions, values)
            file.write_text(file.read_text().replace("x,y,z", "a,b,c"))

        def lost(file: Path, positions: np.ndarray, values: np.ndarray | None = None) -> None:
            """Somebody deletes it before OpenSpace reads it."""

        def short(file: Path, positions: np.ndarray, values: np.ndarray | None = None) -> None:
            written(file, positions[:-1], None if values is None else values[:-1])

        for broken, reason in (
            (headless, "cannot show the points: Error loading data file '.*'. Missing X, Y or Z position column"),
            (lost, "cannot show the points: .*Failed to open data file"),
            (short, "cannot show the points: it has read 1999 of 2000 points"),
        ):
            monkeypatch.setattr(point_nodes, "write_points", broken)
            with pytest.raises(EngineError, match=reason):
                done(engine.update_points("dust", POSITIONS * 2))
            assert engine.point_style("dust") == looks
            assert engine._navigation._scripts.call("propertyValue", RANGE) == [-5, 7]
            with pytest.raises(EngineError, match=reason):
                done(engine.add_points(table("other"), POSITIONS, {}))
            assert (engine.has_points("dust"), engine.has_points("other")) == (True, False)
            assert count(engine) == len(POSITIONS)
            assert "other" not in engine._navigation.nodes()
            assert sorted(points_folder(engine).iterdir()) == kept

        def meanwhile(file: Path, positions: np.ndarray, values: np.ndarray | None = None) -> None:
            """Somebody else asks for what there is not."""
            written(file, positions, values)
            script = {"script": 'openspace.setPropertyValueSingle("Scene.Nobody.Fade", 1)', "return": False}
            engine._connected().start("luascript", script, lambda answer: None)

        monkeypatch.setattr(point_nodes, "write_points", meanwhile)
        done(engine.update_points("dust", POSITIONS[:77], {"values": POSITIONS[:77, 0]}))
        assert count(engine) == 77


@pytest.mark.process
def test_what_fails_within_leaves_no_file_and_no_other_node(
    installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    with opened() as engine:
        done(engine.add_points(table(), POSITIONS, {}))
        done(engine.style_points("dust", {"opacity": 0.25}))
        kept = sorted(points_folder(engine).iterdir())

        def broken(*arguments: Any) -> Any:
            raise TypeError("not a number")

        def unread(self: Scripts, about: Any = None) -> list[str]:
            """Broken when the log is asked of the new files, which OpenSpace shows by then."""
            return broken() if any(name.endswith(".csv") for name in about or ()) else []

        for where, name, instead in (
            (node_table, "table_of", broken),
            (point_nodes, "write_color_map", broken),
            (Scripts, "problems", unread),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(where, name, instead)
                with pytest.raises(EngineError, match="internal error"):
                    done(engine.update_points("dust", POSITIONS[:50], {"values": POSITIONS[:50, 0]}))
            assert sorted(points_folder(engine).iterdir()) == kept
            assert count(engine) == len(POSITIONS)
            assert engine.point_style("dust")["opacity"] == 0.25
        monkeypatch.setattr(point_nodes, "value_of", lambda identifier, name: "nil")
        with pytest.raises(EngineError, match="it has read 0 of 50 points"):
            done(engine.update_points("dust", POSITIONS[:50]))
        assert sorted(points_folder(engine).iterdir()) == kept


@pytest.mark.process
def test_points_whose_node_was_removed_from_outside_come_back_as_they_looked(installed: Install) -> None:
    installed()
    with opened() as engine:
        done(engine.add_points(table(), POSITIONS, {}))
        looks = {"visible": False, "opacity": 0.25, "size": 9.0, "color": [1.0, 0.0, 0.0]}
        done(engine.style_points("dust", looks))
        engine._navigation._scripts.call("removeSceneGraphNode", "dust")
        assert engine.point_style("dust") == {}
        with pytest.raises(EngineError, match=r"Scene\.dust\.Renderable\.Opacity"):
            done(engine.style_points("dust", {"opacity": 0.5}))
        done(engine.update_points("dust", POSITIONS[:50]))
        assert engine.point_style("dust") == looks
        engine._navigation._scripts.call("removeSceneGraphNode", "dust")
        done(engine.remove_points("dust"))
        assert not list(points_folder(engine).iterdir())


@pytest.mark.process
@pytest.mark.parametrize("release", RELEASES)
def test_errors_of_other_clients_scripts_fail_nothing(
    release: str, installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(release)
    clear_problems = Scripts.clear_problems
    bad = {"script": 'openspace.setPropertyValueSingle("Scene.Nobody.Fade", 1)', "return": False}
    with opened() as engine:

        def meanwhile(self: Scripts) -> None:
            """Somebody's bad script runs just before ours."""
            clear_problems(self)
            engine._connected().start("luascript", bad, lambda answer: None)

        monkeypatch.setattr(Scripts, "clear_problems", meanwhile)
        files = engine._files()
        done(engine.add_points(table(Coloring={"ColorMapping": MAPPING}), POSITIONS, VALUES))
        for opacity in (0.5, 0.25, 0.75):
            done(engine.style_points("dust", {"opacity": opacity}))
            assert engine.point_style("dust")["opacity"] == opacity
        done(engine.color_points("dust", MAPPING | {"Colors": [[0, 1, 0]]}))
        done(engine.remove_points("dust"))
        assert "Scene.Nobody.Fade" in files._scripts.problems()[0], "it was logged"
        monkeypatch.setattr(Scripts, "clear_problems", clear_problems)
        assert "dust" not in engine._navigation.nodes()
        assert not list(points_folder(engine).iterdir())


@pytest.mark.process
def test_points_that_openspace_does_not_remove_are_still_there(
    installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    with opened() as engine:
        done(engine.add_points(table(), POSITIONS, {}))
        monkeypatch.setattr(point_nodes, "removal", lambda identifier: "error('busy')")
        with pytest.raises(EngineError, match="busy"):
            done(engine.remove_points("dust"))
        done(engine.style_points("dust", {"opacity": 0.5}))
        monkeypatch.setattr(
            point_nodes, "removal", lambda identifier: f"openspace.removeSceneGraphNode('{identifier}') error('late')"
        )
        done(engine.remove_points("dust"))
        assert not engine.has_points("dust")


@pytest.mark.process
@pytest.mark.parametrize("release", RELEASES)
def test_a_table_that_openspace_refuses_is_reported_with_what_is_wrong_in_it(
    release: str, installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(release)
    made = node_table.table_of

    def misspelt(*arguments: Any) -> dict[str, Any]:
        found = made(*arguments)
        return {**found, "Renderable": {**found["Renderable"], "Unit": "furlong"}}

    def unknown(*arguments: Any) -> dict[str, Any]:
        found = made(*arguments)
        return {**found, "Renderable": {**found["Renderable"], "Type": "RenderablePointClout"}}

    with opened() as engine:
        for broken, reason in ((misspelt, "Error in specification.*; Unit"), (unknown, "RenderablePointClout")):
            monkeypatch.setattr(node_table, "table_of", broken)
            with pytest.raises(EngineError, match=reason):
                done(engine.add_points(table(), POSITIONS, {}))
            assert not list(points_folder(engine).iterdir())
            monkeypatch.setattr(node_table, "table_of", made)
        done(engine.add_points(table(), POSITIONS, {}))


@pytest.mark.process
def test_what_cannot_be_shown_is_refused(installed: Install) -> None:
    installed()
    with opened() as engine:
        with pytest.raises(EngineError, match=f"at most {MOST_POINTS} can be shown, not {MOST_POINTS + 1}"):
            engine.add_points(table(), np.zeros((MOST_POINTS + 1, 3), "f4"), {})
        with pytest.raises(UnknownTarget, match="'Sol'"):
            done(engine.add_points(table(parent="Sol"), POSITIONS, {}))
        with pytest.raises(UnknownTarget, match="'dust'"):
            engine.update_points("dust", POSITIONS)
        with pytest.raises(EngineError, match="no column 'mass'"):
            done(
                engine.add_points(table(Coloring={"ColorMapping": MAPPING | {"Parameter": "mass"}}), POSITIONS, VALUES)
            )
        points_folder(engine).write_text("in the way")
        with pytest.raises(EngineError, match="the file that OpenSpace reads points from cannot be written"):
            done(engine.add_points(table(), POSITIONS, {}))
        assert "dust" not in engine._navigation.nodes()


@pytest.mark.process
def test_points_that_are_not_to_be_drawn_are_left_out(installed: Install) -> None:
    installed()
    with opened() as engine:
        shown = np.arange(len(POSITIONS)) % 2 == 0
        positions = POSITIONS.copy()
        positions[2] = np.nan
        done(engine.add_points(table(), positions, VALUES, shown=shown))
        assert count(engine) == 999
        with pytest.raises(EngineError, match="there is no point to show"):
            done(engine.update_points("dust", POSITIONS, VALUES, shown=np.zeros(len(POSITIONS), bool)))


@pytest.mark.process
def test_other_colors_alone_read_no_file_again(installed: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    installed()
    with opened() as engine:
        engine.set_paused(True, now())
        done(engine.add_points(table(Coloring={"ColorMapping": MAPPING}), POSITIONS, VALUES))
        engine.set_camera({"Anchor": "Sun", "Position": [0, 0, 2e11], "Up": [0, 1, 0]}, now())
        before = engine.draw(now())
        monkeypatch.delattr(point_nodes, "write_points")
        done(engine.color_points("dust", MAPPING | {"Colors": [[0, 1, 0]], "ValueRange": [0, 2]}))
        assert engine._navigation._scripts.call("propertyValue", RANGE) == [0, 2]
        draw_until(engine, lambda frame: bool((frame.pixels != before.pixels).any()), "other colours")
        done(engine.color_points("dust", None))
        assert len(list(points_folder(engine).iterdir())) == 2


@pytest.mark.process
def test_colors_of_each_point_win_over_another_color_map(installed: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    installed()
    with opened() as engine:
        engine.set_paused(True, now())
        own = np.tile(np.array([[0, 255, 0]], np.uint8), (len(POSITIONS), 1))
        done(engine.add_points(table(Coloring={"ColorMapping": MAPPING}), POSITIONS, VALUES, colors=own))
        engine.set_camera({"Anchor": "Sun", "Position": [0, 0, 2e11], "Up": [0, 1, 0]}, now())
        before = engine.draw(now()).pixels
        files = sorted(points_folder(engine).iterdir())
        with pytest.raises(EngineError, match="no column 'mass'"):
            done(engine.color_points("dust", MAPPING | {"Parameter": "mass"}))
        done(engine.color_points("dust", MAPPING | {"Colors": [[0, 0, 1]]}))
        assert sorted(points_folder(engine).iterdir()) == files
        assert np.array_equal(engine.draw(now()).pixels, before)
        done(engine.update_points("dust", POSITIONS[:1000], {"values": POSITIONS[:1000, 0]}))
        (map,) = points_folder(engine).glob("*.cmap")
        assert map.read_text().split() == ["1", "0.000980", "0.000980", "1.000000", "1.000000"], "blue without them"


@pytest.mark.process
@pytest.mark.parametrize("step", ["ColorMapping.ValueRange", "ColorMapping.File"])
def test_colors_that_openspace_refuses_leave_those_of_before(
    step: str, installed: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    with opened() as engine:
        engine.set_paused(True, now())
        done(engine.add_points(table(Coloring={"ColorMapping": MAPPING}), POSITIONS, VALUES))
        engine._navigation._scripts.call("setPropertyValueSingle", RANGE, [-5, 7])
        engine.set_camera({"Anchor": "Sun", "Position": [0, 0, 2e11], "Up": [0, 1, 0]}, now())
        before = engine.draw(now()).pixels
        files = sorted(points_folder(engine).iterdir())
        failed: list[str] = []

        def once(identifier: str, name: str, value: Any) -> str:
            if name.endswith(step) and not failed:
                failed.append(name)
                return "error('busy')"
            return setting(identifier, name, value)

        monkeypatch.setattr(point_nodes, "setting", once)
        with pytest.raises(EngineError, match="busy"):
            done(engine.color_points("dust", MAPPING | {"Colors": [[0, 1, 0]], "ValueRange": [0, 2]}))
        assert sorted(points_folder(engine).iterdir()) == files
        assert engine._navigation._scripts.call("propertyValue", RANGE) == [-5, 7]
        file = engine._navigation._scripts.call("propertyValue", RANGE.replace("ValueRange", "File"))
        assert Path(file) in files
        assert np.array_equal(engine.draw(now()).pixels, before)


def test_the_camera_goes_on_orbiting_points_that_change() -> None:
    """The double cannot orbit points, so what OpenSpace's library does is here in Lua."""
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    lua.execute(
        """
        anchor, nodes = "dust", { dust = true }
        openspace = {
          hasSceneGraphNode = function(name) return nodes[name] or false end,
          removeSceneGraphNode = function(name) nodes[name] = nil; if anchor == name then anchor = "Root" end end,
          addSceneGraphNode = function(node) nodes[node.Identifier] = node end,
          propertyValue = function(uri) if uri == "PROBED" then return anchor end return 3 end,
          setPropertyValueSingle = function(uri, value) if uri == "PROBED" then anchor = value end end,
        }
        """.replace("PROBED", ANCHOR_URI)
    )
    node = table(Coloring={"FixedColor": [1, 1, 1]})
    lua.execute(addition(node, keep_range=False))
    assert lua.globals().anchor == "dust"
    assert lua.globals().nodes.dust.Renderable.SizeSettings.MaxSize == 3

    was = lua.execute(query_node_state("dust", mapped=False))
    assert was.anchored is True
    lua.execute('openspace.removeSceneGraphNode("dust")')
    lua.execute(restoration(node, NodeState({"Opacity": 0.25, "Coloring.FixedColor": [1, 0, 0]}, anchored=True)))
    assert lua.globals().anchor == "dust"
    assert lua.globals().nodes.dust.Renderable.Opacity == 0.25
    assert list(lua.globals().nodes.dust.Renderable.Coloring.FixedColor.values()) == [1, 0, 0]
    lua.execute("anchor = 'Earth'")
    assert lua.execute(query_node_state("dust", mapped=False)).anchored is False
    lua.execute(restoration(node, NodeState({}, anchored=False)))
    assert lua.globals().anchor == "Earth"
