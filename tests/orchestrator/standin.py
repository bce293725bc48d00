"""A render host that draws nothing: the supervisor protocol and a gateway that echoes. In this process, or as one.

As a process (``python standin.py --slots 3 …``) it understands the arguments of ``openspace-widget host`` that the
orchestrator gives, takes its secret from the environment, and obeys ``STANDIN``: ``exit`` (ends at once), ``mute``
(never announces), ``slow`` (instances stay INITIALIZING).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError
from tornado.websocket import WebSocketHandler

from openspace_server.protocols import supervisor as protocol
from openspace_server.protocols.credentials import Verifier
from openspace_server.protocols.signaling import Join, error
from openspace_server.protocols.supervisor import InstanceState, decode_command, reply


@dataclass
class Instance:
    state: InstanceState = InstanceState.IDLE
    session: str = ""
    token: str | None = None
    width: int = 0
    height: int = 0
    fence: int = 0
    reason: str = ""


@dataclass
class StandInHost:
    """Knobs: ``hold`` keeps instances INITIALIZING, ``hang`` answers nothing, ``refuse_starts`` is the START error,
    ``stubborn`` keeps stopped instances DEINITIALIZING, ``drop_replies`` does the work, then closes."""

    slots: int = 3
    secret: str = "s3cret"
    hold: bool = False
    hang: bool = False
    stubborn: bool = False
    drop_replies: bool = False
    refuse_starts: str = ""
    viewers: int | None = None
    port: int = 0
    gateway_port: int = 0
    instances: list[Instance] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    dismissed: list[str] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    started: dict[str, int] = field(default_factory=dict)
    servers: list[HTTPServer] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}:{self.gateway_port}"

    def open(self) -> StandInHost:
        self.instances = self.instances or [Instance() for _ in range(self.slots)]
        self.port = self._serve(self.port, [(r"/", Supervisor, {"host": self})])
        self.gateway_port = self._serve(self.gateway_port, [(r"/(signaling|bulk|media|api)?", Gateway, {"host": self})])
        return self

    def close(self) -> None:
        """Stop listening; what runs goes on, as when a network is cut."""
        for server in self.servers:
            server.stop()
        self.servers.clear()

    def crash(self, instance: int, reason: str) -> None:
        self.instances[instance] = Instance(reason=reason)

    def answer(self, raw: str | bytes) -> dict[str, Any]:
        command = decode_command(raw)
        self.commands.append(command.name)
        if command.name == "SERVER_STATUS":
            running = sum(i.state != InstanceState.IDLE for i in self.instances)
            return reply(command, running=running, total=len(self.instances))
        if command.name == "START":
            return self._start(command)
        assert command.id is not None
        if not 0 <= command.id < len(self.instances):
            return reply(command, command.id, protocol.INVALID_ID)
        instance = self.instances[command.id]
        busy = instance.state != InstanceState.IDLE
        if command.name == "STATUS":
            if instance.state == InstanceState.INITIALIZING and not self.hold:
                instance.state = InstanceState.RUNNING
            known = {"session": instance.session, "width": instance.width, "height": instance.height} if busy else {}
            known |= {"fence": instance.fence} if busy else {}
            known |= {"viewers": self.viewers} if busy and self.viewers is not None else {}
            return reply(command, command.id, status=instance.state, reason=instance.reason) | known
        if not busy or command.session not in (None, instance.session):
            return reply(command, command.id, protocol.NOT_RUNNING)
        if command.name == "STOP":
            if self.stubborn:
                instance.state = InstanceState.DEINITIALIZING
            else:
                self.crash(command.id, "stopped")
            return reply(command, command.id)
        assert command.width is not None
        assert command.height is not None
        instance.width, instance.height = command.width, command.height
        return reply(command, command.id)

    def _start(self, command: protocol.Command) -> dict[str, Any]:
        request = command.extra["request_id"]
        if request in self.started:
            return reply(command, self.started[request])
        free = [n for n, i in enumerate(self.instances) if i.state == InstanceState.IDLE]
        if self.refuse_starts or not free:
            return reply(command, -1, self.refuse_starts or protocol.NO_AVAILABLE_SLOTS)
        assert command.session is not None
        assert command.width is not None
        assert command.height is not None
        self.instances[free[0]] = Instance(
            InstanceState.INITIALIZING, command.session, command.token, command.width, command.height, command.fence
        )
        self.started[request] = free[0]
        return reply(command, free[0])

    def _serve(self, port: int, handlers: list[Any]) -> int:
        server = HTTPServer(Application(handlers))
        sockets = bind_sockets(port, "127.0.0.1")
        server.add_sockets(sockets)
        self.servers.append(server)
        return int(sockets[0].getsockname()[1])


class Supervisor(WebSocketHandler):
    def initialize(self, host: StandInHost) -> None:
        self.host = host

    def prepare(self) -> None:
        if Verifier(self.host.secret).body_digest(self.request.headers.get("Authorization", ""), time.time()) is None:
            raise HTTPError(401)

    async def on_message(self, message: str | bytes) -> None:
        while self.host.hang:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        answer = self.host.answer(message)
        if self.host.drop_replies:
            self.close()
        else:
            await self.write_message(protocol.encode(answer))


class Gateway(WebSocketHandler):
    """Says ``hello`` after a good join, then echoes. The text ``bye`` makes it close with code 4000."""

    max_message_size = 64 * 1024 * 1024
    join: Join | None = None

    def initialize(self, host: StandInHost) -> None:
        self.host = host

    async def on_message(self, message: str | bytes) -> None:
        if self.join is not None:
            if message == "bye":
                self.close(4000, "as asked")
            elif isinstance(message, str) and message.startswith('{"type": "request"'):
                await self.write_message(self._answer(json.loads(message)))
            else:
                await self.write_message(message, binary=isinstance(message, bytes))
            return
        self.join = Join.decode(message)
        good = [i for i in self.host.instances if i.session == self.join.session and i.token == self.join.token]
        if not good or good[0].state != InstanceState.RUNNING:
            await self.write_message(error("unknown session or wrong token"))
            self.close(4401, "unknown session or wrong token")
            return
        self.host.joins.append(self.join)
        channel = self.request.path.strip("/") or "signaling"
        await self.write_message(json.dumps({"type": "hello", "channel": channel, "role": self.join.role}))

    def _answer(self, request: dict[str, Any]) -> str:
        """The verbs that a snapshot needs, on ``host.shown``."""
        verb, shown = request["verb"], self.host.shown
        if verb == "state":
            result: Any = {"type": "state", "viewers": self.host.viewers or 0, **shown}
        elif verb in ("camera", "properties", "stats") and verb in shown:
            result = shown[verb]
        elif verb == "dismiss" and self.join is not None and self.join.owner:
            self.host.dismissed.append(request["arguments"]["share"])
            result = {}
        elif verb.startswith("set_"):
            value = next(iter(request["arguments"].values()))
            shown[verb.removeprefix("set_")] = result = value
        else:
            return json.dumps({"type": "error", "id": request["id"], "reason": f"verb: {verb}"})
        return json.dumps({"type": "reply", "id": request["id"], "result": result})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--linger", type=float, required=True)
    parser.add_argument("--announce", action="store_true", required=True)
    for name in ("--engine", "--port", "--gateway-port", "--api-port", "--log-dir"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    manner = os.environ.get("STANDIN", "")
    if manner == "exit":
        sys.exit(7)

    async def run() -> None:
        host = StandInHost(arguments.slots, os.environ["OPENSPACE_HOST_SECRET"], hold=manner == "slow").open()
        if manner != "mute":
            ready = {"port": host.port, "gateway_port": host.gateway_port, "slots": host.slots, "pid": os.getpid()}
            print(json.dumps({"event": "ready", **ready}), flush=True)
        loop, seen, last = asyncio.get_running_loop(), 0, asyncio.get_running_loop().time()
        while loop.time() - last < arguments.linger:
            if len(host.commands) != seen:
                seen, last = len(host.commands), loop.time()
            await asyncio.sleep(0.05)

    asyncio.run(run())


if __name__ == "__main__":
    main()
