"""Slots, each of which runs at most one instance and reports its state."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openspace_server.protocols.fields import ProtocolError, integer, text
from openspace_server.protocols.limits import check_size
from openspace_server.protocols.supervisor import InstanceState
from openspace_server.render_host.instance_process import DRAIN_TIMEOUT, LINE_LIMIT, InstanceProcess, describe_exit
from openspace_server.render_host.logs import KEPT, default_log_dir, last_line, new_log
from openspace_server.render_host.settings import HostSettings

log = logging.getLogger(__name__)

REASON_LIMIT = 500
STOPPED = "stopped"


@dataclass(frozen=True)
class Assignment:
    """What a slot was started for. ``token`` opens the gateway; ``fence`` orders the allocations of ``slot_key``, the
    slot in the orchestrator's numbering."""

    session: str
    engine: str
    width: int
    height: int
    token: str | None = field(default=None, repr=False)
    fence: int = 0
    slot_key: str | None = None


class Slot:
    """Room for one instance. All methods belong to the event loop's thread."""

    def __init__(self, id: int, settings: HostSettings, log_dir: Path) -> None:
        self.id = id
        self.state = InstanceState.IDLE
        self.reason = ""
        self.assignment: Assignment | None = None
        self.fence = 0
        self.width = self.height = 0
        self.port: int | None = None
        self.api_port: int | None = None
        self.viewers: int | None = None
        self.secret = ""
        self.started = 0.0
        self._settings = settings
        self._log_dir = log_dir
        self._process: InstanceProcess | None = None
        self._stop = asyncio.Event()
        self._running = asyncio.Event()
        self._api_reported = asyncio.Event()
        self._failure = ""
        self._progressed = False
        self._task: asyncio.Task[None] | None = None

    def start(self, assignment: Assignment) -> None:
        """Begin to run an instance; returns at once. Only for an idle slot."""
        assert self.state is InstanceState.IDLE
        self.state = InstanceState.INITIALIZING
        self.assignment, self.fence = assignment, assignment.fence
        self.width, self.height = assignment.width, assignment.height
        self.reason = self._failure = ""
        self.port = self.viewers = None
        self.api_port = self._settings.instance_api_port(self.id) or None
        self.secret = secrets.token_urlsafe(32)
        self.started = time.monotonic()
        self._stop, self._running, self._api_reported = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._task = asyncio.ensure_future(self._live(assignment))

    def stop(self) -> None:
        """Begin to end the instance; returns at once."""
        if self.state is not InstanceState.IDLE:
            self.state = InstanceState.DEINITIALIZING
            self._stop.set()

    def resize(self, width: int, height: int) -> bool:
        """Pass a new frame size on; False when the instance does not take commands."""
        message = {"command": "RESOLUTION", "width": width, "height": height}
        if self._process is not None and not self._process.send(message):
            return False
        # If it is not spawned yet, the configuration will contain this size.
        self.width, self.height = width, height
        return True

    async def find_api(self) -> int | None:
        """The port of the instance's OpenSpace API, waited for, because it opens some time after the first frame; None
        if it has none."""
        reported, idle = asyncio.ensure_future(self._api_reported.wait()), asyncio.ensure_future(self.wait_idle())
        try:
            timeout = self._settings.timings.api
            await asyncio.wait({reported, idle}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reported.cancel()
            idle.cancel()
        return self.api_port

    async def wait_idle(self) -> None:
        """Return when the slot is idle."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _live(self, assignment: Assignment) -> None:
        process = None
        try:
            path = new_log(self._log_dir, self.id, keep=max(KEPT, 2 * self._settings.slots))
            process = await InstanceProcess.spawn(self._settings.instance_command, path)
            log.info("slot %d: instance %d started, log %s", self.id, process.pid, process.log_path)
            process.send(self._configuration(assignment))
            self._process = process
            reason = await self._watch(process)
        except OSError as problem:
            reason = f"the instance could not be started: {problem}"
        except Exception as problem:  # a fault of ours must not keep the slot busy for ever
            log.exception("slot %d", self.id)
            reason = f"internal error: {problem}"
        finally:
            if process is not None:
                await process.end(self._settings.timings.stop)
            self._process = self.port = None
            self.secret = ""
            self.state = InstanceState.IDLE
        self.reason = reason[:REASON_LIMIT]
        log.info("slot %d: idle, %s", self.id, self.reason)

    async def _watch(self, process: InstanceProcess) -> str:
        """Follow the instance to its end; returns why it ended."""
        timings = self._settings.timings
        events = asyncio.ensure_future(self._read_events(process))
        exited = asyncio.ensure_future(process.wait_exited())
        stop = asyncio.ensure_future(self._stop.wait())
        running = asyncio.ensure_future(self._running.wait())
        try:
            ready = {exited, stop, running}
            while True:
                self._progressed = False
                done, _ = await asyncio.wait(ready, timeout=timings.start, return_when=asyncio.FIRST_COMPLETED)
                if done or not self._progressed:
                    break
            if not done:
                self.state = InstanceState.DEINITIALIZING
                await process.end(timings.stop)
                return _because(f"not running within {timings.start:g} s", self._failure or last_line(process.log_path))
            await asyncio.wait({exited, stop}, return_when=asyncio.FIRST_COMPLETED)
            if stop.done():
                await process.end(timings.stop)
                return STOPPED
            process.kill_leftovers()
            await asyncio.wait({events}, timeout=DRAIN_TIMEOUT)
            cause = self._failure or last_line(process.log_path)
            return _because(f"the instance ended: {describe_exit(exited.result())}", cause)
        finally:
            for task in (events, exited, stop, running):
                task.cancel()

    async def _read_events(self, process: InstanceProcess) -> None:
        async for event in process.events():
            try:
                self._on_event(event)
            except ProtocolError as problem:
                log.warning("slot %d: %s in an event", self.id, problem)

    def _on_event(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "listening":
                self.port = integer(event, "port", 1, 65535)
            case "running":
                if self.state is InstanceState.INITIALIZING and self.port is not None:
                    self.state = InstanceState.RUNNING
                    self.reason = ""
                    self._running.set()
                    log.info("slot %d: running after %.2f s", self.id, time.monotonic() - self.started)
            case "resolution":
                self.width, self.height = check_size(event)
            case "api":
                port = integer(event, "port", 0, 65535)
                if port or not self._api_reported.is_set():
                    self.api_port = port or None
                self._api_reported.set()
            case "viewers":
                self.viewers = integer(event, "count", 0, 2**31)
            case "progress":
                self._progressed = True
                if self.state is InstanceState.INITIALIZING:
                    self.reason = text(event, "reason", limit=LINE_LIMIT)[:REASON_LIMIT]
            case "failed":
                self._failure = text(event, "reason", limit=LINE_LIMIT)[:REASON_LIMIT]
            case other:
                log.warning("slot %d: unknown event %.60r", self.id, other)

    def _configuration(self, assignment: Assignment) -> dict[str, Any]:
        settings = self._settings
        return {
            "id": self.id,
            "engine": assignment.engine,
            "width": self.width,
            "height": self.height,
            "frame_rate": settings.frame_rate,
            "bit_rate": settings.bit_rate,
            "api_port": settings.instance_api_port(self.id),
            "api_tcp_port": settings.instance_api_tcp_port(self.id),
            "session": assignment.session,
            "secret": self.secret,
            "stamp": settings.stamp,
        }


class Slots:
    """All slots of a host."""

    def __init__(self, settings: HostSettings) -> None:
        log_dir = settings.log_dir or default_log_dir()
        self._slots = [Slot(id, settings, log_dir) for id in range(settings.slots)]
        self._closed = False

    def __len__(self) -> int:
        return len(self._slots)

    def __getitem__(self, id: int) -> Slot:
        """Raises IndexError for an id that no slot has, negative ones included."""
        if id < 0:
            raise IndexError(id)
        return self._slots[id]

    @property
    def busy(self) -> int:
        return sum(slot.state is not InstanceState.IDLE for slot in self._slots)

    def superseded(self, slot_key: str, fence: int) -> list[Slot]:
        """The busy slots with an older assignment of ``slot_key`` than that with ``fence``."""
        busy = (slot for slot in self._slots if slot.state is not InstanceState.IDLE and slot.assignment is not None)
        return [s for s in busy if s.assignment and s.assignment.slot_key == slot_key and s.assignment.fence < fence]

    def lowest_free(self) -> Slot | None:
        """The idle slot with the lowest id; None when all are busy or the host is ending."""
        if self._closed:
            return None
        return next((slot for slot in self._slots if slot.state is InstanceState.IDLE), None)

    def of_session(self, session: str) -> Slot | None:
        """The busy slot of ``session``; the last one started if there are several."""
        busy = (slot for slot in self._slots if slot.state is not InstanceState.IDLE)
        assigned = (slot for slot in busy if slot.assignment is not None and slot.assignment.session == session)
        return max(assigned, key=lambda slot: slot.started, default=None)

    async def close(self) -> None:
        """End all instances; returns when all are gone."""
        self._closed = True
        for slot in self._slots:
            slot.stop()
        await asyncio.gather(*(slot.wait_idle() for slot in self._slots))


def _because(what: str, cause: str) -> str:
    return f"{what}: {cause}" if cause else what
