"""A million float32 points per frame (12 MB): how often, how fast, at what cost, by every road there is.

    python -m benchmarks.points [--seconds 60] [--plain-seconds 8]

The roads are: ``space.add_points`` over the bulk socket through Jupyter server, gateway and instance, drawn and not
drawn, and through memory shared with the instance; the data channel between ``openspace-widget points send`` and
``receive``, with aiortc and wrtc; a plain tornado WebSocket, the stock aiortc data channel and shared memory as they
come. Every frame's checksum is compared.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.harness import options
from benchmarks.harness.points_carriers import COUNT, elsewhere, frame, measure
from benchmarks.harness.report import median, percentile, publish
from benchmarks.main_road import lab_server
from openspace_server.protocols.points import ALL, LATEST, PointFrame, PointOptions, checksum
from openspace_widget import OpenSpace
from openspace_widget.client import bulk_socket
from openspace_widget.client.event_loop import background
from openspace_widget.client.shared_memory import share

ROOT = Path(__file__).parents[1]

NOT_DRAWN = "tests.instance.viewers.point_engine:CloudEngine"
ROADS = ("bulk WebSocket, not drawn", "bulk WebSocket, drawn", "shared with the instance, drawn")
OPTIONS = PointOptions(unit="Mpc")


def processor(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Seconds of processor time of each so far."""
    return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}


def ends(space: OpenSpace) -> dict[str, psutil.Process]:
    """This process, the instance, and the two relays between them."""
    found = {"kernel": psutil.Process()}
    words = {"instance": "openspace_server.instance", "host": "openspace_server.cli", "server": "jupyterlab"}
    for child in psutil.Process().children(recursive=True):
        for name, word in words.items():
            if word in child.cmdline():
                found.setdefault(name, child)
    return found


async def at_rate(space: OpenSpace, positions: np.ndarray, hz: float, seconds: float, keep: str) -> dict[str, Any]:
    """Frames at ``hz`` (0: two under way at a time, as fast as they go), the checksum of every one compared."""
    session, latencies, exact, tasks = space._client.session, [], [], set[asyncio.Task[None]]()
    room = asyncio.Semaphore(2 if not hz else 8)

    async def one(sequence: int) -> None:
        sent = PointFrame("cloud", sequence, positions, {}, OPTIONS, keep, "benchmark", check=True)
        began = time.monotonic()
        result = await session.send_array(sent.encode()[0])
        # From the call until the whole frame had arrived: the answer says how long showing it took after that.
        latencies.append(1e3 * (time.monotonic() - began) - result["show_ms"])
        exact.append(result.get("crc32") == crc)
        room.release()

    crc = checksum(PointFrame("cloud", 0, positions))
    start_sequence = time.time_ns()
    processes = ends(space)
    before, start, count = processor(processes), time.monotonic(), 0
    while (hz and count < hz * seconds) or (not hz and time.monotonic() < start + seconds):
        if hz:
            await asyncio.sleep(max(0.0, start + count / hz - time.monotonic()))
        await room.acquire()
        count += 1
        task = asyncio.create_task(one((start_sequence + count) % 2**53))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    span = time.monotonic() - start
    used = {name: 100 * (after - before[name]) / span for name, after in processor(processes).items()}
    return {
        "sent": count,
        "exact": sum(exact),
        "hz": len(exact) / span,
        "latency_ms": latencies,
        "percent_of_a_core": used,
    }


def road(engine: str | None, seconds: float, *, shared: bool) -> dict[str, Any]:
    """From this process to an instance, over the bulk WebSocket or, when ``shared``, through memory."""
    bulk_socket.share = share if shared else elsewhere
    positions = frame()
    options = [f"--OpenSpaceExtension.engines={name}" for name in ("embedded", NOT_DRAWN)]
    with (
        lab_server(options) as lab,
        OpenSpace(engine=engine, size=(640, 360), url=f"{lab.url}?token={lab.token}") as space,
    ):
        space.wait()
        # All are kept where nothing is drawn; a renderer shows the latest.
        keep = ALL if engine else LATEST
        background().run(at_rate(space, positions, 4, 2, keep))
        regular = background().run(at_rate(space, positions, 4, seconds, keep))
        highest = background().run(at_rate(space, positions, 0, min(seconds, 10), keep))
        instance = ends(space)["instance"]
        return {"at_4_hz": regular, "highest": highest, "instance_mb": instance.memory_info().rss / 1e6}


def channel(library: str, seconds: float, *options: str) -> dict[str, Any]:
    """Our two commands over a data channel; the sender's report with the receiver's processor time."""
    program = [sys.executable, "-m", "openspace_server.cli", "points"]
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/points.npy", frame())
        receive = subprocess.Popen(
            [*program, "receive", "--port", "0", "--webrtc", library], stdout=subprocess.PIPE, text=True
        )
        assert receive.stdout is not None
        port = json.loads(receive.stdout.readline())["port"]
        send = [*program, "send", f"{folder}/points.npy", "--to", f"http://127.0.0.1:{port}", "--webrtc", library]
        sent = subprocess.run([*send, "--seconds", str(seconds), *options], capture_output=True, text=True, check=False)
        receive.terminate()
        received = json.loads(receive.stdout.read())
        receive.wait()
    report: dict[str, Any] = json.loads(sent.stdout)
    return report | {"receiver_cpu_percent": received["cpu_percent"]}


def rows(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The table."""
    table = []
    for label in ROADS:
        told = figures[label]
        regular, highest = told["at_4_hz"], told["highest"]
        used = regular["percent_of_a_core"]
        bound = label == ROADS[0]
        exact = f"{regular['exact']} of {regular['sent']}"
        table += [
            (f"{label}: bit-exact at 4 Hz", exact, "all" if bound else ""),
            (f"{label}: sent to received, median ms", f"{median(regular['latency_ms']):.0f}", ""),
            (f"{label}: sent to received, p95 ms", f"{percentile(regular['latency_ms'], 95):.0f}", "<= 150" * bound),
            (
                f"{label}: both ends, % of a core",
                f"{used['kernel'] + used.get('instance', 0):.0f}",
                "<= 100" * bound,
            ),
            (f"{label}: the two relays, % of a core", f"{used.get('server', 0) + used.get('host', 0):.0f}", ""),
            (f"{label}: highest rate, Hz", f"{highest['hz']:.1f}", ">= 10" * bound),
        ]
    for library in figures["libraries"]:
        for kind, bound_text in (("16 bit at 4 Hz", "no loss"), ("raw at 4 Hz", ""), ("raw, highest", "")):
            told = figures[f"{library}, {kind}"]
            ok = f"{told['received'] - told['corrupt']} of {told['sent']} exact, {told['rate_hz']:.2f} Hz, "
            ok += f"{told['megabytes_per_second']:.0f} MB/s, {told['cpu_percent']:.0f} + "
            ok += f"{told['receiver_cpu_percent']:.0f} % of a core"
            table.append((f"data channel, {library}: {kind}", ok, bound_text))
    names = {"aiortc": "stock aiortc data channel", "tornado": "plain tornado WebSocket", "memory": "shared memory"}
    for kind, name in names.items():
        told = figures[kind]
        text = f"{told['hz']:.1f} Hz, {told['mb_per_s']:.0f} MB/s, {told['sender_percent']:.0f} + "
        table.append((f"{name}: highest", f"{text}{told['receiver_percent']:.0f} % of a core", ""))
    return table


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="length of each measurement at 4 Hz")
    parser.add_argument("--plain-seconds", type=float, default=8, help="length of each measurement at the highest rate")
    chosen = options.parse(parser, seconds=1, plain_seconds=1)
    path = os.pathsep.join([str(ROOT / "server_ext"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    os.environ |= {"OPENSPACE_TEST_ENGINES": "1", "PYTHONPATH": path}
    libraries = ["aiortc", *(["wrtc"] if importlib.util.find_spec("webrtc") else [])]
    figures: dict[str, Any] = {"points": COUNT, "libraries": libraries}
    for label in ROADS:
        drawn, shared = "not drawn" not in label, "shared" in label
        seconds = min(chosen.seconds, 20) if drawn else chosen.seconds
        figures[label] = road(None if drawn else NOT_DRAWN, seconds, shared=shared)
    for library in libraries:
        figures[f"{library}, 16 bit at 4 Hz"] = channel(library, chosen.seconds, "--quantise")
        figures[f"{library}, raw at 4 Hz"] = channel(library, min(chosen.seconds, 20))
        figures[f"{library}, raw, highest"] = channel(library, chosen.plain_seconds, "--hz", "0")
    for kind in ("aiortc", "tornado", "memory"):
        figures[kind] = measure(kind, chosen.plain_seconds)
    publish("points", rows(figures), figures)


if __name__ == "__main__":
    main()
