"""How clearly a node is drawn, by its properties."""

from __future__ import annotations

from typing import Any

import pytest

from openspace_server.engines.embedded.scene_graph.nodes import make_node, strength
from openspace_server.engines.properties import Property, PropertyOwner


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ({}, 1.0),
        ({"Enabled": False}, 0.0),
        ({"Opacity": 0.5}, 0.5),
        ({"Opacity": 0.5, "Fade": 0.5}, 0.25),
        ({"Enabled": False, "Opacity": 0.5}, 0.0),
    ],
)
def test_enabled_opacity_and_fade_are_multiplied(values: dict[str, Any], drawn: float) -> None:
    renderable = make_node("Mars", kind="RenderableGlobe").find("Renderable")
    assert isinstance(renderable, PropertyOwner)
    for name, value in values.items():
        found = renderable.find(name)
        assert isinstance(found, Property)
        found.set(value)
    assert strength(renderable) == drawn


def test_a_node_without_a_renderable_is_not_drawn() -> None:
    assert strength(None) == 0.0
