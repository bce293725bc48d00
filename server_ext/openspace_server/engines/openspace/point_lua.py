"""The Lua that makes, changes and removes nodes of points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openspace_server.engines.openspace.link import PROBED
from openspace_server.engines.openspace.lua import literal

_KEPT = ("Enabled", "Opacity", "UseAdditiveBlending")
_KEPT_BELOW = {
    "Coloring": (("FixedColor", "Coloring.FixedColor"),),
    "SizeSettings": tuple((name, f"Sizing.{name}") for name in ("ScaleExponent", "ScaleFactor", "MaxSize")),
}
"""What a node had of properties that somebody may have changed, and the next one is to have."""


def _uri(identifier: str, name: str) -> str:
    return literal(f"Scene.{identifier}.Renderable.{name}")


def value_of(identifier: str, name: str) -> str:
    """The value of a property below the node's renderable."""
    return f"openspace.propertyValue({_uri(identifier, name)})"


def setting(identifier: str, name: str, value: Any) -> str:
    """A statement that sets it."""
    return f"openspace.setPropertyValueSingle({_uri(identifier, name)}, {literal(value)})"


def removal(identifier: str) -> str:
    """A statement that removes the node if there is one."""
    name = literal(identifier)
    return f"if openspace.hasSceneGraphNode({name}) then openspace.removeSceneGraphNode({name}) end"


def addition(table: Mapping[str, Any], keep_range: bool) -> str:
    """Lua that adds the node, in the place of one of that name, whose properties it takes over. One script is one
    frame: no picture is without the points. ``keep_range``: the range of values, too."""
    identifier = str(table["Identifier"])
    kept = [f"renderable.{name} = {value_of(identifier, name)}" for name in _KEPT]
    for part, names in _KEPT_BELOW.items():
        kept += [f"renderable.{part}.{name} = {value_of(identifier, uri)}" for name, uri in names]
    if keep_range:
        uri = "Coloring.ColorMapping.ValueRange"
        kept.append(f"renderable.{uri} = {value_of(identifier, uri)}")
    name, anchor = literal(identifier), literal(PROBED)
    return "\n".join(
        [
            f"local node = {literal(table)}",
            f"local renderable, anchor = node.Renderable, openspace.propertyValue({anchor})",
            f"if openspace.hasSceneGraphNode({name}) then",
            *kept,
            f"openspace.removeSceneGraphNode({name})",
            "end",
            "openspace.addSceneGraphNode(node)",
            # Removing the node that the camera orbits has sent it to the root.
            f"if anchor == {name} then openspace.setPropertyValueSingle({anchor}, {name}) end",
        ]
    )
