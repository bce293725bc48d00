"""What an instance tells of the changes made to its scene, and how another one takes them over."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.instance.harness import Bulk, Process, bulk, join_message, run, running, socket

pytestmark = pytest.mark.process

ENABLED = "Scene.Moon.Renderable.Enabled"
REFUSED = "error: set_properties: only the orchestrator may, for an instance that is started again"


@contextlib.asynccontextmanager
async def orchestrator(instance: Process, role: str = "controller") -> AsyncIterator[Bulk]:
    """The bulk socket of the orchestrator, as the gateway lets it through."""
    connection = await socket(instance, "bulk")
    connection.write_message(json.dumps(json.loads(join_message(role)) | {"owner": True, "observer": True}))
    try:
        yield Bulk(connection)
    finally:
        connection.close()


def test_changes_are_listed_for_the_owner_and_applied_again_where_possible() -> None:
    async def scenario() -> None:
        async with running("embedded", width=160, height=90) as instance, bulk(instance) as owner:
            assert await owner.ask("properties") == {"nodes": [], "values": {}}
            await owner.ask("set_focus", target="Mars")  # camera and time are in other verbs
            changes = {
                "nodes": [{"Identifier": "Mine", "GUI": {"Name": "My node"}}, {"Identifier": "Earth"}, "no table"],
                "values": {
                    ENABLED: False,
                    "RenderEngine.Gamma": 1.25,
                    "Scene.Vulcan.Renderable.Enabled": True,
                    "NavigationHandler.OrbitalNavigator.MinimumAllowedDistance": 1,
                    "RenderEngine.HDRExposure": 1e9,
                },
            }
            async with orchestrator(instance) as restart:
                refused = (await restart.ask("set_properties", properties=changes))["refused"]
            for number, reason in enumerate(
                ("already is a scene graph node", "a node is a table", "not found", "read-only", "outside")
            ):
                assert reason in refused[number], refused
            kept = {"nodes": changes["nodes"][:1], "values": {ENABLED: False, "RenderEngine.Gamma": 1.25}}
            assert await owner.ask("properties") == kept
            # What is as it was at first is no change.
            async with orchestrator(instance) as restart:
                await restart.ask("set_properties", properties={"values": {ENABLED: True}})
                assert (await owner.ask("properties"))["values"] == {"RenderEngine.Gamma": 1.25}
                for wrong in (None, [], {"nodes": {}}, {"values": []}):
                    assert "properties: expected" in await restart.ask("set_properties", properties=wrong)

            async with bulk(instance, "viewer", "guest") as guest:
                assert (
                    await guest.ask("properties") == "error: properties: only for the owner and the viewer that steers"
                )
            async with orchestrator(instance, "viewer") as look:
                assert "RenderEngine.Gamma" in (await look.ask("properties"))["values"]
                assert await look.ask("set_properties", properties={}) == REFUSED

    run(scenario())


def test_only_the_orchestrator_sets_properties() -> None:
    """A guest's table named a file, and the answer quoted it."""

    async def scenario() -> None:
        async with (
            running("embedded", width=160, height=90) as instance,
            bulk(instance) as owner,
            bulk(instance, "guest", "guest") as guest,
            bulk(instance, "viewer", "watcher") as watcher,
        ):
            for viewer in (owner, guest, watcher):
                assert await viewer.ask("set_properties", properties=points("/etc/passwd")) == REFUSED
            for name, viewer in (("guest", guest), ("watcher", watcher)):
                await owner.ask("give_control", viewer=name)
                assert await viewer.ask("home") != REFUSED
                assert await viewer.ask("set_properties", properties={"values": {ENABLED: False}}) == REFUSED
            claims = await socket(instance, "bulk")
            claims.write_message(json.dumps(json.loads(join_message("guest", "x")) | {"observer": True}))
            assert await Bulk(claims).ask("set_properties", properties={}) == REFUSED
            claims.close()
            assert await owner.ask("properties") == {"nodes": [], "values": {}}

    run(scenario())


@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/zero", "/proc/self/environ", "${USER}/../x", "FIFO", "LINK"])
def test_a_file_outside_is_refused_and_the_instance_continues(path: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "FIFO")
    (tmp_path / "LINK").symlink_to("/etc/passwd")
    named = str(tmp_path / path) if path in ("FIFO", "LINK") else path

    async def scenario() -> None:
        async with running("embedded", width=160, height=90) as instance, orchestrator(instance) as restart:
            for properties in (points(named), points("${USER}/points.csv", {"File": named, "Parameter": "x"})):
                (reason,) = (await restart.ask("set_properties", properties=properties))["refused"]
                assert re.fullmatch(r"scripts can only use files below /\S+, not /\S+", reason)
            assert "Position" in await restart.ask("camera")

    run(scenario())


def points(file: str, colors: dict[str, str] | None = None) -> dict[str, object]:
    """What sets points of ``file``."""
    renderable = {"Type": "RenderablePointCloud", "File": file, "Coloring": {"ColorMapping": colors}}
    return {"nodes": [{"Identifier": "n", "Renderable": renderable}], "values": {}}


def test_an_engine_without_a_scene_says_so() -> None:
    async def scenario() -> None:
        async with running() as instance, bulk(instance) as owner:
            assert await owner.ask("properties") == "error: this engine has no properties"

    run(scenario())
