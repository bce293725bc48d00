"""Properties as the API tells them, found and set, without an instance."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from openspace_widget.errors import UnknownPropertyError
from openspace_widget.scripting.properties import find, get, put

EARTH = {
    "uri": "Scene.Earth.Renderable.Enabled",
    "value": True,
    "metaData": {"guiName": "Shown", "type": "BoolProperty", "description": "Whether it is drawn."},
}
SCALE = {
    "uri": "Scene.Earth.Scale.Scale",
    "value": 1.0,
    "metaData": {"guiName": "Scale", "type": "FloatProperty", "additionalData": {"min": 0.1, "max": 9.0}},
}
OLDER = {
    "Description": {
        "Identifier": "Scene.Mars.Opacity",
        "Name": "Opacity",
        "Type": "FloatProperty",
        "AdditionalData": {"MinimumValue": 0.0, "MaximumValue": 1.0},
    },
    "Value": 0.5,
}


class Api:
    """OpenSpace's answers; keeps the scripts."""

    def __init__(self, has: bool = True) -> None:
        self.has = has
        self.scripts: list[str] = []

    async def tree(self) -> dict[str, Any]:
        return {"properties": [EARTH], "subowners": [{"properties": [SCALE], "subowners": [{"properties": [OLDER]}]}]}

    async def lua(self, script: str) -> Any:
        self.scripts.append(script)
        return self.has

    async def ask(self, topic: str, payload: dict[str, Any]) -> Any:
        assert (topic, payload) == ("get", {"property": SCALE["uri"]})
        return SCALE


@pytest.mark.parametrize(
    ("pattern", "uris"),
    [
        ("*", ["Scene.Earth.Renderable.Enabled", "Scene.Earth.Scale.Scale", "Scene.Mars.Opacity"]),
        ("scale.scale", ["Scene.Earth.Scale.Scale"]),
        ("shown", ["Scene.Earth.Renderable.Enabled"]),
        ("*.opacity", ["Scene.Mars.Opacity"]),
        ("cene.*", []),
    ],
)
def test_properties_are_found_by_the_end_of_their_uri_or_by_name(pattern: str, uris: list[str]) -> None:
    assert [each.uri for each in asyncio.run(find(Api(), pattern))] == uris  # type: ignore[arg-type]


def test_a_property_tells_its_kind_and_limits_in_the_words_of_either_release() -> None:
    _, scale, older = asyncio.run(find(Api(), "*"))  # type: ignore[arg-type]
    assert (scale.type, scale.name, scale.limits) == ("Float", "Scale", (0.1, 9.0))
    assert (older.type, older.name, older.limits) == ("Float", "Opacity", (0.0, 1.0))
    assert repr(older) == "<Scene.Mars.Opacity = 0.5 (Float)>"


def test_a_property_is_read_and_set_by_uri_and_set_by_pattern() -> None:
    api = Api()
    assert asyncio.run(get(api, "Scene.Earth.Scale.Scale")) == 1.0  # type: ignore[arg-type]
    asyncio.run(put(api, "Scene.Earth.Scale.Scale", 2, duration=3))  # type: ignore[arg-type]
    asyncio.run(put(api, "Scene.*.Scale.Scale", 2))  # type: ignore[arg-type]
    assert 'setPropertyValueSingle("Scene.Earth.Scale.Scale", 2, 3, "Linear")' in api.scripts[1]
    assert api.scripts[2] == 'openspace.setPropertyValue("Scene.*.Scale.Scale", 2)'


def test_an_unknown_property_is_named_with_near_ones() -> None:
    message = "there is no property 'Scene.Earth.Scale.Skale': did you mean Scene.Earth.Scale.Scale?"
    with pytest.raises(UnknownPropertyError, match=f"^{re.escape(message)}$"):
        asyncio.run(put(Api(has=False), "Scene.Earth.Scale.Skale", 2))  # type: ignore[arg-type]
