"""One session from RESERVED to its end. Level-triggered: each round reads the row, compares it with what the host
says and takes one step, so it does not matter who took the step before, or in which process."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from openspace_server.orchestrator.allocation.admission import Admission
from openspace_server.orchestrator.allocation.allocator import Allocator
from openspace_server.orchestrator.errors import CommandRefused, HostUnreachable
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.hosts.published_start import PlainStarts
from openspace_server.orchestrator.hosts.supervisor_client import HostClient, Status
from openspace_server.orchestrator.sessions.monitor import Attention
from openspace_server.orchestrator.sessions.notifications import Watchers
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.models import HostRow, HostState, SessionRow, age
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.supervisor import INVALID_ID, NO_AVAILABLE_SLOTS, NOT_RUNNING, InstanceState

log = logging.getLogger(__name__)

AT_ONCE = 0.0
# A START that another process claimed is repeated after so long: that process may be gone.
CLAIM_TIMEOUT = 10.0
FAULT_INTERVAL = 5.0
# A rush must not put hundreds before the few database connections that requests need, too.
ROUNDS_AT_ONCE = 4
STOPPED_BY_HAND = "stopped"
"""What our render host says of an instance that was told to stop."""


class Lifecycle:
    """Follows the sessions it is told to."""

    def __init__(
        self,
        settings: Settings,
        sessions: SessionStore,
        allocator: Allocator,
        hosts: Hosts,
        watchers: Watchers,
        admission: Admission,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._allocator = allocator
        self._hosts = hosts
        self._watchers = watchers
        self._admission = admission
        self._working = asyncio.Semaphore(ROUNDS_AT_ONCE)
        self._attention = Attention(settings, sessions, hosts, watchers)
        self._plain = PlainStarts(sessions)
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
            await self._admission.wait_idle()
            while True:
                wake.clear()
                try:
                    async with self._working:
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
            self._attention.forget(session)

    async def _round(self, session: str) -> float | None:
        """One step; seconds until the next, None when there is none."""
        found = await self._sessions.look(session)
        if found is None:
            return None
        row, host, now = found
        self._watchers.publish(row.view())
        if row.ended:
            return None
        if row.state == SessionState.REQUESTED:
            return await self._wait_in_queue(row)
        if host is None or host.state in (HostState.GONE, HostState.LOST):
            # Its sessions ended in the same transaction, unless they were reserved by a stale reader after it.
            await self._sessions.end(row, SessionState.LOST, host.reason if host else "the render host was removed")
            return AT_ONCE
        if row.state == SessionState.RESERVED and age(row.since) > self._settings.reservation_ttl:
            reason = "its slot was reserved, but no start began in time"
            await self._sessions.end(row, SessionState.FAILED, reason, only_from=SessionState.RESERVED)
            return AT_ONCE
        if host.state == HostState.JOINING:
            return await self._wait_for_host(row, host)
        if not self._hosts.reachable(host):
            return self._settings.poll_interval  # the process that it has dialled in to does the rest
        try:
            delay = await self._step(row, host, now)
            await self._hosts.heard(host)
            return delay
        except HostUnreachable as problem:
            log.debug("session %s: %s", session, problem)
            ended = await self._hosts.unreachable(host, problem)
            return AT_ONCE if ended else min(1.0, self._settings.poll_interval)

    async def _wait_in_queue(self, row: SessionRow) -> float:
        if age(row.since) > self._settings.queue_timeout:
            await self._sessions.end(row, SessionState.FAILED, "no slot became free in time", SessionState.REQUESTED)
            return AT_ONCE
        if await self._allocator.promote(row, await self._hosts.usable()):
            return AT_ONCE
        return min(1.0, self._settings.poll_interval)

    async def _wait_for_host(self, row: SessionRow, host: HostRow) -> float:
        if self._hosts.local is not None:
            await self._hosts.local.expire(host)
        return self._settings.starting_interval

    async def _step(self, row: SessionRow, host: HostRow, now: str) -> float:
        client = self._hosts.client(host)
        match SessionState(row.state):
            case SessionState.RESERVED:
                if not await self._sessions.claim_start(row):
                    return AT_ONCE
                self._claimed.add(row.id)
                return await self._start(row, host, client)
            case SessionState.STARTING if row.instance is None:
                return await self._start(row, host, client)
            case SessionState.STOPPING:
                return await self._stop(row, client)
            case _:
                return await self._check(row, host, client, now)

    async def _start(self, row: SessionRow, host: HostRow, client: HostClient) -> float:
        if row.id not in self._claimed and age(row.modified) < CLAIM_TIMEOUT:
            return self._settings.starting_interval
        try:
            instance = await self._plain.start(row, host, client) if host.plain else await client.start(row)
        except CommandRefused as refused:
            # Something unexpected is in the way; reconciling may clear it.
            if str(refused) == NO_AVAILABLE_SLOTS and age(row.since) < self._settings.slot_wait:
                return min(0.5, self._settings.poll_interval)
            await self._sessions.end(row, SessionState.FAILED, f"the render host did not start it: {refused}")
            return AT_ONCE
        await self._sessions.set_instance(row, instance)
        return AT_ONCE

    async def _check(self, row: SessionRow, host: HostRow, client: HostClient, now: str) -> float:
        """STARTING, RUNNING and DISCONNECTED: does its instance live, and how?"""
        assert row.instance is not None
        try:
            status = await client.status(row.instance)
        except CommandRefused as refused:
            return await self._crashed(row, f"the render host does not know it any more: {refused}")
        if not status.belongs_to(row.id):
            return await self._crashed(row, _why(status), stopped=status.reason == STOPPED_BY_HAND)
        if status.width and status.height and (status.width, status.height) != (row.width, row.height):
            await self._sessions.set_size(row, status.width, status.height)
            return AT_ONCE
        if row.state == SessionState.STARTING:
            return await self._starting(row, host, status)
        if await self._attention.pay(row, host, status, now):
            return AT_ONCE
        if row.restarts and age(row.since) > self._settings.settled:
            await self._sessions.forgive(row)
        settled = status.state == InstanceState.RUNNING
        return self._settings.poll_interval if settled else self._settings.starting_interval

    async def _starting(self, row: SessionRow, host: HostRow, status: Status) -> float:
        if status.state == InstanceState.RUNNING:
            await self._attention.give_back(row, host)
            await self._sessions.set_running(row)
            return AT_ONCE
        # An instance that says how far it is takes its time for a reason.
        limit = self._settings.loading_timeout if status.reason else self._settings.start_timeout
        if age(row.since) > limit:
            await self._sessions.set_stopping(row, f"it was not running within {limit:g} s")
            return AT_ONCE
        if status.reason and status.reason != row.reason:
            await self._sessions.set_progress(row, status.reason)
        return self._settings.starting_interval

    async def _crashed(self, row: SessionRow, reason: str, stopped: bool = False) -> float:
        """Its instance has ended by itself: another takes its place, unless it never ran, or crashes time and again."""
        ran = row.state != SessionState.STARTING or row.restarts > 0
        if ran and not stopped and row.restarts < self._settings.restart_limit:
            log.info("session %s: started again: %s", row.id, reason)
            if await self._allocator.restart(row, f"{reason}; starting it again"):
                return AT_ONCE
        if row.restarts >= self._settings.restart_limit > 0:
            reason = f"{reason}; it had been started again {row.restarts} times"
        await self._sessions.end(row, SessionState.FAILED, reason)
        return AT_ONCE

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
        ending = row.ending or (SessionState.FAILED if row.reason else SessionState.STOPPED)
        await self._sessions.end(row, SessionState(ending))
        return AT_ONCE


def _why(status: Status) -> str:
    if status.busy or not status.reason:
        return "the instance has ended"
    return status.reason
