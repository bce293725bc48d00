"""Random and mutated API messages, from a seed, and a client that sends them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

from tornado.websocket import WebSocketClosedError

from tests.instance.api.harness import Client, TcpLink, WebSocketLink

SLOW = 60.0
"""Seconds that a burst of nonsense may take: clients get at most half of the draw thread, however much they ask."""
WAYS = [(kind, transport) for kind in ("1.0", "legacy") for transport in ("ws", "tcp")]
"""Dialects and transports."""

URIS = [
    "Scene.Earth.Scale.Scale",
    "Scene.*.Renderable.Enabled",
    "__rootOwner",
    "{planet_solarSystem}.Scale.Scale",
    "Scene.Mars",
    "nope",
    "",
]
SCRIPTS = [
    "return 1",
    "return openspace.time.UTC()",
    "openspace.setPropertyValue('Scene.*.Renderable.Opacity', 0.5, 0.01, 'SineEaseIn', 'return 1')",
    "openspace.navigation.flyTo('Mars', 0.1)",
    "for i = 1, 100 do openspace.printInfo(i) end",
    "error('x')",
    "local t = {} t.t = t return t",
    "openspace.navigation.setFocus(nil)",
    "return openspace.nothing.at.all()",
    "openspace.sessionRecording.startRecording()",
    "openspace.addSceneGraphNode({Identifier = 'P' .. math.random(20)})",
    "openspace.removeSceneGraphNode('P3')",
    "return string.rep('x', 10000)",
    "x = (x or '') .. string.rep('y', 1000) return #x",
    "goto",
]
TYPES = [
    "authorize", "version", "documentation", "luascript", "get", "set", "trigger", "subscribe", "propertyTree", "event",
    "time", "camera", "cameraPath", "engineMode", "sessionRecording", "flightcontroller", "actionsKeybinds",
    "shortcuts", "errorLog", "downloadEvent", "missions", "profile", "skybrowser", "bounce", "apiHandshake", "nonsense",
]  # fmt: skip
KEYS = [
    "event", "uri", "property", "value", "script", "function", "arguments", "return", "type", "inputState", "settings",
    "status", "eventType", "properties", "key", "password", "identifier", "logLevel", "updateView", "friction",
]  # fmt: skip
WORDS = [
    "start_subscription", "stop_subscription", "refresh", "connect", "disconnect", "get_all", "lua", "meta", "*", "All",
    "FocusNodeChanged", "openspace.time.setTime", "openspace.setPropertyValueSingle", "é\u2028\U0001f30d", "\x00",
]  # fmt: skip
NUMBERS = [0, 1, -1, 0.5, 1e308, -1e308, 2**31, 2**53, 10**30, -(10**30), 1e-300]


class Fuzzer:
    """Makes one message after the other; about a third is well formed, a third nearly so, a third anything."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def message(self) -> bytes:
        """One message without a newline, and never empty."""
        r = self._random
        text = json.dumps(self._sensible() if r.random() < 0.7 else self._envelope())
        data = text.encode()
        if r.random() < 0.3:
            data = self._mutated(data)
        if r.random() < 0.03:
            data = r.randbytes(r.randrange(1, 200))
        return data.replace(b"\n", b"_").replace(b"\r", b"_").strip() or b"x"

    def _sensible(self) -> dict[str, Any]:
        r = self._random
        kind = r.choice(TYPES)
        payload: dict[str, Any] = {"event": r.choice(["start_subscription", "start_subscription", "stop_subscription"])}
        if kind == "luascript":
            payload = {"script": r.choice(SCRIPTS), "return": r.random() < 0.7}
        elif kind in ("get", "set", "trigger"):
            payload = {"property": r.choice(URIS), "value": self._value()}
        elif kind == "subscribe":
            payload |= {r.choice(["uri", "property"]): r.choice(URIS)}
        elif kind == "event":
            payload |= {"eventType": r.choice(["*", "FocusNodeChanged"]), "status": "start_subscription"}
        elif kind == "documentation":
            payload = {"type": r.choice(["lua", "meta", "keyboard", "factories"])}
        elif kind == "flightcontroller":
            payload = {
                r.choice(["event", "type"]): "inputState",
                "inputState": {"orbitX": self._value(2), "zoomIn": 0.1},
            }
        return {"topic": r.randrange(40), "type": kind, "payload": payload}

    def _envelope(self) -> Any:
        r = self._random
        if r.random() < 0.1:
            return self._value()
        message: dict[str, Any] = {"topic": r.choice([r.randrange(40), self._value(2)])}
        if r.random() < 0.8:
            message["type"] = r.choice([r.choice(TYPES), self._value(2)])
        if r.random() < 0.9:
            message["payload"] = {r.choice(KEYS): self._value() for _ in range(r.randrange(5))}
        return message

    def _value(self, depth: int = 0) -> Any:
        r = self._random
        choice = r.randrange(9 if depth < 3 else 6)
        if choice == 0:
            return None
        if choice == 1:
            return r.random() < 0.5
        if choice == 2:
            return r.choice(NUMBERS)
        if choice in (3, 4, 5):
            return r.choice([*WORDS, *URIS, *SCRIPTS, "x" * r.randrange(300)])
        if choice == 6:
            return [self._value(depth + 1) for _ in range(r.randrange(5))]
        return {r.choice([*KEYS, "1", "2", "x"]): self._value(depth + 1) for _ in range(r.randrange(4))}

    def _mutated(self, data: bytes) -> bytes:
        r = self._random
        changed = bytearray(data)
        for _ in range(r.randrange(1, 4)):
            at = r.randrange(len(changed) + 1)
            choice = r.randrange(4)
            if choice == 0:
                changed[at:at] = r.randbytes(r.randrange(1, 4))
            elif choice == 1:
                del changed[at : at + r.randrange(1, 10)]
            elif choice == 2:
                changed[at:at] = changed[at : at + r.randrange(1, 20)]
            else:
                changed[at : at + 1] = r.choice([b'"', b"{", b"}", b"[", b"]", b"9", b"e", b"-", b"NaN"])
        return bytes(changed)


async def send_nonsense(connect: Callable[[], Awaitable[Client]], seed: int, count: int) -> Client:
    """Send ``count`` messages, on a new connection whenever the last one was ended; returns when the last client's are
    handled."""
    fuzzer = Fuzzer(seed)
    client = await connect()
    for _ in range(count):
        if client.gone.is_set():
            client = await connect()
        with contextlib.suppress(ConnectionError, WebSocketClosedError):
            await send_raw(client, fuzzer.message())
    await handled(client)
    return client


async def handled(client: Client) -> None:
    """Everything ``client`` sent has been handled, or it is gone."""
    last = 10**6
    with contextlib.suppress(ConnectionError, WebSocketClosedError):
        await client.link.send(json.dumps({"topic": last, "type": "version", "payload": {}}))
    waiting = [asyncio.ensure_future(client.next(last, patience=SLOW)), asyncio.ensure_future(client.gone.wait())]
    _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    assert not waiting[0].done() or waiting[0].exception() is None


async def send_raw(client: Client, data: bytes) -> None:
    """Bytes as they are over TCP; over a WebSocket as text where they are text."""
    if isinstance(client.link, TcpLink):
        client.link.writer.write(data + b"\n")
        await client.link.writer.drain()
    else:
        assert isinstance(client.link, WebSocketLink)
        try:
            await client.link.send(data.decode())
        except UnicodeDecodeError:
            await client.link._connection.write_message(data, binary=True)
