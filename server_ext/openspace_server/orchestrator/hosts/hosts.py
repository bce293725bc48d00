"""Which hosts there are and whether they answer. A host that falls silent is *lost*; only one that has certainly
ended is *gone*. The difference matters: a lost host may still be drawing for somebody."""

from __future__ import annotations

import asyncio
import logging
import time

from openspace_server.orchestrator.errors import CommandRefused, HostUnreachable
from openspace_server.orchestrator.hosts.agent_connections import AgentConnections
from openspace_server.orchestrator.hosts.local_host import LocalHost
from openspace_server.orchestrator.hosts.reconcile import Reconciler
from openspace_server.orchestrator.hosts.supervisor_client import HostClient
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import HostKind, HostRow, HostState
from openspace_server.orchestrator.store.sessions import SessionStore

log = logging.getLogger(__name__)

PROBES_AT_ONCE = 4
KNOWN_FOR = 0.5
"""Seconds."""


class Hosts:
    """The hosts of the configuration, those added to the database, and those that dial in; or the one local host when
    there are none of these."""

    def __init__(self, settings: Settings, store: HostStore, sessions: SessionStore, agents: AgentConnections) -> None:
        self._settings = settings
        self._store = store
        self.agents = agents
        self._reconciler = Reconciler(sessions, store, settings.unknown_grace)
        self.local = None if settings.hosts else LocalHost(settings, store, self._reconciler)
        self._configured: list[str] = []
        self._last_heard: dict[str, float] = {}
        self._renewed: dict[str, float] = {}
        self._compared: set[str] = set()
        self._known: dict[str, str] = {}
        self._known_at = -KNOWN_FOR
        self._probes = asyncio.Semaphore(PROBES_AT_ONCE)

    async def start(self) -> None:
        """Know every configured host, and ask each once."""
        for where in self._settings.hosts:
            row = await self._store.add(
                where, self._settings.host_secret, HostKind.CONFIG, exclusive=self._settings.exclusive_hosts
            )
            self._configured.append(row.id)
        await self.look()

    async def stop(self) -> None:
        if self.local is not None:
            await self.local.stop()

    async def usable(self) -> list[str]:
        """The ids of the hosts a new session may go to; starts the local host if there is none.

        Known for a moment without asking again: whether one of them is ready is seen when a slot is looked for.
        """
        remote = await self._remotes()
        if not remote and self.local is not None:
            return [await self.local.ensure()]
        return [id for id, kind in remote.items() if kind != HostKind.AGENT or id in self.agents]

    def client(self, host: HostRow) -> HostClient:
        return HostClient(host, self._settings.command_timeout, self.agents.get(host.id))

    def reachable(self, host: HostRow) -> bool:
        """Whether this process has a way to it: an agent may have dialled in elsewhere."""
        return host.kind != HostKind.AGENT or host.id in self.agents

    async def heard(self, host: HostRow) -> None:
        """It answered."""
        moment = self._last_heard[host.id] = time.monotonic()
        if moment - self._renewed.get(host.id, 0.0) > self._settings.host_timeout / 3:
            self._renewed[host.id] = moment
            await self._store.renew(host.id, self._settings.host_timeout)

    async def unreachable(self, host: HostRow, problem: HostUnreachable) -> bool:
        """It did not answer. True when that ended its sessions (their reason tells why)."""
        if self.local is not None and host.local and self.local.has_ended(host, problem):
            return await self._store.set_gone(host.id, self.local.end_reason(host))
        silent = time.monotonic() - self._last_heard.setdefault(host.id, time.monotonic())
        if silent < self._settings.host_timeout:
            return False
        if self.local is not None and self.local.kill_own(host):
            return await self._store.set_gone(host.id, f"the render host on this machine hung for {silent:.0f} s")
        if await self._store.set_lost(host.id, f"the render host has not answered for {silent:.0f} s: {problem}"):
            log.warning("render host %s is lost: %s", host.id, problem)
            return True
        return False

    async def look(self) -> None:
        """Ask every host that nobody has heard from lately how it is, and compare."""
        self._known_at = -KNOWN_FOR
        remote = list(await self._remotes())
        interval = self._settings.probe_interval * 0.8
        due = await self._store.due(remote, interval, self._settings.host_timeout)
        again = [id for id in remote if id not in self._compared and id not in {host.id for host in due}]
        hosts = [*due, *[host for id in again if (host := await self._store.host(id)) is not None]]
        await asyncio.gather(*(self._guarded(host) for host in hosts))

    def _remote(self, host: HostRow) -> bool:
        return host.kind in (HostKind.ADDED, HostKind.AGENT) or host.id in self._configured

    async def _remotes(self) -> dict[str, str]:
        if time.monotonic() - self._known_at > KNOWN_FOR:
            self._known = {host.id: host.kind for host in await self._store.hosts() if self._remote(host)}
            self._known_at = time.monotonic()
        return self._known

    async def _guarded(self, host: HostRow) -> None:
        async with self._probes:
            try:
                await self._probe(host)
            except Exception:  # the next round may do better; without rounds no lost host would ever come back
                log.exception("looking at render host %s", host.id)

    async def _probe(self, host: HostRow) -> None:
        silent = host.state in (HostState.LOST, HostState.JOINING)
        client = self.client(host)
        try:
            capacity = await client.capacity()
            self._last_heard[host.id] = self._renewed[host.id] = time.monotonic()
            # Before it may get sessions again: what runs there may be left over from those it lost.
            await self._reconciler.compare(host, client, capacity, silent or host.id not in self._compared)
            self._compared.add(host.id)
            if await self._store.set_ready(host.id, capacity.total, self._settings.host_timeout, capacity.plain):
                log.info("render host %s is ready: %d slots", host.id, capacity.total)
        except HostUnreachable as problem:
            if silent and host.reason != str(problem):
                await self._store.set_reason(host.id, str(problem))
            await self.unreachable(host, problem)
        except CommandRefused as problem:
            log.warning("render host %s: %s", host.id, problem)
