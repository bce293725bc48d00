"""The Lua that makes, changes and removes nodes of points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openspace_server.engines.openspace.api.client import PROBED
from openspace_server.engines.openspace.api.lua import literal, numbers

_RANGE = "Coloring.ColorMapping.ValueRange"
_KEPT = {
    "Enabled": "Enabled",
    "Opacity": "Opacity",
    "UseAdditiveBlending": "UseAdditiveBlending",
    "Coloring.FixedColor": "Coloring.FixedColor",
    "SizeSettings.ScaleExponent": "Sizing.ScaleExponent",
    "SizeSettings.ScaleFactor": "Sizing.ScaleFactor",
    "SizeSettings.MaxSize": "Sizing.MaxSize",
}
"""What a node had of properties that somebody may have changed, and the next one is to have: where the renderable's
table says it, and the property."""
_MAPPED = {name: name for name in (_RANGE, "Coloring.ColorMapping.Enabled")}
"""The same of a node that has a colour map."""


@dataclass(frozen=True)
class Kept:
    """How a node was: values by their place in the renderable's table, and whether the camera orbits it."""

    values: Mapping[str, Any]
    anchored: bool


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


def ask_kept(identifier: str, mapped: bool) -> str:
    """Lua that returns what :func:`read_kept` reads. ``mapped``: the node has a colour map."""
    names = {**_KEPT, **_MAPPED} if mapped else _KEPT
    values = ", ".join(f"[{literal(place)}] = {value_of(identifier, uri)}" for place, uri in names.items())
    name = literal(identifier)
    return "\n".join(
        [
            f"if openspace.hasSceneGraphNode({name}) then",
            f"return {{ anchored = openspace.propertyValue({literal(PROBED)}) == {name}, values = {{ {values} }} }}",
            "end",
        ]
    )


def read_kept(told: Any) -> Kept | None:
    """None if there was no such node."""
    if not isinstance(told, dict):
        return None
    values = {
        place: numbers(value) if isinstance(value, list | dict) else value for place, value in told["values"].items()
    }
    return Kept(values, bool(told["anchored"]))


def addition(table: Mapping[str, Any], keep_range: bool) -> str:
    """Lua that adds the node, in the place of one of that name, whose properties it takes over. One script is one
    frame: no picture is without the points. ``keep_range``: the range of values, too."""
    identifier = str(table["Identifier"])
    names = {**_KEPT, _RANGE: _RANGE} if keep_range else _KEPT
    name, anchor = literal(identifier), literal(PROBED)
    return "\n".join(
        [
            f"local node = {literal(table)}",
            f"local renderable, anchor = node.Renderable, openspace.propertyValue({anchor})",
            f"if openspace.hasSceneGraphNode({name}) then",
            *[f"renderable.{place} = {value_of(identifier, uri)}" for place, uri in names.items()],
            f"openspace.removeSceneGraphNode({name})",
            "end",
            "openspace.addSceneGraphNode(node)",
            # Removing the node that the camera orbits has sent it to the root.
            f"if anchor == {name} then openspace.setPropertyValueSingle({anchor}, {name}) end",
        ]
    )


def restoration(table: Mapping[str, Any], was: Kept) -> str:
    """Lua that puts the node in the place of one of that name, with the looks it had. One script is one frame."""
    identifier = str(table["Identifier"])
    script = [
        f"local node = {literal(table)}",
        "local renderable = node.Renderable",
        *[f"renderable.{place} = {literal(value)}" for place, value in was.values.items()],
        removal(identifier),
        "openspace.addSceneGraphNode(node)",
    ]
    if was.anchored:
        script.append(f"openspace.setPropertyValueSingle({literal(PROBED)}, {literal(identifier)})")
    return "\n".join(script)
