"""Lua scripts that make, change and remove nodes of points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openspace_server.engines.openspace.api.client import ANCHOR_URI
from openspace_server.engines.openspace.api.lua import literal, numbers

_RANGE = "Coloring.ColorMapping.ValueRange"
_STATE_PROPERTIES = {
    "Enabled": "Enabled",
    "Opacity": "Opacity",
    "UseAdditiveBlending": "UseAdditiveBlending",
    "Coloring.FixedColor": "Coloring.FixedColor",
    "SizeSettings.ScaleExponent": "Sizing.ScaleExponent",
    "SizeSettings.ScaleFactor": "Sizing.ScaleFactor",
    "SizeSettings.MaxSize": "Sizing.MaxSize",
}
"""Properties that may have been changed from outside and are carried over to the next node: field of the
renderable's table, and property."""
_MAPPED_PROPERTIES = {name: name for name in (_RANGE, "Coloring.ColorMapping.Enabled")}
"""The same for a node that has a colour map."""


@dataclass(frozen=True)
class NodeState:
    """The state of a node: values by their field of the renderable's table, and whether the camera orbits it."""

    values: Mapping[str, Any]
    anchored: bool


def _uri(identifier: str, name: str) -> str:
    return literal(f"Scene.{identifier}.Renderable.{name}")


def value_of(identifier: str, name: str) -> str:
    """An expression: the value of a property below the node's renderable."""
    return f"openspace.propertyValue({_uri(identifier, name)})"


def setting(identifier: str, name: str, value: Any) -> str:
    """A statement that sets a property below the node's renderable."""
    return f"openspace.setPropertyValueSingle({_uri(identifier, name)}, {literal(value)})"


def removal(identifier: str) -> str:
    """A statement that removes the node if there is one."""
    name = literal(identifier)
    return f"if openspace.hasSceneGraphNode({name}) then openspace.removeSceneGraphNode({name}) end"


def query_node_state(identifier: str, mapped: bool) -> str:
    """Lua that returns what :func:`read_node_state` reads. ``mapped``: the node has a colour map."""
    names = {**_STATE_PROPERTIES, **_MAPPED_PROPERTIES} if mapped else _STATE_PROPERTIES
    values = ", ".join(f"[{literal(field)}] = {value_of(identifier, uri)}" for field, uri in names.items())
    name, anchor = literal(identifier), literal(ANCHOR_URI)
    return "\n".join(
        [
            f"if openspace.hasSceneGraphNode({name}) then",
            f"return {{ anchored = openspace.propertyValue({anchor}) == {name}, values = {{ {values} }} }}",
            "end",
        ]
    )


def read_node_state(table: Any) -> NodeState | None:
    """The state from the script's result; None if there was no such node."""
    if not isinstance(table, dict):
        return None
    values = {
        field: numbers(value) if isinstance(value, list | dict) else value for field, value in table["values"].items()
    }
    return NodeState(values, bool(table["anchored"]))


def addition(table: Mapping[str, Any], keep_range: bool) -> str:
    """Lua that adds the node, replacing one of that name, whose properties it takes over. One script is one frame: no
    frame is without the points. ``keep_range``: the range of values is taken over as well."""
    identifier = str(table["Identifier"])
    names = {**_STATE_PROPERTIES, _RANGE: _RANGE} if keep_range else _STATE_PROPERTIES
    name, anchor = literal(identifier), literal(ANCHOR_URI)
    return "\n".join(
        [
            f"local node = {literal(table)}",
            f"local renderable, anchor = node.Renderable, openspace.propertyValue({anchor})",
            f"if openspace.hasSceneGraphNode({name}) then",
            *[f"renderable.{field} = {value_of(identifier, uri)}" for field, uri in names.items()],
            f"openspace.removeSceneGraphNode({name})",
            "end",
            "openspace.addSceneGraphNode(node)",
            # Removing the node that the camera orbits has sent it to the root.
            f"if anchor == {name} then openspace.setPropertyValueSingle({anchor}, {name}) end",
        ]
    )


def restoration(table: Mapping[str, Any], state: NodeState) -> str:
    """Lua that restores the node with ``state``, replacing one of that name. One script is one frame."""
    identifier = str(table["Identifier"])
    script = [
        f"local node = {literal(table)}",
        "local renderable = node.Renderable",
        *[f"renderable.{field} = {literal(value)}" for field, value in state.values.items()],
        removal(identifier),
        "openspace.addSceneGraphNode(node)",
    ]
    if state.anchored:
        script.append(f"openspace.setPropertyValueSingle({literal(ANCHOR_URI)}, {literal(identifier)})")
    return "\n".join(script)
