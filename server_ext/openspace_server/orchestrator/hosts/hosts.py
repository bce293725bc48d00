"""Render hosts and whether they answer. A host that does not answer is *lost*; only one that has certainly ended is
*gone*. The difference matters: instances of a lost host may still run and have viewers."""

from __future__ import annotations

import asyncio
import logging
import time

from openspace_server.orchestrator.errors import CommandRefused, HostUnreachable
from openspace_server.orchestrator.hosts.agent_connections import AgentConnections
from openspace_server.orchestrator.hosts.local_host import LocalHost
from openspace_server.orchestrator.hosts.reconcile import Reconciler
from openspace_server.orchestrator.hosts.supervisor_client import SupervisorClient
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import HostKind, HostRow, HostState
from openspace_server.orchestrator.store.sessions import SessionStore

log = logging.getLogger(__name__)

MAX_CONCURRENT_PROBES = 4
CACHE_DURATION = 0.5
"""Seconds for which the list of remote hosts is not read again."""


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
        self._last_answer: dict[str, float] = {}
        self._last_renewal: dict[str, float] = {}
        self._compared: set[str] = set()
        self._cached_remotes: dict[str, str] = {}
        self._cached_at = -CACHE_DURATION
        self._probes = asyncio.Semaphore(MAX_CONCURRENT_PROBES)

    async def start(self) -> None:
        """Add all configured hosts to the database, and probe each."""
        for where in self._settings.hosts:
            row = await self._store.add(
                where, self._settings.host_secret, HostKind.CONFIG, exclusive=self._settings.exclusive_hosts
            )
            self._configured.append(row.id)
        await self.probe()

    async def stop(self) -> None:
        if self.local is not None:
            await self.local.stop()

    async def usable(self) -> list[str]:
        """The ids of the hosts that a new session may use; starts the local host if there is none.

        May be cached: whether a host is ready is checked when a slot is allocated.
        """
        remote = await self._remotes()
        if not remote and self.local is not None:
            return [await self.local.ensure()]
        return [id for id, kind in remote.items() if kind != HostKind.AGENT or id in self.agents]

    def client(self, host: HostRow) -> SupervisorClient:
        return SupervisorClient(host, self._settings.command_timeout, self.agents.get(host.id))

    def is_reachable(self, host: HostRow) -> bool:
        """Whether this process has a way to it: an agent may have dialled in elsewhere."""
        return host.kind != HostKind.AGENT or host.id in self.agents

    async def on_answer(self, host: HostRow) -> None:
        """It answered: renew its lease, if that is due."""
        now = self._last_answer[host.id] = time.monotonic()
        if now - self._last_renewal.get(host.id, 0.0) > self._settings.host_timeout / 3:
            self._last_renewal[host.id] = now
            await self._store.renew(host.id, self._settings.host_timeout)

    async def on_unreachable(self, host: HostRow, problem: HostUnreachable) -> bool:
        """It did not answer. True when that ended its sessions, for the reason stored with them."""
        if self.local is not None and host.local and self.local.has_ended(host, problem):
            return await self._store.set_gone(host.id, self.local.end_reason(host))
        silence = time.monotonic() - self._last_answer.setdefault(host.id, time.monotonic())
        if silence < self._settings.host_timeout:
            return False
        if self.local is not None and self.local.kill_own(host):
            return await self._store.set_gone(host.id, f"the render host on this machine hung for {silence:.0f} s")
        if await self._store.set_lost(host.id, f"the render host has not answered for {silence:.0f} s: {problem}"):
            log.warning("render host %s is lost: %s", host.id, problem)
            return True
        return False

    async def probe(self) -> None:
        """Probe the hosts that have answered no process lately, and reconcile them with the database."""
        self._cached_at = -CACHE_DURATION
        remote = list(await self._remotes())
        interval = self._settings.probe_interval * 0.8
        due = await self._store.due(remote, interval, self._settings.host_timeout)
        not_compared = [id for id in remote if id not in self._compared and id not in {host.id for host in due}]
        hosts = [*due, *[host for id in not_compared if (host := await self._store.host(id)) is not None]]
        await asyncio.gather(*(self._try_probe(host) for host in hosts))

    def _is_remote(self, host: HostRow) -> bool:
        return host.kind in (HostKind.ADDED, HostKind.AGENT) or host.id in self._configured

    async def _remotes(self) -> dict[str, str]:
        if time.monotonic() - self._cached_at > CACHE_DURATION:
            self._cached_remotes = {host.id: host.kind for host in await self._store.hosts() if self._is_remote(host)}
            self._cached_at = time.monotonic()
        return self._cached_remotes

    async def _try_probe(self, host: HostRow) -> None:
        async with self._probes:
            try:
                await self._probe(host)
            except Exception:  # must not end the periodic task: no lost host would ever come back
                log.exception("probing render host %s", host.id)

    async def _probe(self, host: HostRow) -> None:
        silent = host.state in (HostState.LOST, HostState.JOINING)
        client = self.client(host)
        try:
            capacity = await client.capacity()
            self._last_answer[host.id] = self._last_renewal[host.id] = time.monotonic()
            # Before it may get sessions again: instances of the sessions it lost may still run there.
            await self._reconciler.compare(host, client, capacity, silent or host.id not in self._compared)
            self._compared.add(host.id)
            if await self._store.set_ready(
                host.id, capacity.total, self._settings.host_timeout, capacity.published_only
            ):
                log.info("render host %s is ready: %d slots", host.id, capacity.total)
        except HostUnreachable as problem:
            if silent and host.reason != str(problem):
                await self._store.set_reason(host.id, str(problem))
            await self.on_unreachable(host, problem)
        except CommandRefused as problem:
            log.warning("render host %s: %s", host.id, problem)
