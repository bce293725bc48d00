"""Client of the supervisor protocol: one command and one reply per connection."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClosedError, WebSocketError, websocket_connect

from openspace_server.orchestrator.errors import CommandRefused, HostUnreachable
from openspace_server.orchestrator.hosts.agent_connections import AgentConnection
from openspace_server.orchestrator.store.models import HostKind, HostRow, SessionRow
from openspace_server.protocols import credentials, supervisor
from openspace_server.protocols.fields import ProtocolError, parse_object
from openspace_server.protocols.supervisor import InstanceState

MAX_REPLY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Status:
    """State of one slot. The fields after ``reason`` are None if the host does not report them."""

    state: InstanceState
    reason: str
    session: str | None
    width: int | None
    height: int | None
    fence: int | None = None
    viewers: int | None = None

    @property
    def busy(self) -> bool:
        return self.state in (InstanceState.INITIALIZING, InstanceState.RUNNING, InstanceState.DEINITIALIZING)

    def belongs_to(self, session: str) -> bool:
        """Whether it runs an instance of ``session``; assumed if the host reports no session."""
        return self.busy and self.session in (None, session)


@dataclass(frozen=True)
class Capacity:
    """``published_only``: the host does not support our additions to the published protocol."""

    total: int
    running: int
    published_only: bool


class SupervisorClient:
    """Commands to one host, each over a connection of its own or, for an agent, over the connection it keeps open.

    Every method raises HostUnreachable when no usable reply came within ``timeout`` seconds, and CommandRefused when
    the host replied with an error.
    """

    def __init__(self, host: HostRow, timeout: float, agent: AgentConnection | None = None) -> None:
        address = f"[{host.address}]" if ":" in host.address else host.address
        self._where = f"the agent {host.name}" if host.kind == HostKind.AGENT else f"{address}:{host.port}"
        self._is_agent = host.kind == HostKind.AGENT
        self._agent = agent
        self._secret = host.secret
        self._timeout = timeout

    async def start(self, row: SessionRow) -> int:
        """Start an instance for ``row``; its id. The same row again is the same instance (``request_id``)."""
        reply = await self._ask(
            "START",
            session=row.id,
            fence=row.fence,
            slot=f"{row.host}/{row.slot}",
            request_id=f"{row.id}/{row.fence}",
            engine=row.engine,
            width=row.width,
            height=row.height,
            token=row.token,
        )
        return _whole(reply, "id")

    async def stop(self, row: SessionRow) -> None:
        await self._ask("STOP", id=row.instance, session=row.id, fence=row.fence)

    async def stop_instance(self, instance: int, session: str | None = None) -> None:
        """Stop an instance; only if it belongs to ``session``, if one is given."""
        await self._ask("STOP", id=instance, **({"session": session} if session else {}))

    async def resolution(self, row: SessionRow, width: int, height: int) -> None:
        await self._ask("RESOLUTION", id=row.instance, width=width, height=height, session=row.id, fence=row.fence)

    async def status(self, instance: int) -> Status:
        reply = await self._ask("STATUS", id=instance)
        try:
            state = InstanceState(reply.get("status", ""))
        except ValueError:
            raise CommandRefused(f"STATUS has no known status: {str(reply.get('status'))[:40]!r}") from None
        reason, session = reply.get("reason"), reply.get("session")
        names = ("width", "height", "fence", "viewers")
        numbers = {name: value if isinstance(value := reply.get(name), int) else None for name in names}
        return Status(
            state,
            reason if isinstance(reason, str) else "",
            session if isinstance(session, str) and session else None,
            **numbers,
        )

    async def capacity(self) -> Capacity:
        """How many instances the host can run at once, and runs."""
        reply = await self._ask("SERVER_STATUS", request_id="capacity")
        return Capacity(_whole(reply, "total"), _whole(reply, "running"), "request_id" not in reply)

    async def slots(self) -> int:
        """How many instances the host can run at once."""
        return (await self.capacity()).total

    async def find(self, session: str) -> int | None:
        """The id of the instance that reports ``session``."""
        for instance in range(await self.slots()):
            status = await self.status(instance)
            if status.busy and status.session == session:
                return instance
        return None

    async def _ask(self, command: str, **fields: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._timeout):
                message = supervisor.encode({"command": command, **fields})
                reply = parse_object(await self._send(message))
        except TimeoutError:
            raise HostUnreachable(f"{self._where} did not answer {command} within {self._timeout:g} s") from None
        except ConnectionRefusedError:
            raise HostUnreachable(f"nothing listens on {self._where}", refused=True) from None
        except HTTPClientError as problem:
            hint = "; is OpenSpaceExtension.host_secret right?" if problem.code in (401, 403) else ""
            raise HostUnreachable(f"{self._where} refused the connection with {problem.code}{hint}") from None
        except (OSError, WebSocketError, WebSocketClosedError, ProtocolError) as problem:
            raise HostUnreachable(f"{self._where}: {str(problem) or type(problem).__name__}") from None
        error = reply.get("error")
        if error != supervisor.NONE:
            raise CommandRefused(error if isinstance(error, str) else f"{command} was not understood")
        return reply

    async def _send(self, message: str) -> str | bytes:
        if not self._is_agent:
            return await self._send_over_new_connection(message)
        if self._agent is None:
            raise ProtocolError("it has not dialled in here")
        return await self._agent.ask(message)

    async def _send_over_new_connection(self, message: str) -> str | bytes:
        # The secret signs the command and is not sent: an eavesdropper learns nothing that helps with another one.
        headers = {"Authorization": credentials.sign(self._secret, message, time.time())} if self._secret else {}
        request = HTTPRequest(f"ws://{self._where}/", headers=headers, connect_timeout=self._timeout)
        connection = await websocket_connect(request, max_message_size=MAX_REPLY_BYTES)
        try:
            await connection.write_message(message)
            reply = await connection.read_message()
        finally:
            connection.close()
        if reply is None:
            raise ProtocolError("closed the connection without a reply")
        return reply


def _whole(reply: dict[str, Any], field: str) -> int:
    value = reply.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise CommandRefused(f"the reply's {field} is {str(value)[:40]!r}")
    return value
