"""Plain carriers of a million points, for comparison: each is a sender and a receiver in two processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from typing import Any

import numpy as np

COUNT = 1_000_000
FRAME_BYTES = 12 * COUNT
CHUNK = 64 * 1024


def measure(kind: str, seconds: float) -> dict[str, float]:
    """Run ``kind`` of :data:`KINDS` for ``seconds``: ``hz``, ``mb_per_s``, and each end's part of a core in percent."""
    command = [sys.executable, str(Path(__file__)), kind]
    receiver = subprocess.Popen([*command, "receive"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    sender = subprocess.Popen(
        [*command, "send", str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert receiver.stdin is not None
    assert receiver.stdout is not None
    assert sender.stdin is not None
    assert sender.stdout is not None
    if kind == "aiortc":
        receiver.stdin.write(sender.stdout.readline())
        receiver.stdin.flush()
    sender.stdin.write(receiver.stdout.readline())
    sender.stdin.flush()
    told = json.loads(sender.stdout.readline()) | json.loads(receiver.stdout.readline())
    for end in (sender, receiver):
        end.kill()
        end.wait()
    span, frames = told["seconds"], told["frames"]
    return {
        "hz": frames / span,
        "mb_per_s": frames * FRAME_BYTES / span / 1e6,
        "sender_percent": 100 * told["sender_cpu"] / span,
        "receiver_percent": 100 * told["receiver_cpu"] / span,
    }


def _say(**told: Any) -> None:
    print(json.dumps(told), flush=True)


def _heard() -> Any:
    return json.loads(sys.stdin.readline())


async def _read_line() -> Any:
    return await asyncio.to_thread(_heard)


def frame() -> np.ndarray:
    """A million points."""
    return np.random.default_rng(1).normal(size=(COUNT, 3)).astype("f4")


async def elsewhere(ask: object) -> None:
    """Replaces :func:`openspace_widget.client.shared_memory.share`: as if the instance ran on another machine."""


# -- stock aiortc --------------------------------------------------------------------------------------------------


async def aiortc_send(seconds: float) -> None:
    from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = connection.createDataChannel("bulk")
    channel.bufferedAmountLowThreshold = 1 << 20
    opened, low, done = asyncio.Event(), asyncio.Event(), asyncio.Event()
    channel.on("open", opened.set)
    channel.on("bufferedamountlow", low.set)
    channel.on("message", lambda message: done.set())
    await connection.setLocalDescription(await connection.createOffer())
    _say(sdp=connection.localDescription.sdp, type="offer")
    await connection.setRemoteDescription(RTCSessionDescription(**await _read_line()))
    await opened.wait()
    data = frame().tobytes()
    began, used, frames = time.monotonic(), time.process_time(), 0
    while time.monotonic() - began < seconds:
        for at in range(0, FRAME_BYTES, CHUNK):
            while channel.bufferedAmount > 4 << 20:
                low.clear()
                if channel.bufferedAmount > 4 << 20:
                    await low.wait()
            channel.send(data[at : at + CHUNK])
            await asyncio.sleep(0)
        frames += 1
    channel.send(str(frames))
    await done.wait()
    _say(seconds=time.monotonic() - began, frames=frames, sender_cpu=time.process_time() - used)


async def aiortc_receive() -> None:
    from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    used = 0.0

    def opened(channel: Any) -> None:
        nonlocal used
        used = time.process_time()
        received = bytearray()

        def message(data: bytes | str) -> None:
            if isinstance(data, str):
                channel.send("done")
                ended.set_result(None)
                return
            received.extend(data)
            if len(received) >= FRAME_BYTES:
                np.frombuffer(bytes(received), "f4")
                received.clear()

        channel.on("message", message)

    connection.on("datachannel", opened)
    await connection.setRemoteDescription(RTCSessionDescription(**await _read_line()))
    await connection.setLocalDescription(await connection.createAnswer())
    _say(sdp=connection.localDescription.sdp, type="answer")
    await ended
    _say(receiver_cpu=time.process_time() - used)
    await asyncio.sleep(1)


# -- a plain WebSocket -----------------------------------------------------------------------------------------------


async def tornado_send(seconds: float) -> None:
    from tornado.websocket import websocket_connect

    socket = await websocket_connect(f"ws://127.0.0.1:{(await _read_line())['port']}/", compression_options=None)
    data = frame().tobytes()
    began, used, frames = time.monotonic(), time.process_time(), 0
    while time.monotonic() - began < seconds:
        await socket.write_message(data, binary=True)
        await socket.read_message()
        frames += 1
    await socket.write_message("end")
    _say(seconds=time.monotonic() - began, frames=frames, sender_cpu=time.process_time() - used)


async def tornado_receive() -> None:
    from tornado.httpserver import HTTPServer
    from tornado.netutil import bind_sockets
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Taking(WebSocketHandler):
        max_message_size = 2 * FRAME_BYTES

        async def on_message(self, message: str | bytes) -> None:
            if isinstance(message, str):
                ended.set_result(None)
                return
            np.frombuffer(message, "f4")
            await self.write_message("ok")

    server = HTTPServer(Application([("/", Taking)]))
    bound = bind_sockets(0, "127.0.0.1")
    server.add_sockets(bound)
    used = time.process_time()
    _say(port=bound[0].getsockname()[1])
    await ended
    _say(receiver_cpu=time.process_time() - used)


# -- shared memory: the limit ------------------------------------------------------------------------------------------


async def memory_send(seconds: float) -> None:
    told = await _read_line()
    block = shared_memory.SharedMemory(told["name"])
    resource_tracker.unregister(block._name, "shared_memory")  # type: ignore[attr-defined]
    array = frame()
    there = np.frombuffer(block.buf, "f4", 3 * COUNT).reshape(-1, 3)
    ready, taken = os.open(told["ready"], os.O_WRONLY), os.open(told["taken"], os.O_RDONLY)
    began, used, frames = time.monotonic(), time.process_time(), 0
    while time.monotonic() - began < seconds:
        there[:] = array
        os.write(ready, b"x")
        os.read(taken, 1)
        frames += 1
    os.write(ready, b"e")
    _say(seconds=time.monotonic() - began, frames=frames, sender_cpu=time.process_time() - used)


async def memory_receive() -> None:
    block = shared_memory.SharedMemory(create=True, size=FRAME_BYTES)
    paths = [f"/tmp/{block.name}.{end}" for end in ("ready", "taken")]
    for path in paths:
        os.mkfifo(path)
    _say(name=block.name, ready=paths[0], taken=paths[1])
    ready, taken = os.open(paths[0], os.O_RDONLY), os.open(paths[1], os.O_WRONLY)
    used, mine = time.process_time(), np.empty((COUNT, 3), "f4")
    there = np.frombuffer(block.buf, "f4", 3 * COUNT).reshape(-1, 3)
    while os.read(ready, 1) == b"x":
        mine[:] = there
        os.write(taken, b"x")
    _say(receiver_cpu=time.process_time() - used)
    block.unlink()
    for path in paths:
        os.unlink(path)  # noqa: PTH108 -- as os.open and os.mkfifo above


KINDS = {
    "aiortc": (aiortc_send, aiortc_receive),
    "tornado": (tornado_send, tornado_receive),
    "memory": (memory_send, memory_receive),
}


if __name__ == "__main__":
    send, receive = KINDS[sys.argv[1]]
    asyncio.run(send(float(sys.argv[3])) if sys.argv[2] == "send" else receive())
    os._exit(0)
