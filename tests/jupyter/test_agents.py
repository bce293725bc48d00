"""A render host that dials in: commands, bulk and signaling over one connection, and what happens when it breaks."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from openspace_server.protocols import agent as protocol
from openspace_server.render_host.agent import Agent, JoinSettings
from openspace_server.render_host.host import RenderHost
from openspace_server.render_host.settings import HostSettings
from tests.jupyter.conftest import API, Client
from tests.render_host.helpers import QUICK as TIMINGS
from tests.render_host.helpers import STAND_IN


@pytest.fixture
def openspace_config() -> dict[str, Any]:
    return {"probe_interval": 0.2, "host_timeout": 1.0}


async def add(jp_serverapp: Any, name: str) -> str:
    """The secret of a host that may dial in."""
    extension = jp_serverapp.extension_manager.extension_apps["openspace_server"]
    orchestrator = await next(iter(extension)).orchestrator()
    row = await orchestrator._host_store.add_agent(name, region="attic")
    secret: str = row.secret
    return secret


@pytest.mark.process
async def test_a_host_that_dials_in(client: Client, jp_serverapp: Any, tmp_path: Path) -> None:
    secret = await add(jp_serverapp, "behind-nat")
    settings = HostSettings(
        slots=2, port=0, gateway_port=0, api_port=0, secret=secret, log_dir=tmp_path / "logs",
        instance_command=STAND_IN, timings=TIMINGS,
    )  # fmt: skip
    host = RenderHost(settings)
    await host.start()
    agent = Agent(host, JoinSettings(f"http://{client.where}", "behind-nat", secret, {"graphics_card": "T4"}))
    dialling = asyncio.create_task(agent.run())
    try:
        async with asyncio.timeout(20):
            while (hosts := (await client.ask("GET", "hosts"))[1]["hosts"])[0]["state"] != "ready":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert {name: hosts[0][name] for name in ("kind", "region", "graphics_card", "slots")} == {
            "kind": "agent", "region": "attic", "graphics_card": "T4", "slots": 2,
        }  # fmt: skip
        session = (await client.start({"width": 320, "height": 180}))["id"]
        for channel in ("bulk", "signaling"):
            socket = await client.socket(f"sessions/{session}/{channel}")
            joined = json.loads(await socket.read_message() or "")
            assert (joined["type"], joined["role"]) == ("join", "controller")
            assert "token" not in joined
            for message in ("text", b"\x00\xff" * 10, "ü" * 1000):
                await socket.write_message(message, binary=isinstance(message, bytes))
                assert await socket.read_message() == message
            if channel == "bulk":
                large = bytes(9_000_000)
                await socket.write_message(large, binary=True)
                assert await socket.read_message() == large
                await socket.write_message("bye")
                assert await socket.read_message() is None
                assert (socket.close_code, socket.close_reason) == (4123, "as asked")
            socket.close()
        # The connection breaks: the agent dials again, and the session is still there.
        for socket in list(next(iter(jp_serverapp.extension_manager.extension_apps["openspace_server"])).agent_sockets):
            socket.close()
        socket = None
        async with asyncio.timeout(20):
            while socket is None:
                trial = await client.socket(f"sessions/{session}/bulk")
                first = json.loads(await trial.read_message() or "{}")
                socket = trial if first.get("type") == "join" else None
                await asyncio.sleep(0.05)
        socket.close()
        status, _ = await client.ask("DELETE", f"sessions/{session}")
        assert status == 204
    finally:
        dialling.cancel()
        await asyncio.gather(dialling, return_exceptions=True)
        await host.close()


async def test_strangers_are_refused(client: Client, jp_serverapp: Any) -> None:
    secret = await add(jp_serverapp, "mine")
    url = f"ws://{client.where}{API}/hosts/join"
    with pytest.raises(HTTPClientError, match="403"):
        await websocket_connect(HTTPRequest(url, headers={"Origin": f"http://{client.where.split('/')[0]}"}))

    async def dial(name: str, key: str, at: float) -> dict[str, Any]:
        socket = await websocket_connect(url)
        nonce = json.loads(await socket.read_message() or "")["nonce"]
        await socket.write_message(protocol.hello(key, name, "n", nonce, {}, at).encode())
        answer: dict[str, Any] = json.loads(await socket.read_message() or "")
        if answer["type"] == "welcome":
            # A frame that is not sealed ends the connection.
            await socket.write_message(b"\x00" * 64, binary=True)
            reason = json.loads(await socket.read_message() or "")["reason"]
            assert reason == "agent connection: a frame with a wrong seal"
        assert await socket.read_message() is None
        assert socket.close_code == 4401
        return answer

    wrong = {"type": "error", "reason": "unknown host name or wrong secret"}
    assert await dial("mine", "guess", time.time()) == wrong
    assert await dial("nobody", secret, time.time()) == wrong
    assert await dial("mine", secret, time.time() - 3600) == wrong
    assert (await dial("mine", secret, time.time()))["type"] == "welcome"
