"""Which hosts there are and whether they answer. A host that falls silent is *lost*; only one that has certainly
ended is *gone*. The difference matters: a lost host may still be drawing for somebody."""

from __future__ import annotations

import asyncio
import logging
import time

from openspace_server.orchestrator.errors import CommandRefused, HostUnreachable
from openspace_server.orchestrator.host_client import HostClient
from openspace_server.orchestrator.host_store import HostStore
from openspace_server.orchestrator.local_host import LocalHost
from openspace_server.orchestrator.models import HostRow, HostState
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store import SessionStore
from openspace_server.orchestrator.sweep import sweep

log = logging.getLogger(__name__)


class Hosts:
    """The configured hosts, or the one local host when none is configured."""

    def __init__(self, settings: Settings, store: HostStore, sessions: SessionStore) -> None:
        self._settings = settings
        self._store = store
        self._sessions = sessions
        self.local = None if settings.hosts else LocalHost(settings, store, sessions)
        self._static: list[str] = []
        self._last_heard: dict[str, float] = {}
        self._probing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Know every configured host; ask each once, and from now on regularly."""
        for where in self._settings.hosts:
            self._static.append((await self._store.add_static(where, self._settings.host_secret)).id)
        if self._static:
            await self._probe_all()
            self._probing = asyncio.create_task(self._keep_probing())

    async def stop(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])
        if self.local is not None:
            await self.local.stop()

    async def usable(self) -> list[str]:
        """The ids of the hosts a new session may go to; starts the local host if there is none."""
        return [await self.local.ensure()] if self.local is not None else self._static

    def heard(self, host: HostRow) -> None:
        """It answered."""
        self._last_heard[host.id] = time.monotonic()

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

    async def _keep_probing(self) -> None:
        while True:
            await asyncio.sleep(self._settings.probe_interval)
            try:
                await self._probe_all()
            except Exception:  # the next round may do better; without rounds no lost host would ever come back
                log.exception("looking at the render hosts")

    async def _probe_all(self) -> None:
        await asyncio.gather(*(self._probe(id) for id in self._static))

    async def _probe(self, id: str) -> None:
        host = await self._store.host(id)
        if host is None:
            return
        client = HostClient(host, self._settings.command_timeout)
        try:
            total = await client.slots()
            self.heard(host)
            if host.state == HostState.LOST:
                await sweep(client, total, self._sessions)
            if await self._store.set_ready(id, total):
                log.info("render host %s is ready: %d slots", id, total)
        except HostUnreachable as problem:
            if host.state == HostState.LOST and host.reason != str(problem):
                await self._store.set_reason(id, str(problem))
            await self.unreachable(host, problem)
        except CommandRefused as problem:
            log.warning("render host %s: %s", id, problem)
