"""The streaming build's side of the published signaling, with the states and the tempers of the real one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SENDER = Path(__file__).with_name("sender.py")
RETRY = 2.0


async def stream(url: str, id: int, size: tuple[int, int]) -> None:
    """Register as ``id`` and stream to its viewer, again and again, every two seconds, as the real one."""
    while True:
        with contextlib.suppress(OSError, ConnectionClosed, Quit):
            async with connect(url, compression=None) as socket:
                await _one_connection(socket, id, size)
        await asyncio.sleep(RETRY)


class Quit(Exception):
    """The loop ends, to be restarted."""


async def _one_connection(socket: ClientConnection, id: int, size: tuple[int, int]) -> None:
    state = "REGISTERING"
    sender: asyncio.subprocess.Process | None = None
    await socket.send(json.dumps({"type": "REGISTER", "content": "null", "caller_id": id}))
    try:
        async for text in socket:
            assert isinstance(text, str)
            if text == "REGISTER":
                state = "CALLING"
                await socket.send(json.dumps({"type": "SESSION", "content": 100 + id, "caller_id": id}))
            elif text == "SESSION_OK":
                if state != "CALLING":
                    raise Quit
                sender = await asyncio.create_subprocess_exec(
                    "/usr/bin/python3", str(SENDER), *map(str, size),
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                state = "NEGOTIATING"
                sending = asyncio.create_task(_pass_on(sender, socket, id))
                sending.add_done_callback(lambda done: done.cancelled() or done.exception())
            elif text.startswith("ERROR"):
                raise Quit
            else:
                message = json.loads(text)
                assert message["caller_id"] == 100 + id
                if message["type"] == "SDP":
                    if state != "NEGOTIATING" or message["content"]["sdp"]["type"] != "answer":
                        os.kill(os.getpid(), signal.SIGABRT)  # as g_assert does
                    state = "STARTED"
                    _tell(sender, answer=message["content"]["sdp"]["sdp"])
                else:
                    candidate = message["content"]["ice"]
                    if "candidate" not in candidate or candidate["sdpMLineIndex"] < 0:
                        raise Quit
                    _tell(sender, ice=candidate)
    finally:
        if sender is not None:
            with contextlib.suppress(ProcessLookupError):
                sender.kill()
            await sender.wait()


async def _pass_on(sender: asyncio.subprocess.Process, socket: ClientConnection, id: int) -> None:
    assert sender.stdout is not None
    async for line in sender.stdout:
        said = json.loads(line)
        if "offer" in said:
            content: object = {"sdp": {"type": "offer", "sdp": said["offer"]}}
            await socket.send(json.dumps({"type": "SDP", "caller_id": id, "content": content}))
        else:
            await socket.send(json.dumps({"type": "ICE", "caller_id": id, "content": {"ice": said["ice"]}}))


def _tell(sender: asyncio.subprocess.Process | None, **message: object) -> None:
    assert sender is not None
    assert sender.stdin is not None
    sender.stdin.write(json.dumps(message).encode() + b"\n")
