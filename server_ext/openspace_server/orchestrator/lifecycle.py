"""One session from RESERVED to its end. Level-triggered: each round reads the row, compares it with what the host
says and takes one step, so it does not matter who took the step before, or in which process."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from openspace_server.orchestrator.errors import CommandRefused, HostUnreachable
from openspace_server.orchestrator.host_client import HostClient, Status
from openspace_server.orchestrator.host_store import HostStore
from openspace_server.orchestrator.hosts import Hosts
from openspace_server.orchestrator.models import HostRow, HostState, SessionRow, age
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store import SessionStore
from openspace_server.orchestrator.watchers import Watchers
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.supervisor import INVALID_ID, NOT_RUNNING, InstanceState

log = logging.getLogger(__name__)

AT_ONCE = 0.0
# A START that another process claimed is repeated after so long: that process may be gone.
CLAIM_TIMEOUT = 10.0
FAULT_INTERVAL = 5.0


class Lifecycle:
    """Follows the sessions it is told to."""

    def __init__(
        self, settings: Settings, sessions: SessionStore, host_store: HostStore, hosts: Hosts, watchers: Watchers
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._host_store = host_store
        self._hosts = hosts
        self._watchers = watchers
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._claimed: set[str] = set()

    @property
    def following(self) -> list[str]:
        """The sessions that live, as far as this process knows."""
        return list(self._followers)

    def follow(self, session: str) -> None:
        """See to it that ``session`` is followed, and look at it now."""
        if session in self._followers:
            self._wake[session].set()
            return
        self._wake[session] = asyncio.Event()
        self._followers[session] = asyncio.create_task(self._follow(session))

    async def stop(self) -> None:
        """Follow nothing any more; the sessions go on."""
        followers = list(self._followers.values())
        for task in followers:
            task.cancel()
        await asyncio.gather(*followers, return_exceptions=True)

    async def _follow(self, session: str) -> None:
        wake = self._wake[session]
        try:
            while True:
                wake.clear()
                try:
                    delay = await self._round(session)
                except Exception:  # a fault of ours must not end the session: the next round may do better
                    log.exception("session %s", session)
                    delay = FAULT_INTERVAL
                if delay is None:
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await wake.wait()
        finally:
            del self._followers[session], self._wake[session]
            self._claimed.discard(session)

    async def _round(self, session: str) -> float | None:
        """One step; seconds until the next, None when there is none."""
        row = await self._sessions.session(session)
        if row is None:
            return None
        self._watchers.publish(row.view())
        if row.ended:
            return None
        host = await self._host_store.host(row.host)
        if host is None or host.state in (HostState.GONE, HostState.LOST):
            # Its sessions ended in the same transaction, unless they were reserved by a stale reader after it.
            await self._sessions.end(row, SessionState.LOST, host.reason if host else "the render host was removed")
            return AT_ONCE
        if host.state == HostState.STARTING:
            return await self._wait_for_host(row, host)
        client = HostClient(host, self._settings.command_timeout)
        try:
            delay = await self._step(row, client)
            self._hosts.heard(host)
            return delay
        except HostUnreachable as problem:
            log.debug("session %s: %s", session, problem)
            ended = await self._hosts.unreachable(host, problem)
            return AT_ONCE if ended else min(1.0, self._settings.poll_interval)

    async def _wait_for_host(self, row: SessionRow, host: HostRow) -> float:
        if self._hosts.local is not None:
            await self._hosts.local.expire(host)
        return self._settings.starting_interval

    async def _step(self, row: SessionRow, client: HostClient) -> float:
        match SessionState(row.state):
            case SessionState.RESERVED:
                if await self._sessions.claim_start(row):
                    self._claimed.add(row.id)
                return AT_ONCE
            case SessionState.STARTING if row.instance is None:
                return await self._start(row, client)
            case SessionState.STOPPING:
                return await self._stop(row, client)
            case _:
                return await self._check(row, client)

    async def _start(self, row: SessionRow, client: HostClient) -> float:
        if row.id not in self._claimed and age(row.modified) < CLAIM_TIMEOUT:
            return self._settings.starting_interval
        try:
            instance = await client.start(row)
        except CommandRefused as refused:
            await self._sessions.end(row, SessionState.FAILED, f"the render host did not start it: {refused}")
            return AT_ONCE
        await self._sessions.set_instance(row, instance)
        return AT_ONCE

    async def _check(self, row: SessionRow, client: HostClient) -> float:
        """STARTING and RUNNING: does its instance live, and how?"""
        assert row.instance is not None
        try:
            status = await client.status(row.instance)
        except CommandRefused as refused:
            await self._sessions.end(row, SessionState.FAILED, f"the render host does not know it any more: {refused}")
            return AT_ONCE
        if not status.belongs_to(row.id):
            await self._sessions.end(row, SessionState.FAILED, _why(status))
            return AT_ONCE
        if status.width and status.height and (status.width, status.height) != (row.width, row.height):
            await self._sessions.set_size(row, status.width, status.height)
            return AT_ONCE
        starting = row.state == SessionState.STARTING
        if starting and status.state == InstanceState.RUNNING:
            await self._sessions.set_running(row)
            return AT_ONCE
        if starting and age(row.modified) > self._settings.start_timeout:
            await self._sessions.set_stopping(row, f"it was not running within {self._settings.start_timeout:g} s")
            return AT_ONCE
        settled = status.state == InstanceState.RUNNING
        return self._settings.poll_interval if settled else self._settings.starting_interval

    async def _stop(self, row: SessionRow, client: HostClient) -> float:
        if row.instance is None:
            instance = await client.find(row.id)  # its START may have been answered to a process that is gone
            if instance is not None and await self._sessions.set_instance(row, instance):
                return AT_ONCE
            return await self._stopped(row)
        try:
            status = await client.status(row.instance)
            if not status.belongs_to(row.id):
                return await self._stopped(row)
            if status.state != InstanceState.DEINITIALIZING:
                await client.stop(row)
        except CommandRefused as refused:
            if str(refused) in (NOT_RUNNING, INVALID_ID):
                return await self._stopped(row)
            log.warning("session %s: stopping it: %s", row.id, refused)
            return self._settings.poll_interval
        return self._settings.starting_interval

    async def _stopped(self, row: SessionRow) -> float:
        await self._sessions.end(row, SessionState.FAILED if row.reason else SessionState.STOPPED)
        return AT_ONCE


def _why(status: Status) -> str:
    if status.busy or not status.reason:
        return "the instance has ended"
    return status.reason
