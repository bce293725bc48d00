"""A stand-in for ``openspace_server.instance``: keeps its contract with the host, draws nothing.

The session id of its configuration says how to misbehave: ``crash``, ``fail``, ``hang``, ``deaf`` (ignores STOP, end
of file and SIGTERM), ``noise`` (writes rubbish first), ``parent`` (leaves a child behind), else it behaves.
On its sockets it echoes text, and answers ``big N`` with N bytes, ``die`` by killing itself, ``bye`` by closing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError
from tornado.websocket import WebSocketHandler

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


class Channel(WebSocketHandler):
    max_message_size = 64 * 1024 * 1024

    def initialize(self, configuration: dict) -> None:
        self.configuration = configuration

    def prepare(self) -> None:
        if self.request.headers.get("Authorization") != f"Bearer {self.configuration['secret']}":
            raise HTTPError(401)

    async def on_message(self, message: str | bytes) -> None:
        if message == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif message == "bye":
            self.close(4123, "as asked")
        elif isinstance(message, str) and message.startswith("big "):
            await self.write_message(bytes(int(message[4:])), binary=True)
        else:
            await self.write_message(message, binary=isinstance(message, bytes))


async def main() -> None:
    configuration = json.loads(sys.stdin.readline())
    manner = configuration["session"].split(".")[0]
    print("stand-in", json.dumps(configuration | {"secret": "…"}), file=sys.stderr, flush=True)
    if manner == "crash":
        print("Traceback: something went wrong", file=sys.stderr, flush=True)
        os._exit(7)
    if manner == "fail":
        say(event="failed", reason="no renderer found")
        sys.exit(1)
    if manner == "noise":
        print("this is no JSON", flush=True)
        print("x" * 100_000, flush=True)
        say(event="unheard of")
        say(event="listening", port="seven")
        print("[1, 2]", flush=True)
    if manner == "parent":
        child = subprocess.Popen(SLEEPER)  # noqa: ASYNC220
        print("child", child.pid, file=sys.stderr, flush=True)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    if manner == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def listen() -> None:
        for line in sys.stdin:
            print("told", line.strip(), file=sys.stderr, flush=True)
            if json.loads(line)["command"] == "STOP":
                break
        if manner != "deaf":
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=listen, daemon=True).start()
    sockets = bind_sockets(0, "127.0.0.1")
    application = Application([(r"/(?:signaling|bulk|media)", Channel, {"configuration": configuration})])
    HTTPServer(application).add_sockets(sockets)
    if manner != "hang":
        say(event="listening", port=sockets[0].getsockname()[1])
        say(event="running")
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
