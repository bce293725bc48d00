"""A render host on free ports with the stand-in instance, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import websockets

from openspace_server.render_host.host import RenderHost
from openspace_server.render_host.settings import HostSettings, Timings
from tests.helpers import until

STAND_IN = (sys.executable, str(Path(__file__).with_name("standin.py")))
QUICK = Timings(start=10.0, stop=0.5, join=0.5, api=0.5)
WAIT = 15.0


@asynccontextmanager
async def host(tmp_path: Path, **settings: Any) -> AsyncIterator[RenderHost]:
    """A host in this event loop; every instance is gone afterwards."""
    defaults: dict[str, Any] = {
        "port": 0,
        "gateway_port": 0,
        "api_port": 0,
        "log_dir": tmp_path / "logs",
        "instance_command": STAND_IN,
        "timings": QUICK,
    }
    running = RenderHost(HostSettings(**(defaults | settings)))
    await running.start()
    try:
        yield running
    finally:
        await running.close()


@contextmanager
def host_process(tmp_path: Path, stdin: int | None = subprocess.DEVNULL, **settings: Any) -> Iterator[Any]:
    """A host in a process of its own, as (Popen, announcement); instances are the stand-in unless told otherwise."""
    values = {"port": 0, "gateway_port": 0, "api_port": 0, "announce": True} | settings
    program = Path(__file__).with_name("host_program.py")
    process = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path / "logs"), json.dumps(values)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_signals,
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        for child in children(process.pid):
            child.kill()
        process.kill()
        process.wait()
        process.stdout.close()
        if process.stdin is not None:
            process.stdin.close()


def _hear_signals() -> None:
    """Under nohup, or in the background of a script, the tests ignore these signals, and children inherit that."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


async def command(port: int, message: dict[str, Any] | str, **options: Any) -> dict[str, Any]:
    """Send one command on a connection of its own, as the published clients do."""
    async with websockets.connect(f"ws://127.0.0.1:{port}/", **options) as socket:
        return await ask(socket, message)


async def ask(socket: Any, message: dict[str, Any] | str) -> dict[str, Any]:
    await socket.send(message if isinstance(message, str) else json.dumps(message))
    reply: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), WAIT))
    return reply


async def status(port: int, id: int) -> dict[str, Any]:
    return await command(port, {"command": "STATUS", "id": id})


async def until_status(port: int, id: int, state: str) -> dict[str, Any]:
    """Poll STATUS until the slot is in the state ``state``."""
    found: dict[str, Any] = {}

    async def reached() -> bool:
        nonlocal found
        found = await status(port, id)
        return bool(found["status"] == state)

    await until(reached, lambda: f"{state}, last {found}")
    return found


async def start_running(port: int, session: str, **more: Any) -> int:
    """START and wait until RUNNING; returns the slot's id."""
    reply = await command(port, {"command": "START", "session": session, **more})
    assert reply["error"] == "none", reply
    await until_status(port, reply["id"], "RUNNING")
    slot: int = reply["id"]
    return slot
