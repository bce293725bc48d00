"""``kill -9`` of an orchestrator, an instance, PostgreSQL and a host, each while sessions are being started: everything
recovers without a person, and the event log shows it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy.exc import SQLAlchemyError

from openspace_server.orchestrator.settings import HostAddress
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState
from tests.orchestrator.helpers import QUICK
from tests.orchestrator.postgres import Postgres, binaries

pytestmark = pytest.mark.postgres

HERE = Path(__file__).parent
HOSTS, SLOTS, SESSIONS, MORE = 4, 5, 10, 6
ENDS = ("stopped", "failed", "lost", "crashed")
HOST = """
import asyncio, json, subprocess, sys
from tests.orchestrator.standin import StandInHost

class Host(StandInHost):
    # An instance is a process that ends with its host, as real ones do.
    processes = {{}}

    def answer(self, raw):
        for slot, process in list(self.processes.items()):
            if process.poll() is not None:
                del self.processes[slot]
                if self.instances[slot].session:
                    self.crash(slot, f"killed by signal {{-process.returncode}}")
        reply = super().answer(raw)
        for slot, instance in enumerate(self.instances):
            if instance.session and slot not in self.processes:
                self.processes[slot] = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        return reply

async def main():
    host = Host({slots})
    host.port, host.gateway_port = {port}, {gateway}
    host.open()
    print(json.dumps(host.address), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
ORCHESTRATOR = """
import asyncio, json, sys
from pathlib import Path
from openspace_server.orchestrator.orchestrator import Orchestrator
from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.settings import HostAddress, Settings
values = json.loads(sys.argv[1])
hosts = tuple(HostAddress.parse(address) for address in values.pop("hosts"))
settings = Settings(directory=Path(values.pop("directory")), hosts=hosts, **values)
async def main():
    orchestrator = Orchestrator(settings)
    await orchestrator.start()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        async def one(key):
            while True:
                try:
                    view, _ = await orchestrator.create("user:me", NewSession("", "embedded", 64, 64), key)
                    print(view.id, flush=True)
                    return
                except Exception as problem:
                    print("again:", problem, file=sys.stderr)
                    await asyncio.sleep(0.05)
        await asyncio.gather(*(one(key) for key in json.loads(line)))
        print("done", flush=True)
asyncio.run(main())
"""


class Program:
    """A child with a pipe each way."""

    def __init__(self, code: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=HERE.parents[2],
            env=os.environ | {"PYTHONPATH": "server_ext:."},
        )

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def rush(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Durable PostgreSQL, hosts and two orchestrators, each in processes of their own."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server programs here: tools/system-packages test installs them")
    server = Postgres(durable=True).start()
    programs: list[Program] = []
    try:
        hosts = [Program(HOST.format(slots=SLOTS, port=0, gateway=0)) for _ in range(HOSTS)]
        programs += hosts
        addresses = [json.loads(host.read()) for host in hosts]
        url = server.create("rush")
        values = QUICK | {"db_url": url, "host_secret": "s3cret", "hosts": addresses, "directory": str(tmp_path)}
        values |= {"restart_limit": 3, "worker_lease": 1.0, "host_timeout": 1.0}
        orchestrators = [Program(ORCHESTRATOR, json.dumps(values)) for _ in range(2)]
        programs += orchestrators
        assert [program.read() for program in orchestrators] == ["ready", "ready"]
        yield {
            "server": server, "hosts": hosts, "orchestrators": orchestrators, "url": url, "values": values,
            "programs": programs,
        }  # fmt: skip
    finally:
        for program in programs:
            if program.process.poll() is None:
                program.kill()
        server.remove()


async def settled(url: str, *, count: int) -> Any:
    """Wait until every session but those that ended runs, and there are ``count`` in all."""
    database = Database(url)
    store = SessionStore(database)
    try:
        async with asyncio.timeout(25):
            while True:
                try:
                    rows = [*await store.sessions(["user:me"], ended=True)]
                    if len(rows) >= count and all(row.is_ended or row.state == SessionState.RUNNING for row in rows):
                        return rows, await store.events()
                except (OSError, SQLAlchemyError):
                    pass
                await asyncio.sleep(0.05)
    finally:
        await database.close()


def check(rows: Any, events: Any) -> None:
    """Rising fences, one end for each allocation, no slot or instance used twice, no allocation forgotten."""
    fences: dict[Any, int] = {}
    live_counts: Counter[str] = Counter()
    holder = {row.id: (row.host, row.slot) for row in rows}
    for event in events:
        if event.kind == "reserved":
            slot_key = holder[event.session]
            assert event.fence > fences.get(slot_key, 0)
            fences[slot_key] = event.fence
            live_counts[event.session] += 1
            assert live_counts[event.session] == 1
        elif event.kind in ENDS:
            live_counts[event.session] -= 1
            assert live_counts[event.session] == 0
    live = [row for row in rows if not row.is_ended]
    assert {session for session, count in live_counts.items() if count} == {row.id for row in live}
    for counts in (Counter((row.host, row.slot) for row in live), Counter((row.host, row.instance) for row in live)):
        assert all(count == 1 for count in counts.values()), counts


async def test_kill_everything(rush: dict[str, Any]) -> None:
    first, second = rush["orchestrators"]
    keys = [f"key {n}" for n in range(SESSIONS)]

    # An orchestrator in the middle of its rush: the other finishes what it began, and what it had not begun is asked
    # of the other with the same keys.
    first.write(json.dumps(keys))
    first.read()
    first.kill()
    second.write(json.dumps(keys))
    made = {second.read() for _ in keys}
    assert second.read() == "done"
    rows, events = await settled(rush["url"], count=SESSIONS)
    assert {row.id for row in rows} == made
    assert all(row.state == SessionState.RUNNING for row in rows)
    check(rows, events)

    # An instance, then PostgreSQL, with requests under way: the instance is started again for the same session.
    more = [f"more {n}" for n in range(MORE)]
    second.write(json.dumps(more))
    second.read()
    os.kill(instances(rush["hosts"][0])[0], signal.SIGKILL)
    second.read()
    rush["server"].kill()
    rush["server"].start()
    assert len({second.read() for _ in more[2:]}) == len(more) - 2
    assert second.read() == "done"
    await _until_event(rush["url"], "crashed", None)
    rows, events = await settled(rush["url"], count=SESSIONS + MORE)
    assert all(row.state == SessionState.RUNNING for row in rows)
    (victim,) = [event.session for event in events if event.kind == "crashed"]
    assert [event.kind for event in events if event.session == victim].count("running") == 2
    assert "starting it again" in next(event.detail for event in events if event.kind == "crashed")
    check(rows, events)

    # A host, while others come: its sessions are lost and told so, its slots are nobody's, until it is back, empty.
    hosts = await _hosts(rush["url"])
    port = HostAddress.parse(rush["values"]["hosts"][0]).port
    dead = next(id for id, (_, its) in hosts.items() if its == port)
    second.write(json.dumps(["last 0", "last 1"]))
    rush["hosts"][0].kill()
    second.read()
    second.read()
    assert second.read() == "done"
    await _until_event(rush["url"], "host lost", None)
    rows, events = await settled(rush["url"], count=SESSIONS + MORE + 2)
    assert {row.state for row in rows if row.host == dead} == {SessionState.LOST}
    assert {row.state for row in rows if row.host != dead} == {SessionState.RUNNING}
    check(rows, events)
    where = HostAddress.parse(rush["values"]["hosts"][0])
    rush["programs"].append(Program(HOST.format(slots=SLOTS, port=where.port, gateway=where.gateway_port)))
    await _until_event(rush["url"], "host ready", None, count=HOSTS + 1)
    second.write(json.dumps(["after"]))
    second.read()
    rows, events = await settled(rush["url"], count=SESSIONS + MORE + 3)
    assert rows[-1].state == SessionState.RUNNING
    check(rows, events)


def instances(host: Program) -> list[int]:
    return [child.pid for child in psutil.Process(host.process.pid).children()]


async def _hosts(url: str) -> dict[str, tuple[str, int]]:
    from openspace_server.orchestrator.store.hosts import HostStore

    database = Database(url)
    try:
        return {host.id: (host.address, host.port) for host in await HostStore(database).hosts()}
    finally:
        await database.close()


async def _until_event(url: str, kind: str, session: str | None, count: int = 1) -> None:
    database = Database(url)
    try:
        async with asyncio.timeout(20):
            while True:
                events = await SessionStore(database).events(session)
                if sum(event.kind == kind for event in events) >= count:
                    return
                await asyncio.sleep(0.05)
    finally:
        await database.close()
