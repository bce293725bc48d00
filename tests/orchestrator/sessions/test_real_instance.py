"""A real embedded engine behind a real host, killed with SIGKILL: the orchestrator brings back what it showed."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tornado.websocket import websocket_connect

from openspace_server.orchestrator.orchestrator import Orchestrator
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.signaling import Join, Role
from tests.helpers import until
from tests.instance.api.harness import Client
from tests.instance.harness import Bulk
from tests.orchestrator.helpers import ME, REQUEST, local, reach, running

pytestmark = pytest.mark.process

RUNNING, DISCONNECTED = SessionState.RUNNING, SessionState.DISCONNECTED
ENABLED, OPACITY = "Scene.Saturn.Renderable.Enabled", "Scene.Earth.Renderable.Opacity"


@contextlib.asynccontextmanager
async def socket(orchestrator: Orchestrator, session: str, channel: str) -> AsyncIterator[Any]:
    """A socket to the instance by way of the gateway, as the Jupyter server's relay opens them."""
    target = await orchestrator.gateway((ME,), session, channel)
    connection = await websocket_connect(target.url, max_message_size=2**26)
    await connection.write_message(Join(session, Role.CONTROLLER, "test", target.token, owner=True).encode())
    try:
        yield connection
    finally:
        connection.close()


class Link:
    """A gateway socket as the API's tests have it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.close = connection.close

    async def send(self, text: str) -> None:
        await self._connection.write_message(text)

    async def receive(self) -> str | None:
        received: str | None = await self._connection.read_message()
        return received


def instance_process(session: str) -> psutil.Process:
    """The only instance below the local host, which is in a process session of its own."""
    found = [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "openspace_server.instance" in (process.info["cmdline"] or [])
        and (process.info["environ"] or {}).get("OPENSPACE_TEST_MARK") == session
    ]
    assert len(found) == 1
    return found[0]


async def test_a_killed_instance_comes_back_with_camera_time_focus_nodes_and_properties(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSPACE_TEST_MARK", str(tmp_path))  # the host and its instances inherit it
    settings = local(tmp_path, host_command=(), restart_limit=2, snapshot_interval=0.05, command_timeout=10.0)
    async with running(settings) as orchestrator:
        view, _ = await orchestrator.create(ME, REQUEST)
        await reach(orchestrator, view.id, RUNNING, DISCONNECTED)
        async with socket(orchestrator, view.id, "bulk") as connection, socket(orchestrator, view.id, "api") as api:
            owner, client = Bulk(connection), Client(Link(api), legacy=True)  # type: ignore[arg-type]
            await client.lua(
                f"openspace.setPropertyValueSingle('{ENABLED}', false)"
                f"openspace.setPropertyValueSingle('{OPACITY}', 0.25)"
                "openspace.setPropertyValueSingle('RenderEngine.Gamma', 1.5)"
                "openspace.addSceneGraphNode({Identifier = 'Mine', GUI = {Name = 'My node'}})"
            )
            assert await client.lua("return openspace.hasSceneGraphNode('Mine')") == {"1": True}
            await owner.ask("set_time", time="2031-05-06T07:08:09")
            await owner.ask("set_rate", rate=60)
            await owner.ask("set_paused", paused=True)
            await owner.ask("set_focus", target="Mars")
            camera = await owner.ask(
                "set_camera", camera={"Anchor": "Mars", "Position": [1e7, 2e7, 3e7], "ReferenceFrame": "Root"}
            )
            before = await owner.ask("state")
            properties = await owner.ask("properties")
        assert properties["values"] == {
            ENABLED: False,
            OPACITY: 0.25,
            "RenderEngine.Gamma": 1.5,
        }

        async def kept() -> bool:
            return known(await orchestrator._sessions.session(view.id)) == (camera, properties)

        await until(kept, "what it shows is known")

        await reach(orchestrator, view.id, DISCONNECTED)  # nobody watches: the instance has properties its host

        process = instance_process(str(tmp_path))
        seen = []
        async with contextlib.aclosing(orchestrator.watch((ME,), view.id)) as views:
            process.send_signal(signal.SIGKILL)
            async for change in views:
                seen.append((change.state, change.reason))
                if change.state in (RUNNING, DISCONNECTED) and any(state == "STARTING" for state, _ in seen):
                    break
        # What the view shows meanwhile.
        why = next(reason for state, reason in seen if state == "STARTING")
        assert "killed by SIGKILL" in why
        assert "starting it again" in why
        assert seen[-1] == (RUNNING, "")

        async with socket(orchestrator, view.id, "bulk") as connection:
            owner = Bulk(connection)
            assert await owner.ask("properties") == properties
            after = await owner.ask("state")
            for name in ("time", "rate", "paused", "focus"):
                assert after[name] == before[name], name
            again = await owner.ask("camera")
            assert again["Anchor"] == "Mars"
            assert again["Position"] == pytest.approx(camera["Position"], rel=1e-9)
        events = [event.kind for event in await orchestrator._sessions.events(view.id)]
        assert [kind for kind in events if kind in ("reserved", "started", "running", "crashed")] == [
            *("reserved", "started", "running"),
            *("crashed", "reserved", "started", "running"),
        ]
        await orchestrator.delete((ME,), view.id)


def known(row: Any) -> tuple[Any, Any]:
    properties = json.loads(row.snapshot) if row.snapshot else {}
    return properties.get("camera"), properties.get("properties")
