"""The published signaling dialect: hosts that stream by themselves, viewers of the published web GUI, and their calls.

Four pairings meet here. A host (OpenSpace's GStreamer build) is watched by the published web GUI, as upstream, or by
one of our own views, which speaks our signaling; an instance of ours is watched by the published web GUI. (Our views
and our instances speak to each other without any of this.)

A real host knows one viewer only, and ends itself when it hears what it does not expect. So it is called anew, over a
new connection, for each viewer; gets one answer to each offer; and candidates only after that.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from openspace_server.protocols import published_signaling as published
from openspace_server.protocols import signaling
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.published_signaling import VIEWER_BASE
from openspace_server.sockets.endpoints import Endpoint

log = logging.getLogger(__name__)

MAX_EARLY = 64
"""Candidates kept for a host that has no answer yet."""
COMES_BACK = 5.0
"""Seconds within which a host that has gone may open another connection."""
REPLACED = 4409
ENDED = 1000


class Viewer(Protocol):
    """Who watches a host."""

    async def offer(self, host: int, sdp: str) -> None: ...

    async def candidate(self, host: int, candidate: dict[str, Any]) -> None: ...

    async def ended(self, reason: str) -> None:
        """The host is gone, or somebody else watches it now."""


class CallState(Enum):
    """What a host waits for."""

    REGISTERED = auto()
    WAITING = auto()
    CALLED = auto()
    OFFERED = auto()
    ANSWERED = auto()


@dataclass
class Host:
    """A registered host's connection, good for one call."""

    id: int
    endpoint: Endpoint
    state: CallState = CallState.REGISTERED
    viewer: Viewer | None = None
    early: list[dict[str, Any]] = field(default_factory=list)
    closing: asyncio.Future[None] | None = None

    async def call(self, viewer: Viewer) -> None:
        """Tell it that its viewer is there."""
        self.viewer, self.state = viewer, CallState.CALLED
        await self.endpoint.send(published.SESSION_OK)

    async def answer(self, sdp: str) -> None:
        """The viewer's answer; one that was not asked for is left out, since the host would abort."""
        if self.state is not CallState.OFFERED:
            log.warning("host %d: an answer in state %s was left out", self.id, self.state.name)
            return
        self.state = CallState.ANSWERED
        await self.endpoint.send(published.sdp(VIEWER_BASE + self.id, "answer", sdp))
        for candidate in self.early:
            await self.candidate(candidate)

    async def candidate(self, candidate: dict[str, Any] | None) -> None:
        if candidate is None or not published.usable(candidate):
            return
        if self.state is CallState.ANSWERED:
            await self.endpoint.send(published.ice(VIEWER_BASE + self.id, candidate))
        elif len(self.early) < MAX_EARLY:
            self.early.append(candidate)

    async def hear(self, message: published.Published) -> None:
        """What the host says once it has a viewer."""
        if self.viewer is None:
            return
        if message.sdp is not None and message.sdp[0] == "offer" and self.state is CallState.CALLED:
            self.state = CallState.OFFERED
            await self.viewer.offer(self.id, message.sdp[1])
        elif message.candidate is not None:
            await self.viewer.candidate(self.id, message.candidate)

    def restart(self, reason: str) -> None:
        """Close the connection: a host opens another one, and is ready for the next viewer."""
        self.viewer = None
        self.closing = asyncio.ensure_future(self.endpoint.close(ENDED, reason))


class Exchange:
    """Who is there, and who watches whom. Lives on the event loop."""

    def __init__(self) -> None:
        self._hosts: dict[int, Host] = {}
        self._waiting: dict[int, Viewer] = {}
        self._seen: dict[int, float] = {}

    def has(self, host: int) -> bool:
        """Whether ``host`` is registered, or was until a moment ago: real ones come back within two seconds."""
        return host in self._hosts or time.monotonic() - self._seen.get(host, -math.inf) < COMES_BACK

    def is_free(self, host: int) -> bool:
        """Whether ``host`` is there and nobody watches it, or is about to."""
        found = self._hosts.get(host)
        return self.has(host) and host not in self._waiting and (found is None or found.viewer is None)

    async def serve_host(self, endpoint: Endpoint, host_id: int) -> None:
        """The life of a host's connection, from its ``REGISTER``."""
        before = self._hosts.pop(host_id, None)
        if before is not None:
            await self._drop(before, "another OpenSpace has registered with the same id")
        host = self._hosts[host_id] = Host(host_id, endpoint)
        await endpoint.send(published.REGISTERED)
        try:
            async for message in _messages(endpoint, host_id):
                if message.type == "SESSION":
                    host.state = max(host.state, CallState.WAITING, key=lambda state: state.value)
                    await self._match(host_id)
                else:
                    await host.hear(message)
        finally:
            if self._hosts.get(host_id) is host:
                del self._hosts[host_id]
                self._seen[host_id] = time.monotonic()
            if host.viewer is not None:
                await host.viewer.ended("the OpenSpace that streams has gone")

    async def watch(self, host_id: int, viewer: Viewer) -> None:
        """``viewer`` watches the host from when it is ready. The last one who asks gets it."""
        waiting = self._waiting.pop(host_id, None)
        if waiting is not None:
            await waiting.ended("another viewer has taken over: this OpenSpace streams to one only")
        self._waiting[host_id] = viewer
        host = self._hosts.get(host_id)
        if host is not None and host.viewer is not None:
            await self._drop(host, "another viewer has taken over: this OpenSpace streams to one only")
        await self._match(host_id)

    async def leave(self, host_id: int, viewer: Viewer) -> None:
        """``viewer`` has gone, and with it what it asked for."""
        if self._waiting.get(host_id) is viewer:
            del self._waiting[host_id]
        host = self._hosts.get(host_id)
        if host is not None and host.viewer is viewer:
            host.restart("its viewer has left")

    def host_of(self, host_id: int, viewer: Viewer) -> Host | None:
        """The host that ``viewer`` watches now."""
        host = self._hosts.get(host_id)
        return host if host is not None and host.viewer is viewer else None

    async def _match(self, host_id: int) -> None:
        host = self._hosts.get(host_id)
        if host is not None and host.state is CallState.WAITING and host_id in self._waiting:
            await host.call(self._waiting.pop(host_id))

    async def _drop(self, host: Host, reason: str) -> None:
        viewer = host.viewer
        host.restart(reason)
        if viewer is not None:
            await viewer.ended(reason)


@dataclass(eq=False)
class PublishedViewer:
    """The published web GUI's stream view, at ``endpoint``."""

    endpoint: Endpoint
    id: int

    async def offer(self, host: int, sdp: str) -> None:
        await self.endpoint.send(published.sdp(host, "offer", sdp))

    async def candidate(self, host: int, candidate: dict[str, Any]) -> None:
        await self.endpoint.send(published.ice(host, candidate))

    async def ended(self, reason: str) -> None:
        await self.endpoint.send(published.error(reason))
        await self.endpoint.close(REPLACED, reason)


@dataclass(eq=False)
class OurViewer:
    """A view of ours, which speaks our own signaling at ``endpoint``."""

    endpoint: Endpoint

    async def offer(self, host: int, sdp: str) -> None:
        await self.endpoint.send(signaling.offer(sdp))

    async def candidate(self, host: int, candidate: dict[str, Any]) -> None:
        await self.endpoint.send(signaling.ice_candidate(candidate))

    async def ended(self, reason: str) -> None:
        await self.endpoint.send(signaling.error(reason))
        await self.endpoint.close(REPLACED, reason)


async def serve_published_viewer(exchange: Exchange, endpoint: Endpoint, host_id: int) -> None:
    """A web GUI that watches a host, once it has registered."""
    viewer = PublishedViewer(endpoint, VIEWER_BASE + host_id)
    await exchange.watch(host_id, viewer)
    try:
        async for message in _messages(endpoint, viewer.id):
            host = exchange.host_of(host_id, viewer)
            if host is not None and message.sdp is not None and message.sdp[0] == "answer":
                await host.answer(message.sdp[1])
            elif host is not None and message.type == "ICE":
                await host.candidate(message.candidate)
    finally:
        await exchange.leave(host_id, viewer)


async def serve_our_viewer(exchange: Exchange, endpoint: Endpoint, host_id: int) -> None:
    """A view of ours that watches a host, after its ``join``."""
    viewer = OurViewer(endpoint)
    await exchange.watch(host_id, viewer)
    try:
        while (raw := await endpoint.receive()) is not None:
            try:
                message = signaling.decode(raw)
            except ProtocolError as problem:
                await endpoint.send(signaling.error(str(problem)))
                continue
            host = exchange.host_of(host_id, viewer)
            if message["type"] == "ping":
                await endpoint.send('{"type": "pong"}')
            elif message["type"] == "bye":
                return
            elif host is not None and message["type"] == "answer":
                await host.answer(message["sdp"])
            elif host is not None and message["type"] == "ice-candidate":
                await host.candidate(message.get("candidate"))
    finally:
        await exchange.leave(host_id, viewer)


async def serve_instance_viewer(endpoint: Endpoint, host_id: int, instance: Endpoint) -> None:
    """A web GUI that watches an instance of ours, once it has registered; the ``join`` was said on ``instance``, the
    instance's signaling."""
    listening = asyncio.create_task(_tell_viewer(endpoint, host_id, instance))
    answered = False
    try:
        async for message in _messages(endpoint, VIEWER_BASE + host_id):
            if message.sdp is not None and message.sdp[0] == "answer" and not answered:
                answered = True
                await instance.send(signaling.answer(message.sdp[1]))
            elif message.candidate is not None:
                await instance.send(signaling.ice_candidate(message.candidate))
    finally:
        listening.cancel()
        await instance.close()


async def _tell_viewer(endpoint: Endpoint, host_id: int, instance: Endpoint) -> None:
    """What the instance says, in the published words."""
    while (raw := await instance.receive()) is not None:
        message = signaling.decode(raw)
        match message["type"]:
            case "offer":
                await endpoint.send(published.sdp(host_id, "offer", message["sdp"]))
                for candidate in published.candidates_of(message["sdp"]):
                    await endpoint.send(published.ice(host_id, candidate))
            case "error" | "bye":
                await endpoint.send(published.error(str(message.get("reason", "the instance ended the connection"))))
    await endpoint.close(ENDED, "the instance ended the connection")


async def _messages(endpoint: Endpoint, caller: int) -> Any:
    """What comes from ``caller``; what cannot be read, or is said in another's name, is left out."""
    while (raw := await endpoint.receive()) is not None:
        try:
            message = published.decode(raw)
        except ProtocolError as problem:
            log.warning("peer %d: %s", caller, problem)
            continue
        if message.caller == caller:
            yield message
