"""What one more viewer costs: processor time of the instance with 1 to 30 viewers at 1280x720, 30 per second.

    python -m benchmarks.viewers [--seconds 8] [--counts 1 2 4 8 16 30]

Beside them 1, 2 and 4 viewers of stock aiortc, which encodes for each. The viewers live in a process of their own.
Those over WebRTC are real peers that decrypt nothing and decode nothing (they would take both cores); those over the
socket acknowledge each picture.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import options
from benchmarks.harness.instances import Meter, moving
from benchmarks.harness.report import publish
from tests.instance.harness import Media, Peer, Process, join_message, socket, soon

ROOT = Path(__file__).parents[1]

MOST_STOCK = 4
"""Viewers of stock aiortc at most: each takes most of a core."""
PING = json.dumps({"type": "request", "id": 1, "verb": "ping"})


async def attend(port: int, transport: str) -> None:
    """A process full of viewers: one more for each line on stdin; prints pictures and bytes received so far."""
    instance = Process(None)  # type: ignore[arg-type]
    instance.port = port
    viewers: list[Any] = []
    received = [0]
    if transport == "webrtc":
        receive_unseen(received)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        viewers.append(await (join_peer(instance) if transport == "webrtc" else join_media(instance, received)))
        print(len(viewers), received[0], flush=True)


def receive_unseen(received: list[int]) -> None:
    """From now on, aiortc peers of this process count what arrives and look no further.

    The first number is that of bytes; the second, if there is one, of pictures: the last packet of each is marked.
    """
    from aiortc.rtcdtlstransport import RTCDtlsTransport

    async def count(self: Any, data: bytes, arrival_time_ms: int) -> None:
        received[0] += len(data)
        if len(received) > 1:
            received[1] += data[1] >> 7

    RTCDtlsTransport._handle_rtp_data = count


async def join_peer(instance: Process) -> Peer:
    signaling = await socket(instance, "signaling")
    signaling.write_message(join_message("viewer"))
    viewer = Peer(signaling)
    await viewer.connect()
    await viewer.message("hello")
    viewer._start(ping_for_ever(viewer))
    return viewer


async def ping_for_ever(viewer: Any) -> None:
    while True:
        await asyncio.sleep(1)
        with contextlib.suppress(Exception):
            viewer.send_text(PING)
            viewer.inbox.clear()


class Counting(Media):
    """A viewer over the socket that keeps nothing."""

    received: list[int]
    pinging: asyncio.Future[None]

    async def _received(self, message: str | bytes) -> None:
        if isinstance(message, str):
            return await super()._received(message)
        self.received[0] += len(message)
        self.acknowledge(int.from_bytes(message[12:16], "little"))
        return None


async def join_media(instance: Process, received: list[int]) -> Media:
    connection = await socket(instance, "media")
    connection.write_message(join_message("viewer"))
    viewer = Counting(connection, True)
    viewer.received = received
    viewer.request_media("h264")
    await viewer.message("hello")
    viewer.pinging = asyncio.ensure_future(ping_for_ever(viewer))
    return viewer


async def measure(transport: str, counts: list[int], seconds: float, engine: str) -> list[dict[str, Any]]:
    rows = []
    async with moving(engine) as (instance, owner):
        crowd = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.viewers", "--attend", str(instance.port), "--transport", transport,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        joined = 0
        meter = Meter(instance.process.pid)
        for count in counts:
            while joined < count:
                crowd.stdin.write(b"\n")
                await soon(crowd.stdout.readline())
                joined += 1
            await asyncio.sleep(1.5)
            before = await owner.ask("stats")
            meter.look()
            await asyncio.sleep(seconds)
            share, stats = meter.look(), await owner.ask("stats")
            watching = [viewer for viewer in stats["each"] if viewer["rung"] is not None]
            figures = {
                "transport": transport,
                "viewers": len(watching),
                "percent_of_a_core": share,
                "frame_rate": (stats["frames_encoded"] - before["frames_encoded"]) / seconds,
                "bit_rate": (stats["bytes_encoded"] - before["bytes_encoded"]) * 8 / seconds,
                "frame_rate_of_the_slowest": min((viewer["frame_rate"] for viewer in watching), default=0.0),
                "on_the_small_stream": sum(viewer["rung"] == 1 for viewer in watching),
                "draw_ms": stats["draw_ms"],
                "encode_ms": stats["encode_ms"],
                "queue_ms": stats["queue_ms"],
                "send_ms": stats["send_ms"],
            }
            print(figures, file=sys.stderr)
            rows.append(figures)
        crowd.kill()
        await crowd.wait()
    return rows


# -- stock aiortc, which encodes for each viewer -----------------------------------------------------------------------


async def attend_offers() -> None:
    """A process full of viewers of somebody else: an offer per line on stdin, its answer on stdout.

    An empty line is answered by bytes and pictures received so far.
    """
    from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

    received, connections = [0, 0], []
    receive_unseen(received)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if not line.strip():
            print(json.dumps(received), flush=True)
            continue
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.append(connection)
        await connection.setRemoteDescription(RTCSessionDescription(**json.loads(line)))
        await connection.setLocalDescription(await connection.createAnswer())
        print(json.dumps({"type": "answer", "sdp": connection.localDescription.sdp}), flush=True)


async def measure_stock(counts: list[int], seconds: float, engine: str) -> list[dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'server_ext'}", "OPENSPACE_TEST_ENGINES": "1"}

    async def start(*command: str) -> asyncio.subprocess.Process:
        pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
        return await asyncio.create_subprocess_exec(sys.executable, *command, **pipes, env=environment, limit=2**20)

    async def tell(process: asyncio.subprocess.Process, line: bytes) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line + b"\n")
        return bytes(await soon(process.stdout.readline())).strip()

    sender = await start("-m", "benchmarks.senders.stock_aiortc", "H264", "--shared", "--engine", engine)
    crowd = await start("-m", "benchmarks.viewers", "--attend-offers")
    assert sender.stdin is not None
    meter, rows, joined = Meter(sender.pid), [], 0
    for count in counts:
        while joined < count:
            answer = await tell(crowd, await tell(sender, b'{"want": "offer"}'))
            sender.stdin.write(answer + b"\n")
            joined += 1
        await asyncio.sleep(3)
        before = json.loads(await tell(crowd, b""))
        meter.look()
        await asyncio.sleep(seconds)
        share, after = meter.look(), json.loads(await tell(crowd, b""))
        figures = {
            "transport": "stock aiortc, H.264",
            "viewers": count,
            "percent_of_a_core": share,
            "frame_rate": (after[1] - before[1]) / seconds / count,
            "bit_rate": (after[0] - before[0]) * 8 / seconds / count,
        }
        print(figures, file=sys.stderr)
        rows.append(figures)
    for process in (sender, crowd):
        process.kill()
        await process.wait()
    return rows


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="length of each measurement")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 2, 4, 8, 16, 30])
    parser.add_argument("--engine", default="benchmarks.harness.engines:NoisyEngine", help="what draws")
    parser.add_argument("--quick", action="store_true", help="1, 4 and 30 viewers, 4 s each")
    parser.add_argument("--transport", choices=["webrtc", "media", "stock"])
    parser.add_argument("--attend-offers", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--attend", type=int, help=argparse.SUPPRESS)
    chosen = options.parse(parser, seconds=1, counts=[1, 2])
    if chosen.attend:
        asyncio.run(attend(chosen.attend, chosen.transport))
        return
    if chosen.attend_offers:
        asyncio.run(attend_offers())
        return
    if chosen.quick:
        chosen.counts, chosen.seconds = [1, 4, 30], 4
    counts = sorted(chosen.counts)
    table, figures = [], []
    for transport in [chosen.transport] if chosen.transport else ["webrtc", "media", "stock"]:
        if transport == "stock":
            few = [count for count in counts if count <= MOST_STOCK]
            rows = asyncio.run(measure_stock(few, chosen.seconds, chosen.engine))
        else:
            rows = asyncio.run(measure(transport, counts, chosen.seconds, chosen.engine))
        figures += rows
        table += [
            (
                f"{transport}, {row['viewers']} viewers, % of a core",
                f"{row['percent_of_a_core']:.1f} at {row['bit_rate'] / 1e6:.1f} Mbit/s, {row['frame_rate']:.0f}/s",
                "<= 100" if row["viewers"] >= 30 and transport != "stock" else "",
            )
            for row in rows
        ]
        if len(rows) > 1 and rows[-1]["frame_rate"] > 0.8 * rows[0]["frame_rate"]:
            more = rows[-1]["viewers"] - rows[0]["viewers"]
            each = (rows[-1]["percent_of_a_core"] - rows[0]["percent_of_a_core"]) / more
            table.append(
                (f"{transport}, one more viewer, % of a core", f"{each:.2f}", "<= 3" if transport != "stock" else "")
            )
    publish("viewers", table, {"rows": figures})


if __name__ == "__main__":
    main()
