"""Session lifecycle from REQUESTED to the end. Level-triggered: each poll reads the row, compares it with the host's
status and takes one step, so it does not matter which process took the step before."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from openspace_server.orchestrator.allocation.admission import Admission
from openspace_server.orchestrator.allocation.allocator import Allocator
from openspace_server.orchestrator.errors import CommandRefused, HostUnreachable
from openspace_server.orchestrator.hosts.hosts import Hosts
from openspace_server.orchestrator.hosts.published_start import PublishedStart
from openspace_server.orchestrator.hosts.supervisor_client import Status, SupervisorClient
from openspace_server.orchestrator.sessions.monitor import Monitor
from openspace_server.orchestrator.sessions.notifications import Notifier
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.models import HostRow, HostState, SessionRow, age
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.protocols.sessions import SessionState
from openspace_server.protocols.supervisor import INVALID_ID, NO_AVAILABLE_SLOTS, NOT_RUNNING, InstanceState

log = logging.getLogger(__name__)

AT_ONCE = 0.0
CLAIM_TIMEOUT = 10.0
"""Seconds after which a START that another process claimed is repeated: that process may be gone."""
FAULT_INTERVAL = 5.0
MAX_CONCURRENT_POLLS = 4
"""Under load, polls must leave some of the few database connections to requests."""
STOPPED_ON_REQUEST = "stopped"
"""The reason that our render host reports for an instance that it was told to stop."""


class Lifecycle:
    """Follows sessions: one task polls each."""

    def __init__(
        self,
        settings: Settings,
        sessions: SessionStore,
        allocator: Allocator,
        hosts: Hosts,
        notifier: Notifier,
        admission: Admission,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._allocator = allocator
        self._hosts = hosts
        self._notifier = notifier
        self._admission = admission
        self._polls = asyncio.Semaphore(MAX_CONCURRENT_POLLS)
        self._monitor = Monitor(settings, sessions, hosts, notifier)
        self._published_start = PublishedStart(sessions)
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._claimed: set[str] = set()

    @property
    def following(self) -> list[str]:
        """The live sessions that this process follows."""
        return list(self._followers)

    def follow(self, session: str) -> None:
        """Follow ``session``, or poll it now if it is followed already."""
        if session in self._followers:
            self._wake[session].set()
            return
        self._wake[session] = asyncio.Event()
        self._followers[session] = asyncio.create_task(self._follow(session))

    async def stop(self) -> None:
        """Stop following all sessions; the sessions themselves continue."""
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
                    async with self._polls:
                        delay = await self._poll(session)
                except Exception:  # a fault of ours must not end the session: the next poll may succeed
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
            self._monitor.forget(session)

    async def _poll(self, session: str) -> float | None:
        """Take one step; the seconds until the next, None when there is none."""
        found = await self._sessions.read(session)
        if found is None:
            return None
        row, host, now = found
        self._notifier.publish(row.view())
        if row.is_ended:
            return None
        if row.state == SessionState.REQUESTED:
            return await self._wait_in_queue(row)
        if host is None or host.state in (HostState.GONE, HostState.LOST):
            # Its sessions ended in the same transaction, except any that a stale reader reserved after it.
            await self._sessions.end(row, SessionState.LOST, host.reason if host else "the render host was removed")
            return AT_ONCE
        if row.state == SessionState.RESERVED and age(row.since) > self._settings.reservation_ttl:
            reason = "its slot was reserved, but no start began in time"
            await self._sessions.end(row, SessionState.FAILED, reason, only_from=SessionState.RESERVED)
            return AT_ONCE
        if host.state == HostState.JOINING:
            return await self._wait_for_host(row, host)
        if not self._hosts.is_reachable(host):
            return self._settings.poll_interval  # the process to which it has dialled in does the rest
        try:
            delay = await self._step(row, host, now)
            await self._hosts.on_answer(host)
            return delay
        except HostUnreachable as problem:
            log.debug("session %s: %s", session, problem)
            ended = await self._hosts.on_unreachable(host, problem)
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

    async def _start(self, row: SessionRow, host: HostRow, client: SupervisorClient) -> float:
        if row.id not in self._claimed and age(row.modified) < CLAIM_TIMEOUT:
            return self._settings.starting_interval
        try:
            instance = (
                await self._published_start.start(row, host, client) if host.published_only else await client.start(row)
            )
        except CommandRefused as refused:
            # The database expected a free slot; reconciliation may free it.
            if str(refused) == NO_AVAILABLE_SLOTS and age(row.since) < self._settings.slot_wait:
                return min(0.5, self._settings.poll_interval)
            await self._sessions.end(row, SessionState.FAILED, f"the render host did not start it: {refused}")
            return AT_ONCE
        await self._sessions.set_instance(row, instance)
        return AT_ONCE

    async def _check(self, row: SessionRow, host: HostRow, client: SupervisorClient, now: str) -> float:
        """In STARTING, RUNNING and DISCONNECTED: check its instance."""
        assert row.instance is not None
        try:
            status = await client.status(row.instance)
        except CommandRefused as refused:
            return await self._handle_crash(row, f"the render host does not know it any more: {refused}")
        if not status.belongs_to(row.id):
            return await self._handle_crash(row, _reason(status), stopped=status.reason == STOPPED_ON_REQUEST)
        if status.width and status.height and (status.width, status.height) != (row.width, row.height):
            await self._sessions.set_size(row, status.width, status.height)
            return AT_ONCE
        if row.state == SessionState.STARTING:
            return await self._check_start(row, host, status)
        if await self._monitor.check(row, host, status, now):
            return AT_ONCE
        if row.restarts and age(row.since) > self._settings.settled:
            await self._sessions.reset_restarts(row)
        is_running = status.state == InstanceState.RUNNING
        return self._settings.poll_interval if is_running else self._settings.starting_interval

    async def _check_start(self, row: SessionRow, host: HostRow, status: Status) -> float:
        if status.state == InstanceState.RUNNING:
            await self._monitor.restore(row, host)
            await self._sessions.set_running(row)
            return AT_ONCE
        # An instance that reports its progress may take longer.
        limit = self._settings.loading_timeout if status.reason else self._settings.start_timeout
        if age(row.since) > limit:
            await self._sessions.set_stopping(row, f"it was not running within {limit:g} s")
            return AT_ONCE
        if status.reason and status.reason != row.reason:
            await self._sessions.set_progress(row, status.reason)
        return self._settings.starting_interval

    async def _handle_crash(self, row: SessionRow, reason: str, stopped: bool = False) -> float:
        """Its instance has ended: start another one, unless it never ran, was stopped, or has crashed too often."""
        has_run = row.state != SessionState.STARTING or row.restarts > 0
        if has_run and not stopped and row.restarts < self._settings.restart_limit:
            log.info("session %s: started again: %s", row.id, reason)
            if await self._allocator.restart(row, f"{reason}; starting it again"):
                return AT_ONCE
        if row.restarts >= self._settings.restart_limit > 0:
            reason = f"{reason}; it had been started again {row.restarts} times"
        await self._sessions.end(row, SessionState.FAILED, reason)
        return AT_ONCE

    async def _stop(self, row: SessionRow, client: SupervisorClient) -> float:
        if row.instance is None:
            instance = await client.find(row.id)  # the process that got the reply to its START may be gone
            if instance is not None and await self._sessions.set_instance(row, instance):
                return AT_ONCE
            return await self._end_stopped(row)
        try:
            status = await client.status(row.instance)
            if not status.belongs_to(row.id):
                return await self._end_stopped(row)
            if status.state != InstanceState.DEINITIALIZING:
                await client.stop(row)
        except CommandRefused as refused:
            if str(refused) in (NOT_RUNNING, INVALID_ID):
                return await self._end_stopped(row)
            log.warning("session %s: stopping it: %s", row.id, refused)
            return self._settings.poll_interval
        return self._settings.starting_interval

    async def _end_stopped(self, row: SessionRow) -> float:
        ending = row.ending or (SessionState.FAILED if row.reason else SessionState.STOPPED)
        await self._sessions.end(row, SessionState(ending))
        return AT_ONCE


def _reason(status: Status) -> str:
    if status.busy or not status.reason:
        return "the instance has ended"
    return status.reason
