"""Allocation under load: several orchestrator processes on one database, and a hundred simulated render hosts that
speak the real supervisor protocol over real sockets and draw nothing.

``python -m benchmarks.allocation [--database sqlite|postgresql] [--starts 1000] [--hosts 100] [--processes 4]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.harness import options
from benchmarks.harness.report import percentile, publish
from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.orchestrator import Orchestrator
from openspace_server.orchestrator.settings import HostAddress, Settings
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.models import EventRow
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.supervisor import InstanceState
from tests.orchestrator.postgres import Postgres
from tests.orchestrator.standin import StandInHost

BOUNDS = {"postgresql": (200.0, 250.0), "sqlite": (80.0, float("inf"))}
"""Grants per second at least, and the 99th percentile in milliseconds at most."""
AT_ONCE = 4
SECRET = "s3cret"
ENDS = ("stopped", "failed", "lost", "crashed")


async def simulate_hosts(count: int, slots: int) -> None:
    """``count`` hosts in this process; prints their addresses, and at the end of stdin what runs where."""
    hosts = [StandInHost(slots).open() for _ in range(count)]
    print(json.dumps([host.address for host in hosts]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    running = [i.session for host in hosts for i in host.instances if i.state != InstanceState.IDLE]
    print(json.dumps(running), flush=True)


async def orchestrate(db_url: str, directory: str, addresses: list[str], starts: int, number: int) -> None:
    """One orchestrator: waits for a line on stdin, creates ``starts`` sessions, follows them until they run."""
    hosts = tuple(HostAddress.parse(address) for address in addresses)
    settings = Settings(directory=Path(directory), db_url=db_url, hosts=hosts, host_secret=SECRET, snapshot_interval=0)
    orchestrator = Orchestrator(settings)
    await orchestrator.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began = time.time()
    left = iter(range(starts))
    waits: list[float] = []
    made: list[str] = []

    async def ask() -> None:
        for turn in left:
            start = time.perf_counter()
            view, _ = await orchestrator.create(f"user:{number}-{turn % 50}", NewSession("", "embedded", 640, 360))
            waits.append((time.perf_counter() - start) * 1000)
            made.append(view.id)

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    granted = time.time()
    for id in made:
        async for view in orchestrator.watch([(await orchestrator._sessions.session(id)).owner], id):  # type: ignore[union-attr]
            if view.state != SessionState.RESERVED and view.state != SessionState.STARTING:
                assert view.state == SessionState.RUNNING, view
                break
    print(json.dumps({"began": began, "granted": granted, "ran": time.time(), "waits": waits}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await orchestrator.stop()


def check(events: list[EventRow]) -> dict[str, int]:
    """Count the violations that the event log shows."""
    held: dict[tuple[str, int | None], int] = {}
    grants: Counter[tuple[str | None, int | None]] = Counter()
    open_grants: dict[str, str] = {}
    double = 0
    for event in events:
        if event.kind == "reserved":
            grants[(event.session, event.fence)] += 1
            open_grants[event.session or ""] = event.host or ""
        elif event.kind in ENDS:
            open_grants.pop(event.session or "", None)
    double += sum(count - 1 for count in grants.values())
    return {"grants": sum(grants.values()), "double": double, "live": len(open_grants), "slots": len(held)}


async def verify(db_url: str, running: list[str]) -> dict[str, int]:
    """Double grants and lost sessions, from the event log, the slots and what the hosts run."""
    database = Database(db_url)
    sessions = SessionStore(database)
    found = check(list(await sessions.events(limit=100_000)))
    live = await sessions.live()
    slots = Counter((row.host, row.slot) for row in live)
    instances = Counter((row.host, row.instance) for row in live)
    found["double"] += sum(n - 1 for counter in (slots, instances, Counter(running)) for n in counter.values())
    found["lost"] = len({row.id for row in live} ^ set(running))
    await database.close()
    return found


def measure(db_url: str, directory: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """All processes, from start to end."""
    slots = -(-arguments.starts // arguments.hosts)
    part = arguments.hosts // arguments.host_processes
    host_processes = [spawn("hosts", part, slots) for _ in range(arguments.host_processes)]
    addresses = [address for process in host_processes for address in read(process)]
    share = arguments.starts // arguments.processes
    workers = [
        spawn("orchestrate", db_url, directory, json.dumps(addresses), share, n) for n in range(arguments.processes)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    results = [read(worker) for worker in workers]
    running: list[str] = []
    for process in (*workers, *host_processes):
        out, _ = process.communicate()
        running += json.loads(out) if process in host_processes else []
    began = min(result["began"] for result in results)
    waits = [wait for result in results for wait in result["waits"]]
    return {
        "grants": len(waits),
        "grants_per_second": len(waits) / (max(result["granted"] for result in results) - began),
        "p50_ms": percentile(waits, 50),
        "p99_ms": percentile(waits, 99),
        "all_running_s": max(result["ran"] for result in results) - began,
        **asyncio.run(verify(db_url, running)),
    }


def spawn(what: str, *arguments: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.allocation", f"--{what}", json.dumps(arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"{process.args} ended"
    return json.loads(line)


def main() -> int:
    parser = options.parser(__doc__)
    parser.add_argument("--database", choices=list(BOUNDS), action="append")
    parser.add_argument("--starts", type=int, default=1000)
    parser.add_argument("--hosts", type=json.loads, default=100)
    parser.add_argument("--host-processes", type=int, default=1)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--orchestrate", type=json.loads, help=argparse.SUPPRESS)
    arguments = options.parse(parser, starts=8, hosts=2, processes=2)
    if arguments.orchestrate:
        url, directory, addresses, starts, number = arguments.orchestrate
        asyncio.run(orchestrate(url, directory, json.loads(addresses), starts, number))
        return 0
    if isinstance(arguments.hosts, list):
        asyncio.run(simulate_hosts(*arguments.hosts))
        return 0
    rows: list[tuple[str, str, str]] = []
    figures: dict[str, Any] = {}
    well = True
    for kind in arguments.database or list(BOUNDS):
        with tempfile.TemporaryDirectory() as directory:
            server = Postgres(durable=True).start() if kind == "postgresql" else None
            try:
                url = server.create("openspace") if server else f"sqlite+aiosqlite:///{directory}/openspace.sqlite3"
                asyncio.run(_set_up(url))
                found = measure(url, directory, arguments)
            finally:
                if server:
                    server.remove()
        rate, p99 = BOUNDS[kind]
        figures[kind] = found
        rows += [
            (f"{kind}: grants per second", f"{found['grants_per_second']:.0f}", f"≥ {rate:.0f}"),
            (f"{kind}: grant, median", f"{found['p50_ms']:.0f} ms", ""),
            (f"{kind}: grant, 99th percentile", f"{found['p99_ms']:.0f} ms", f"≤ {p99:.0f} ms" if p99 < 1e9 else ""),
            (f"{kind}: until all {found['grants']} run", f"{found['all_running_s']:.1f} s", ""),
            (f"{kind}: double grants, lost sessions", f"{found['double']}, {found['lost']}", "0, 0"),
        ]
        well &= arguments.smoke or (found["grants_per_second"] >= rate and found["p99_ms"] <= p99)
        well &= not found["double"] and not found["lost"]
    publish("allocation", rows, figures)
    return 0 if well else 1


async def _set_up(url: str) -> None:
    database = Database(url)
    await database.set_up()
    await database.close()


if __name__ == "__main__":
    sys.exit(main())
