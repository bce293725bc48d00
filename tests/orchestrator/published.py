"""A supervisor as published: one command on a connection, STATUS always with id 0, RESOLUTION refused, no additions."""

from __future__ import annotations

import json
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler


class PublishedHost:
    """``drop_next``: does the next START, and closes without an answer."""

    def __init__(self, slots: int = 2) -> None:
        self.states = ["IDLE"] * slots
        self.drop_next = False
        self._server = HTTPServer(Application([(r"/.*", _Supervisor, {"host": self})]))
        sockets = bind_sockets(0, "127.0.0.1")
        self._server.add_sockets(sockets)
        self.address = f"127.0.0.1:{sockets[0].getsockname()[1]}"

    def close(self) -> None:
        self._server.stop()

    def answer(self, message: dict[str, Any]) -> dict[str, Any] | None:
        name, id = message["command"], message.get("id", 0)
        reply = {"command": name, "error": "none", "id": 0}
        if name == "START":
            if "IDLE" not in self.states:
                return reply | {"error": "no available slots", "id": -1}
            free = self.states.index("IDLE")
            self.states[free] = "INITIALIZING"
            return reply | {"id": free}
        if name == "STATUS":
            if id >= len(self.states):
                return None  # it raises, and says nothing
            state = self.states[id]
            if state == "INITIALIZING":
                self.states[id] = "RUNNING"
            return reply | {"status": state}
        if name == "STOP":
            if id >= len(self.states):
                return reply | {"error": "invalid id", "id": id}
            if self.states[id] == "IDLE":
                return reply | {"error": "not running", "id": id}
            self.states[id] = "IDLE"
            return reply | {"id": id}
        if name == "SERVER_STATUS":
            return reply | {"running": sum(s != "IDLE" for s in self.states), "total": len(self.states)}
        return {"error": f"invalid message received: {name}"}


class _Supervisor(WebSocketHandler):
    def initialize(self, host: PublishedHost) -> None:
        self.host = host
        self.done = False

    async def on_message(self, raw: str | bytes) -> None:
        if self.done:
            return
        self.done = True
        message = json.loads(raw)
        answer = self.host.answer(message)
        if message["command"] == "START" and self.host.drop_next:
            self.host.drop_next, answer = False, None
        if answer is not None:
            await self.write_message(json.dumps(answer))
        self.close()
