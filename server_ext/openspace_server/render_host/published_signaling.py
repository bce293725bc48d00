"""The published signaling dialect: hosts that stream themselves, viewers of the published web GUI, and their calls.

A host here is OpenSpace's GStreamer build. It is watched by the published web GUI, as upstream, or by one of our own
views, which uses our signaling. An instance of ours may be watched by the published web GUI. (Our views and our
instances signal to each other without this module.)

A real host supports one viewer only, and aborts when it receives what it does not expect. So for each viewer it is
called over a new connection; it gets one answer to each offer, and candidates only after that.
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

MAX_QUEUED_CANDIDATES = 64
"""Candidates kept for a host that has no answer yet."""
RECONNECT_TIME = 5.0
"""Seconds within which a host that has disconnected may open another connection."""
REPLACED = 4409
ENDED = 1000
TAKEN_OVER = "another viewer has taken over: this OpenSpace streams to one viewer only"


class HostViewer(Protocol):
    """A viewer of a host."""

    async def offer(self, host: int, sdp: str) -> None: ...

    async def candidate(self, host: int, candidate: dict[str, Any]) -> None: ...

    async def on_closed(self, reason: str) -> None:
        """The host is gone, or another viewer has taken over."""


class CallState(Enum):
    """Where a host is in a call: what it waits for next."""

    REGISTERED = auto()
    WAITING = auto()
    CALLED = auto()
    OFFERED = auto()
    ANSWERED = auto()


@dataclass
class Host:
    """The connection of a registered host, for one call."""

    id: int
    endpoint: Endpoint
    state: CallState = CallState.REGISTERED
    viewer: HostViewer | None = None
    queued_candidates: list[dict[str, Any]] = field(default_factory=list)
    closing: asyncio.Future[None] | None = None

    async def call(self, viewer: HostViewer) -> None:
        """Tell the host that its viewer is present."""
        self.viewer, self.state = viewer, CallState.CALLED
        await self.endpoint.send(published.SESSION_OK)

    async def answer(self, sdp: str) -> None:
        """Send the viewer's answer, unless there is no open offer: the host would abort."""
        if self.state is not CallState.OFFERED:
            log.warning("host %d: an answer in state %s was not sent", self.id, self.state.name)
            return
        self.state = CallState.ANSWERED
        await self.endpoint.send(published.sdp(VIEWER_BASE + self.id, "answer", sdp))
        for candidate in self.queued_candidates:
            await self.candidate(candidate)

    async def candidate(self, candidate: dict[str, Any] | None) -> None:
        if candidate is None or not published.usable(candidate):
            return
        if self.state is CallState.ANSWERED:
            await self.endpoint.send(published.ice(VIEWER_BASE + self.id, candidate))
        elif len(self.queued_candidates) < MAX_QUEUED_CANDIDATES:
            self.queued_candidates.append(candidate)

    async def on_message(self, message: published.Published) -> None:
        """Pass a message of the host on to its viewer, if it has one."""
        if self.viewer is None:
            return
        if message.sdp is not None and message.sdp[0] == "offer" and self.state is CallState.CALLED:
            self.state = CallState.OFFERED
            await self.viewer.offer(self.id, message.sdp[1])
        elif message.candidate is not None:
            await self.viewer.candidate(self.id, message.candidate)

    def restart(self, reason: str) -> None:
        """Close the connection: the host then opens another one, for the next viewer."""
        self.viewer = None
        self.closing = asyncio.ensure_future(self.endpoint.close(ENDED, reason))


class Exchange:
    """The registered hosts and their viewers. Belongs to the event loop."""

    def __init__(self) -> None:
        self._hosts: dict[int, Host] = {}
        self._waiting: dict[int, HostViewer] = {}
        self._last_seen: dict[int, float] = {}

    def has_host(self, host: int) -> bool:
        """Whether ``host`` is registered, or was a moment ago: real ones reconnect within two seconds."""
        return host in self._hosts or time.monotonic() - self._last_seen.get(host, -math.inf) < RECONNECT_TIME

    def is_free(self, host: int) -> bool:
        """Whether ``host`` is present and has no viewer, nor one that waits for it."""
        found = self._hosts.get(host)
        return self.has_host(host) and host not in self._waiting and (found is None or found.viewer is None)

    async def serve_host(self, endpoint: Endpoint, host_id: int) -> None:
        """Serve a host's connection, from its ``REGISTER`` to its end."""
        previous = self._hosts.pop(host_id, None)
        if previous is not None:
            await self._disconnect(previous, "another OpenSpace has registered with the same id")
        host = self._hosts[host_id] = Host(host_id, endpoint)
        await endpoint.send(published.REGISTERED)
        try:
            async for message in _messages(endpoint, host_id):
                if message.type == "SESSION":
                    host.state = max(host.state, CallState.WAITING, key=lambda state: state.value)
                    await self._call_if_ready(host_id)
                else:
                    await host.on_message(message)
        finally:
            if self._hosts.get(host_id) is host:
                del self._hosts[host_id]
                self._last_seen[host_id] = time.monotonic()
            if host.viewer is not None:
                await host.viewer.on_closed("the OpenSpace that streams has disconnected")

    async def attach(self, host_id: int, viewer: HostViewer) -> None:
        """Attach ``viewer`` to the host once that is ready. It replaces an earlier viewer."""
        waiting = self._waiting.pop(host_id, None)
        if waiting is not None:
            await waiting.on_closed(TAKEN_OVER)
        self._waiting[host_id] = viewer
        host = self._hosts.get(host_id)
        if host is not None and host.viewer is not None:
            await self._disconnect(host, TAKEN_OVER)
        await self._call_if_ready(host_id)

    async def detach(self, host_id: int, viewer: HostViewer) -> None:
        """``viewer`` has left: end its call, or stop waiting for the host."""
        if self._waiting.get(host_id) is viewer:
            del self._waiting[host_id]
        host = self._hosts.get(host_id)
        if host is not None and host.viewer is viewer:
            host.restart("its viewer has left")

    def host_of(self, host_id: int, viewer: HostViewer) -> Host | None:
        """The host, if ``viewer`` is its viewer now."""
        host = self._hosts.get(host_id)
        return host if host is not None and host.viewer is viewer else None

    async def _call_if_ready(self, host_id: int) -> None:
        host = self._hosts.get(host_id)
        if host is not None and host.state is CallState.WAITING and host_id in self._waiting:
            await host.call(self._waiting.pop(host_id))

    async def _disconnect(self, host: Host, reason: str) -> None:
        viewer = host.viewer
        host.restart(reason)
        if viewer is not None:
            await viewer.on_closed(reason)


@dataclass(eq=False)
class PublishedViewer:
    """The stream view of the published web GUI."""

    endpoint: Endpoint
    id: int

    async def offer(self, host: int, sdp: str) -> None:
        await self.endpoint.send(published.sdp(host, "offer", sdp))

    async def candidate(self, host: int, candidate: dict[str, Any]) -> None:
        await self.endpoint.send(published.ice(host, candidate))

    async def on_closed(self, reason: str) -> None:
        await self.endpoint.send(published.error(reason))
        await self.endpoint.close(REPLACED, reason)


@dataclass(eq=False)
class WidgetViewer:
    """One of our views, which uses our own signaling."""

    endpoint: Endpoint

    async def offer(self, host: int, sdp: str) -> None:
        await self.endpoint.send(signaling.offer(sdp))

    async def candidate(self, host: int, candidate: dict[str, Any]) -> None:
        await self.endpoint.send(signaling.ice_candidate(candidate))

    async def on_closed(self, reason: str) -> None:
        await self.endpoint.send(signaling.error(reason))
        await self.endpoint.close(REPLACED, reason)


async def serve_published_viewer(exchange: Exchange, endpoint: Endpoint, host_id: int) -> None:
    """Serve a web GUI that watches a host, after its ``REGISTER``."""
    viewer = PublishedViewer(endpoint, VIEWER_BASE + host_id)
    await exchange.attach(host_id, viewer)
    try:
        async for message in _messages(endpoint, viewer.id):
            host = exchange.host_of(host_id, viewer)
            if host is not None and message.sdp is not None and message.sdp[0] == "answer":
                await host.answer(message.sdp[1])
            elif host is not None and message.type == "ICE":
                await host.candidate(message.candidate)
    finally:
        await exchange.detach(host_id, viewer)


async def serve_widget_viewer(exchange: Exchange, endpoint: Endpoint, host_id: int) -> None:
    """Serve one of our views that watches a host, after its ``join``."""
    viewer = WidgetViewer(endpoint)
    await exchange.attach(host_id, viewer)
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
        await exchange.detach(host_id, viewer)


async def serve_instance_viewer(endpoint: Endpoint, host_id: int, instance: Endpoint) -> None:
    """Serve a web GUI that watches one of our instances, after its ``REGISTER``. ``instance``: the signaling socket of
    the instance, which has got its ``join``."""
    forwarding = asyncio.create_task(_forward_to_viewer(endpoint, host_id, instance))
    answered = False
    try:
        async for message in _messages(endpoint, VIEWER_BASE + host_id):
            if message.sdp is not None and message.sdp[0] == "answer" and not answered:
                answered = True
                await instance.send(signaling.answer(message.sdp[1]))
            elif message.candidate is not None:
                await instance.send(signaling.ice_candidate(message.candidate))
    finally:
        forwarding.cancel()
        await instance.close()


async def _forward_to_viewer(endpoint: Endpoint, host_id: int, instance: Endpoint) -> None:
    """Translate the instance's messages into the published dialect."""
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
    """The messages of ``caller``; without those that cannot be decoded or name another caller."""
    while (raw := await endpoint.receive()) is not None:
        try:
            message = published.decode(raw)
        except ProtocolError as problem:
            log.warning("peer %d: %s", caller, problem)
            continue
        if message.caller == caller:
            yield message
