"""A real instance sends what the wire fixtures say, which the view's tests read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import wire
from tests.instance.harness import bulk, media, run, running

pytestmark = pytest.mark.process

FREE = ("engine", "targets")
"""Objects whose keys differ: an engine's description, the targets of each layer in ``stats``."""


def shape(value: Any) -> Any:
    """Keys and JSON types of ``value``; of a list those of its first item."""
    if isinstance(value, dict):
        return {
            name: "free" if name in FREE and isinstance(each, dict) else shape(each) for name, each in value.items()
        }
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def test_the_instance_sends_what_the_fixtures_say() -> None:
    fixtures = wire.read("instance")

    async def scenario() -> None:
        async with running(frame_rate=None) as instance, media(instance) as viewer:
            assert shape(await viewer.message("hello")) == shape(fixtures["hello"])
            assert shape(await viewer.ask("who")) == shape(fixtures["who"])
            assert shape(await viewer.ask("set_rate", rate=60)) == shape(fixtures["state"])
            await viewer.ask("stats", watch=True)
            stats = await viewer.take(lambda m: m["type"] == "stats" and "round_trip_ms" in m["each"][0])
            stats["each"] = stats["each"][:1]
            assert shape(stats) == shape(fixtures["stats"])
            async with bulk(instance, "guest", "bob") as guest:
                await guest.ask("request_control")
                control = await viewer.message("control", requests=["bob"])
                assert shape(control) == shape(fixtures["control"] | {"controller": control["controller"]})
                refused = guest.request("set_focus", target="Vulcan")
                error = await guest.take(lambda m: isinstance(m, dict) and m.get("id") == refused)
                assert shape(error) == shape(fixtures["error"])
            viewer.send_text(json.dumps({"type": "request", "verb": "ping"}))
            assert shape(await viewer.message("error", id=None)) == shape(fixtures["error_without_request"])

    run(scenario())
