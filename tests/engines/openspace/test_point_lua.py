"""Lua that makes and reads nodes of points."""

from __future__ import annotations

from lupa import LuaRuntime

from openspace_server.engines.openspace.points.lua import (
    NodeState,
    query_node_state,
    read_node_state,
    removal,
    setting,
    value_of,
)


def test_properties_of_the_nodes_renderable() -> None:
    assert value_of("a", "Opacity") == 'openspace.propertyValue("Scene.a.Renderable.Opacity")'
    assert setting("a", "Opacity", 0.5) == 'openspace.setPropertyValueSingle("Scene.a.Renderable.Opacity", 0.5)'
    assert removal("a") == 'if openspace.hasSceneGraphNode("a") then openspace.removeSceneGraphNode("a") end'


def test_the_state_of_a_node_is_asked_for_in_one_script() -> None:
    lua = LuaRuntime()
    lua.execute("openspace = { hasSceneGraphNode = function(name) return name == 'a' end,"
                "propertyValue = function(uri) return uri:match('Anchor') and 'a' or uri end }")  # fmt: skip
    table = lua.execute(query_node_state("a", mapped=True))
    assert table["anchored"]
    assert table["values"]["SizeSettings.ScaleFactor"] == "Scene.a.Renderable.Sizing.ScaleFactor"
    assert table["values"]["Coloring.ColorMapping.ValueRange"] == "Scene.a.Renderable.Coloring.ColorMapping.ValueRange"
    assert lua.execute(query_node_state("b", mapped=True)) is None


def test_a_state_is_read_from_the_scripts_result() -> None:
    told = {"anchored": True, "values": {"Opacity": 0.5, "Coloring.FixedColor": {"1": 1, "2": 0, "3": 0.5}}}
    assert read_node_state(told) == NodeState({"Opacity": 0.5, "Coloring.FixedColor": [1.0, 0.0, 0.5]}, True)
    assert read_node_state(None) is None
