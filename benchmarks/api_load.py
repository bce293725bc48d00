"""An instance that streams while 200 API clients are subscribed to time and camera, and some never read.

    python -m benchmarks.api_load [--clients 200] [--seconds 8]

A real render host with a real instance of the embedded engine, 1280×720, the camera flying, one viewer of the H.264
stream. Half of the clients come over WebSocket, half over TCP, all from a process of their own. Measured without
clients, with them, and with ten more that ask for the whole documentation again and again and read nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import options
from benchmarks.harness.instances import ENDLESS, SIZE, Meter
from benchmarks.harness.report import publish
from tests.instance.api.harness import TcpLink, WebSocketLink
from tests.instance.api.real import HOST, RealInstance, real_instance

DEAF = 10
WISH = json.dumps({"topic": 1, "type": "documentation", "payload": {"type": "lua"}}).encode() + b"\n"


async def look(instance: RealInstance, owner: Any, watching: Any, seconds: float) -> dict[str, float]:
    """Pictures drawn and received per second, percent of a core, and MB of memory."""
    meter = Meter(instance.process.pid)
    drawn, started = (await owner.ask("stats"))["frames_drawn"], time.monotonic()
    watching.frames.clear()
    await asyncio.sleep(seconds)
    passed = time.monotonic() - started
    return {
        "drawn_per_second": ((await owner.ask("stats"))["frames_drawn"] - drawn) / passed,
        "received_per_second": len(watching.frames) / passed,
        "cpu_percent": meter.look(),
        "memory_mb": instance.process.memory_info().rss / 1e6,
    }


async def listen(port: int, tcp_port: int, count: int) -> None:
    """Be ``count`` clients; after each line on stdin print how many messages came since the last one."""
    heard = [0] * count

    async def be(index: int) -> None:
        link: Any = await (TcpLink.open(tcp_port) if index % 2 else WebSocketLink.open(port))
        for topic, kind in enumerate(("time", "camera"), 1):
            await link.send(json.dumps({"topic": topic, "type": kind, "payload": {"event": "start_subscription"}}))
        while await link.receive() is not None:
            heard[index] += 1

    clients = [asyncio.create_task(be(index)) for index in range(count)]
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(heard), flush=True)
        heard[:] = [0] * count
    for each in clients:
        each.cancel()


@contextlib.asynccontextmanager
async def never_reading(port: int) -> Any:
    """Clients that ask on and on and read nothing. Gives a function that tells how many were cut off."""
    cut = 0

    async def be() -> None:
        nonlocal cut
        _, writer = await asyncio.open_connection(HOST, port, limit=1)
        try:
            while True:
                writer.write(WISH)
                await writer.drain()
                await asyncio.sleep(0.001)
        except ConnectionError:
            cut += 1

    tasks = [asyncio.create_task(be()) for _ in range(DEAF)]
    try:
        yield lambda: cut
    finally:
        for task in tasks:
            task.cancel()


async def measure(count: int, seconds: float) -> int:
    folder = Path(tempfile.mkdtemp(prefix="openspace-api-load-"))
    width, height = SIZE
    found: dict[str, Any] = {}
    async with (
        real_instance(folder, width=width, height=height) as instance,
        instance.viewer("bulk") as owner,
        instance.viewer("media") as watching,
    ):
        watching.request_media("h264")
        owner.request("fly_to", target="Moon", duration=ENDLESS)
        await watching.next_frame()
        found["alone"] = await look(instance, owner, watching, seconds)
        crowd = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "benchmarks.api_load",
                "--listen",
                str(instance.port),
                str(instance.tcp_port),
                str(count),
            ),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert crowd.stdin is not None
        assert crowd.stdout is not None

        async def heard() -> list[int]:
            crowd.stdin.write(b"\n")
            told: list[int] = json.loads(await crowd.stdout.readline())
            return told

        while min(await heard()) < 2:  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.2)
        await heard()
        found["crowded"] = await look(instance, owner, watching, seconds)
        messages = await heard()
        found["crowded"] |= {"least_heard": min(messages), "most_heard": max(messages)}
        async with never_reading(instance.tcp_port) as cut:
            found["with_deaf"] = await look(instance, owner, watching, seconds) | {"cut_off": cut()}
        crowd.kill()
        await crowd.wait()
        tracebacks = instance.tracebacks
    rows = [
        (f"{what}, {name}", f"{found[key][figure]:.1f}", bound)
        for key, name in (
            ("alone", "no clients"),
            ("crowded", f"{count} clients"),
            ("with_deaf", f"{count} clients and {DEAF} that never read"),
        )
        for figure, what, bound in (
            ("drawn_per_second", "pictures drawn per second", "≥ 25"),
            ("received_per_second", "pictures received per second", "≥ 25"),
            ("cpu_percent", "instance, % of a core", ""),
            ("memory_mb", "instance, MB", "≤ 350"),
        )
    ]
    rows.append(("messages per client and second, least", f"{found['crowded']['least_heard'] / seconds:.1f}", ""))
    rows.append(("clients that never read, cut off", str(found["with_deaf"]["cut_off"]), str(DEAF)))
    publish("api_load", rows, {"clients": count, **found})
    if tracebacks:
        print(tracebacks, file=sys.stderr)
    return int(bool(tracebacks))


def main() -> int:
    parser = options.parser(__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=8, help="length of each measurement")
    parser.add_argument("--listen", type=int, nargs=3, help=argparse.SUPPRESS)
    chosen = options.parse(parser, clients=4, seconds=1)
    if chosen.listen:
        asyncio.run(listen(*chosen.listen))
        return 0
    return asyncio.run(measure(chosen.clients, chosen.seconds))


if __name__ == "__main__":
    sys.exit(main())
