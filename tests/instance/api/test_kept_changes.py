"""What an instance tells of the changes made to its scene, and how another one takes them over."""

from __future__ import annotations

import json

import pytest

from tests.instance.harness import Bulk, bulk, join_message, run, running, socket

pytestmark = pytest.mark.process

ENABLED = "Scene.Moon.Renderable.Enabled"


def test_changes_are_told_to_the_owner_and_done_again_where_they_can_be() -> None:
    async def scenario() -> None:
        async with running("embedded", width=160, height=90) as instance, bulk(instance) as owner:
            assert await owner.ask("properties") == {"nodes": [], "values": {}}
            await owner.ask("set_focus", target="Mars")  # camera and time are told by other verbs
            told = {
                "nodes": [{"Identifier": "Mine", "GUI": {"Name": "My node"}}, {"Identifier": "Earth"}, "no table"],
                "values": {
                    ENABLED: False,
                    "RenderEngine.Gamma": 1.25,
                    "Scene.Vulcan.Renderable.Enabled": True,
                    "NavigationHandler.OrbitalNavigator.MinimumAllowedDistance": 1,
                    "RenderEngine.HDRExposure": 1e9,
                },
            }
            refused = (await owner.ask("set_properties", properties=told))["refused"]
            for number, reason in enumerate(
                ("already is a scene graph node", "a node is a table", "not found", "read-only", "outside")
            ):
                assert reason in refused[number], refused
            kept = {"nodes": told["nodes"][:1], "values": {ENABLED: False, "RenderEngine.Gamma": 1.25}}
            assert await owner.ask("properties") == kept
            # What is as it was at first is no change.
            await owner.ask("set_properties", properties={"values": {ENABLED: True}})
            assert (await owner.ask("properties"))["values"] == {"RenderEngine.Gamma": 1.25}
            for wrong in (None, [], {"nodes": {}}, {"values": []}):
                assert "properties: expected" in await owner.ask("set_properties", properties=wrong)

            async with bulk(instance, "viewer", "guest") as guest:
                assert await guest.ask("properties") == "error: properties: only for the owner and who steers"
            look = await socket(instance, "bulk")
            look.write_message(json.dumps(json.loads(join_message("viewer")) | {"owner": True, "observer": True}))
            assert "RenderEngine.Gamma" in (await Bulk(look).ask("properties"))["values"]
            look.close()

    run(scenario())


def test_an_engine_without_a_scene_says_so() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as owner:
            assert await owner.ask("properties") == "error: this engine has no properties"

    run(scenario())
