"""Session snapshots: camera, time, focus and changed properties, read from an instance and restored in another one."""

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
from openspace_server.sockets import endpoints
from openspace_server.sockets.endpoints import Endpoint

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5.0
MAX_STATE_BYTES = 256 * 1024
FAULTS = (*endpoints.FAULTS, ProtocolError)
"""Exceptions that mean that an instance could not be asked."""


class Refused(ProtocolError):
    """The instance answered a request with an error."""


@dataclass(frozen=True)
class Snapshot:
    """``state``: what to restore, as JSON. ``viewers``: how many are attached; None if unknown. ``stats``: figures of
    the instance."""

    state: str
    viewers: int | None
    stats: dict[str, Any] = field(default_factory=dict)

    @property
    def pose(self) -> str:
        return pose(self.state)


def pose(state: str) -> str:
    """The part of ``state`` that changes only when the session is steered: unlike the time, it does not advance."""
    fields = json.loads(state) if state else {}
    steered = {name: fields.get(name) for name in ("camera", "focus", "rate", "paused", "properties")}
    return json.dumps(_rounded(steered), sort_keys=True)


async def take(host: HostRow, row: SessionRow, agent: AgentConnection | None, timeout: float) -> Snapshot:
    """Ask the instance of ``row`` for its state. Raises one of FAULTS."""
    async with _connect(host, row, agent, Role.SPECTATOR, timeout) as instance:
        reply = await instance.request("state")
        if not isinstance(reply, dict):
            raise ProtocolError(f"state: expected an object, got {describe(reply)}")
        state = {name: reply[name] for name in ("time", "rate", "paused", "focus") if name in reply}
        state["camera"] = await instance.request("camera")
        with contextlib.suppress(Refused):  # an engine without properties
            state["properties"] = await instance.request("properties")
        stats = None
        with contextlib.suppress(Refused):
            stats = await instance.request("stats")
    viewers = reply.get("viewers")
    encoded = json.dumps(state)
    if len(encoded) > MAX_STATE_BYTES:
        log.warning("session %s: it has too many changed properties to keep them for a restart", row.id)
        encoded = json.dumps(state | {"properties": None})
    figures = stats if isinstance(stats, dict) else {}
    return Snapshot(encoded, viewers if isinstance(viewers, int) else None, figures)


async def frame(host: HostRow, row: SessionRow, agent: AgentConnection | None, timeout: float) -> bytes:
    """One drawn frame, as the array message that the instance sends. Raises one of FAULTS."""
    async with _connect(host, row, agent, Role.SPECTATOR, timeout) as instance:
        message = await instance.request("frame", arrays=True)
    if not isinstance(message, bytes):
        raise ProtocolError("frame: not answered with an array")
    return message


async def dismiss(host: HostRow, row: SessionRow, agent: AgentConnection | None, timeout: float, share: str) -> None:
    """Disconnect the viewers that came by the share link ``share``. Raises one of FAULTS."""
    async with _connect(host, row, agent, Role.CONTROLLER, timeout) as instance:
        await instance.request("dismiss", {"share": share})


async def restore(host: HostRow, row: SessionRow, agent: AgentConnection | None, timeout: float) -> None:
    """Restore ``row.snapshot`` in a new instance. What the instance refuses is left out. Raises one of FAULTS."""
    requests = _restoring_requests(json.loads(row.snapshot) if row.snapshot else {})
    async with _connect(host, row, agent, Role.CONTROLLER, timeout) as instance:
        for verb, arguments in requests:
            try:
                await instance.request(verb, arguments)
            except Refused as problem:
                log.info("session %s: %s was not restored: %s", row.id, verb, problem)


def _restoring_requests(state: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The requests that restore ``state``. Time is paused meanwhile, so that it ends up right."""
    steps = [
        ("set_properties", "properties", state.get("properties")),
        ("set_rate", "rate", state.get("rate")),
        ("set_time", "time", state.get("time")),
        ("set_focus", "target", state.get("focus")),
        ("set_camera", "camera", state.get("camera")),
        ("set_paused", "paused", state.get("paused")),
    ]
    if "paused" in state:
        steps.insert(0, ("set_paused", "paused", True))
    return [(verb, {argument: value}) for verb, argument, value in steps if value is not None]


@contextlib.asynccontextmanager
async def _connect(
    host: HostRow, row: SessionRow, agent: AgentConnection | None, role: Role, timeout: float
) -> AsyncIterator[_InstanceClient]:
    """A connection to the instance of ``row``, for at most ``timeout`` seconds."""
    async with asyncio.timeout(timeout):
        socket = await _open_bulk_socket(host, agent)
        try:
            await socket.send(Join(row.id, role, f"orchestrator-{role}", row.token, owner=True, observer=True).encode())
            yield _InstanceClient(socket)
        finally:
            await socket.close()


async def _open_bulk_socket(host: HostRow, agent: AgentConnection | None) -> Endpoint:
    if host.kind != HostKind.AGENT:
        return await endpoints.connect(gateway_url(host, "bulk"), timeout=CONNECT_TIMEOUT)
    if agent is None:
        raise OSError("the agent has not dialled in here")
    return await agent.open("bulk")


class _InstanceClient:
    """Requests over an instance's bulk socket, one at a time."""

    def __init__(self, socket: Endpoint) -> None:
        self._socket = socket
        self._last_id = 0

    async def request(self, verb: str, arguments: dict[str, Any] | None = None, arrays: bool = False) -> Any:
        self._last_id += 1
        await self._socket.send(Request(self._last_id, verb, arguments or {}).encode())
        while (raw := await self._socket.receive()) is not None:
            if isinstance(raw, bytes):
                if arrays:
                    return raw
                continue
            message = parse_object(raw)
            if message.get("type") == "error" and message.get("id") is None:
                raise ProtocolError(str(message.get("reason"))[:200])
            if message.get("id") != self._last_id:
                continue
            if message.get("type") == "error":
                raise Refused(str(message.get("reason"))[:200])
            if message.get("type") == "reply":
                return message.get("result")
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
