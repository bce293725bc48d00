"""What an instance shows, read and given back over its bulk socket: camera, time, focus, and the properties that were
changed, where the engine can tell them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from openspace_server.orchestrator.hosts.agent_connections import AgentConnection
from openspace_server.orchestrator.store.models import HostKind, HostRow, SessionRow
from openspace_server.protocols.fields import ProtocolError, describe, parse_object
from openspace_server.protocols.signaling import Join, Role
from openspace_server.protocols.viewer import Request
from openspace_server.sockets import ends
from openspace_server.sockets.ends import End

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5.0
MAX_KNOWN = 256 * 1024
FAULTS = (*ends.FAULTS, ProtocolError)
"""What tells that an instance could not be asked."""


class Refused(ProtocolError):
    """The instance answered a request with an error."""


@dataclass(frozen=True)
class Snapshot:
    """``known``: what to give back, as JSON. ``viewers``: how many watch; None if unknown.
    ``stats``: its figures. ``pose``: tells whether somebody steered in between; unlike the time, it does not move by
    itself."""

    known: str
    viewers: int | None
    stats: dict[str, Any] = field(default_factory=dict)

    @property
    def pose(self) -> str:
        return pose(self.known)


def pose(known: str) -> str:
    told = json.loads(known) if known else {}
    return json.dumps(
        _rounded({name: told.get(name) for name in ("camera", "focus", "rate", "paused", "properties")}), sort_keys=True
    )


async def take(host: HostRow, row: SessionRow, agent: AgentConnection | None, timeout: float) -> Snapshot:
    """Ask the instance of ``row``. Raises one of FAULTS."""
    async with _talk(host, row, agent, Role.VIEWER, timeout) as talk:
        state = await talk.ask("state")
        if not isinstance(state, dict):
            raise ProtocolError(f"state: expected an object, got {describe(state)}")
        known = {name: state[name] for name in ("time", "rate", "paused", "focus") if name in state}
        known["camera"] = await talk.ask("camera")
        with contextlib.suppress(Refused):  # an engine without properties
            known["properties"] = await talk.ask("properties")
        stats = None
        with contextlib.suppress(Refused):
            stats = await talk.ask("stats")
    viewers = state.get("viewers")
    encoded = json.dumps(known)
    if len(encoded) > MAX_KNOWN:
        log.warning("session %s: its properties are too many to be kept for a restart", row.id)
        encoded = json.dumps(known | {"properties": None})
    figures = stats if isinstance(stats, dict) else {}
    return Snapshot(encoded, viewers if isinstance(viewers, int) else None, figures)


async def frame(host: HostRow, row: SessionRow, agent: AgentConnection | None, timeout: float) -> bytes:
    """One drawn frame, as the array message that the instance sends. Raises one of FAULTS."""
    async with _talk(host, row, agent, Role.VIEWER, timeout) as talk:
        picture = await talk.ask("frame", arrays=True)
    if not isinstance(picture, bytes):
        raise ProtocolError("frame: not answered with an array")
    return picture


async def dismiss(host: HostRow, row: SessionRow, agent: AgentConnection | None, timeout: float, share: str) -> None:
    """Disconnect the viewers that came by the share link ``share``. Raises one of FAULTS."""
    async with _talk(host, row, agent, Role.CONTROLLER, timeout) as talk:
        await talk.ask("dismiss", {"share": share})


async def give_back(host: HostRow, row: SessionRow, agent: AgentConnection | None, timeout: float) -> None:
    """Bring a new instance to what ``row.known`` tells. What it refuses is left out. Raises one of FAULTS."""
    requests = _requests(json.loads(row.known) if row.known else {})
    async with _talk(host, row, agent, Role.CONTROLLER, timeout) as talk:
        for verb, arguments in requests:
            try:
                await talk.ask(verb, arguments)
            except Refused as problem:
                log.info("session %s: %s was not given back: %s", row.id, verb, problem)


def _requests(known: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The verbs that bring an instance to what is ``known``. Time stands still meanwhile, so that it ends up right."""
    given = [
        ("set_properties", "properties", known.get("properties")),
        ("set_rate", "rate", known.get("rate")),
        ("set_time", "time", known.get("time")),
        ("set_focus", "target", known.get("focus")),
        ("set_camera", "camera", known.get("camera")),
        ("set_paused", "paused", known.get("paused")),
    ]
    if "paused" in known:
        given.insert(0, ("set_paused", "paused", True))
    return [(verb, {argument: value}) for verb, argument, value in given if value is not None]


@contextlib.asynccontextmanager
async def _talk(
    host: HostRow, row: SessionRow, agent: AgentConnection | None, role: Role, timeout: float
) -> AsyncIterator[_Talk]:
    """A conversation with the instance of ``row``, of at most ``timeout`` seconds."""
    async with asyncio.timeout(timeout):
        socket = await _bulk(host, agent)
        try:
            await socket.send(Join(row.id, role, f"orchestrator-{role}", row.token, owner=True, observer=True).encode())
            yield _Talk(socket)
        finally:
            await socket.close()


async def _bulk(host: HostRow, agent: AgentConnection | None) -> End:
    if host.kind != HostKind.AGENT:
        return await ends.connect(gateway_url(host, "bulk"), timeout=CONNECT_TIMEOUT)
    if agent is None:
        raise OSError("the agent has not dialled in here")
    return await agent.open("bulk")


class _Talk:
    """Requests over an instance's bulk socket, one at a time."""

    def __init__(self, socket: End) -> None:
        self._socket = socket
        self._last = 0

    async def ask(self, verb: str, arguments: dict[str, Any] | None = None, arrays: bool = False) -> Any:
        self._last += 1
        await self._socket.send(Request(self._last, verb, arguments or {}).encode())
        while (message := await self._socket.receive()) is not None:
            if isinstance(message, bytes):
                if arrays:
                    return message
                continue
            said = parse_object(message)
            if said.get("type") == "error" and said.get("id") is None:
                raise ProtocolError(str(said.get("reason"))[:200])
            if said.get("id") != self._last:
                continue
            if said.get("type") == "error":
                raise Refused(str(said.get("reason"))[:200])
            if said.get("type") == "reply":
                return said.get("result")
        raise OSError("the instance closed the socket")


def gateway_url(host: HostRow, channel: str) -> str:
    address = f"[{host.address}]" if ":" in host.address else host.address
    return f"ws://{address}:{host.gateway_port}/{channel}"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
