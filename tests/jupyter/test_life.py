"""The extension with a local render host: nothing before it is needed, sessions outlive the server, no orphan stays."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openspace_server.orchestrator.store.sessions import ATTACHED
from openspace_server.protocols import arrays
from openspace_server.protocols.viewer import Request
from tests.helpers import alive, until
from tests.jupyter.conftest import Client
from tests.jupyter.server import ROOT, Server, host_pids
from tests.orchestrator.helpers import STANDIN_COMMAND

pytestmark = pytest.mark.process

STANDIN = json.dumps(STANDIN_COMMAND)
REAL = "[]"


@pytest.fixture
def openspace_config(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """No configured host: the extension starts one of its own, here a stand-in."""
    monkeypatch.setattr("openspace_server.orchestrator.hosts.local_host.OUR_HOST", STANDIN_COMMAND)
    return {"hosts": [], "slots": 2}


async def test_nothing_is_made_before_it_is_used(client: Client, database_file: Path) -> None:
    assert not database_file.parent.exists()
    assert (await client.ask("GET", "sessions")) == (200, {"sessions": []})
    assert host_pids(database_file) == []


async def test_the_host_is_started_and_ended(client: Client, jp_serverapp: Any, database_file: Path) -> None:
    session = (await client.start())["id"]
    (pid,) = host_pids(database_file)
    _, made = await client.ask("POST", "sessions")
    status, full = await client.ask("POST", "sessions")
    assert status == 503
    assert "2 of 2 are busy" in full["message"]
    for id in (session, made["id"]):
        assert (await client.ask("DELETE", f"sessions/{id}"))[0] == 204
    assert alive(pid)
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert not alive(pid)


async def test_a_killed_host_is_told(client: Client, database_file: Path) -> None:
    session = (await client.start())["id"]
    os.kill(host_pids(database_file)[0], signal.SIGKILL)
    assert "render host on this machine has ended" in (await client.reach(session, "LOST"))["reason"]
    again = await client.start()
    await client.ask("DELETE", f"sessions/{again['id']}")


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Servers that the test started; killed if it left them, and so are their hosts."""
    servers: list[Server] = []
    yield servers
    for server in servers:
        server.clean_up()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_session_outlives_the_server(tmp_path: Path, servers: list[Server], how: signal.Signals) -> None:
    servers.append(await Server(tmp_path, STANDIN).ready())
    session = (await servers[0].client.start())["id"]
    sockets = [await servers[0].client.socket(f"sessions/{session}/{name}") for name in ("events", "bulk", "signaling")]
    for open_socket in sockets:
        await open_socket.read_message()
    servers[0].end(how)
    for open_socket in sockets:
        assert await open_socket.read_message() is None
        assert open_socket.close_code == (1001 if how == signal.SIGTERM else None)
    (pid,) = host_pids(servers[0].file)
    assert alive(pid)  # what ended the server's process group did not reach it
    servers.append(await Server(tmp_path, STANDIN).ready())
    assert (await servers[1].client.reach(session, *ATTACHED))["id"] == session
    socket = await servers[1].client.socket(f"sessions/{session}/bulk")
    assert json.loads(await socket.read_message() or "")["type"] == "hello"
    assert host_pids(servers[1].file) == [pid]
    assert (await servers[1].client.ask("DELETE", f"sessions/{session}"))[0] == 204
    servers[1].end(signal.SIGTERM)
    await until(lambda: not alive(pid), "the host's end")
    with sqlite3.connect(servers[0].file) as connection:
        secrets = [row[0] for row in connection.execute("SELECT secret FROM hosts UNION SELECT token FROM sessions")]
    assert secrets == [""]
    for server in servers:
        assert "Traceback" not in server.log, server.log
        assert "Task was destroyed" not in server.log, server.log


async def test_a_server_that_never_comes_back_leaves_nothing(tmp_path: Path, servers: list[Server]) -> None:
    servers.append(await Server(tmp_path, STANDIN, linger=1.5).ready())
    await servers[0].client.start()
    (pid,) = host_pids(servers[0].file)
    servers[0].end(signal.SIGKILL)
    await until(lambda: not alive(pid), "the end of the host's linger time", timeout=15)


def test_the_extension_costs_nothing_before_it_is_used() -> None:
    code = (
        "import sys; import openspace_server; openspace_server._jupyter_server_extension_points(); "
        "heavy = {'sqlalchemy', 'alembic', 'aiosqlite', 'numpy', 'aiortc', 'av', 'panda3d'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/server_ext"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


async def test_the_real_render_host(tmp_path: Path, servers: list[Server]) -> None:
    """The whole road, nothing stood in for: POST to pixels, through a restart of the Jupyter server."""
    servers.append(await Server(tmp_path, REAL).ready())
    session = (await servers[0].client.start({"width": 320, "height": 180}))["id"]
    (pid,) = host_pids(servers[0].file)
    for _turn in ("first server", "second server"):
        client = servers[-1].client
        await client.reach(session, *ATTACHED)
        assert await asyncio.wait_for(grab(client, session), 60) == (180, 320, 3)
        if len(servers) == 1:
            servers[0].end(signal.SIGTERM)
            servers.append(await Server(tmp_path, REAL).ready())
    status, resized = await client.ask("PATCH", f"sessions/{session}", {"width": 400, "height": 240})
    assert (status, resized["width"]) == (200, 400)
    assert (await client.ask("DELETE", f"sessions/{session}"))[0] == 204
    assert [v["state"] for v in (await client.ask("GET", "sessions?all=1"))[1]["sessions"]] == ["STOPPED"]
    servers[1].end(signal.SIGTERM)
    await until(lambda: not alive(pid), "the host's end")


async def grab(client: Client, session: str) -> tuple[int, ...]:
    """The shape of one frame, drawn by the instance and brought here by gateway and Jupyter server."""
    socket = await client.socket(f"sessions/{session}/bulk")
    assert json.loads(await socket.read_message() or "")["type"] == "hello"
    await socket.write_message(Request(1, "frame").encode())
    while isinstance(message := await socket.read_message(), str):
        assert json.loads(message)["type"] != "error", message
    assert message is not None
    header, pixels = arrays.decode(message)
    assert header["kind"] == "frame"
    socket.close()
    return pixels.shape
