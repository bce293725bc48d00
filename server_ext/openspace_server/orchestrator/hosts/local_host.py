"""The local render host: started for the first session, shared by all Jupyter servers of this user.

It runs in its own process session, so that Ctrl-C in Jupyter's terminal does not reach it. When the Jupyter server
ends while it has sessions, it keeps running for its linger time, so that a restarted server finds them again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
from typing import Any

from openspace_server.orchestrator.errors import CommandRefused, HostUnreachable, NoFreeSlot
from openspace_server.orchestrator.hosts.reconcile import Reconciler
from openspace_server.orchestrator.hosts.supervisor_client import SupervisorClient
from openspace_server.orchestrator.settings import Settings
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import HostRow, HostState, age

log = logging.getLogger(__name__)

START_TIMEOUT = 30.0
STOP_TIMEOUT = 8.0
LOG_LIMIT = 1_000_000
# -P: a notebook folder that holds a file such as queue.py must not break the host.
OUR_HOST: tuple[str, ...] = (sys.executable, "-P", "-m", "openspace_server.cli", "host")
SECRET_VARIABLE = "OPENSPACE_HOST_SECRET"
# Secrets in a Jupyter server's environment that a render host does not need.
_WITHHELD = ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "OPENSPACE_KERNEL_TOKEN")


class LocalHost:
    """Starts it, finds it again, and ends it. The database allows one at a time."""

    def __init__(self, settings: Settings, store: HostStore, reconciler: Reconciler) -> None:
        self._settings = settings
        self._store = store
        self._reconciler = reconciler
        self._lock = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._launching: asyncio.Task[None] | None = None

    async def ensure(self) -> str:
        """The id of a local host that is ready or starting.

        Raises:
            NoFreeSlot: it could not be started.
        """
        async with self._lock:
            for _attempt in range(3):
                row = await self._store.local()
                if row is None:
                    row = await self._store.add_local(self._settings.slots, secrets.token_urlsafe(32))
                    if row is not None:
                        self._launching = asyncio.create_task(self._launch(row))
                        return row.id
                elif await self._usable(row):
                    return row.id
            raise NoFreeSlot("the render host on this machine could not be started; its log: " + self._log_name)

    def has_ended(self, host: HostRow, problem: HostUnreachable) -> bool:
        """Whether it does not answer because it has ended: nothing listens on its port, or its process is gone."""
        return problem.refused or not _alive(self._process, host.pid)

    def kill_own(self, host: HostRow) -> bool:
        """Kill a hung host, if it is a child of this process: any other pid may have been reused by now."""
        if self._process is None or self._process.pid != host.pid:
            return False
        self._process.kill()
        return True

    def end_reason(self, host: HostRow) -> str:
        return f"the render host on this machine has ended; its log: {self._log_name}"

    async def expire(self, host: HostRow) -> None:
        """Set a host gone that should be ready by now, such as one whose parent was killed while it started."""
        if host.state == HostState.JOINING and age(host.modified) > START_TIMEOUT + 5:
            await self._store.set_gone(host.id, f"the render host did not start in {START_TIMEOUT:g} s")

    async def stop(self) -> None:
        """End the host if it has no session; else it ends after its linger time."""
        if self._launching is not None and not self._launching.done():
            self._launching.cancel()
            await asyncio.wait([self._launching])
            return
        row = await self._store.local()
        if row is None or row.state not in (HostState.READY, HostState.DRAINING):
            return
        try:
            await SupervisorClient(row, timeout=2).slots()
        except (HostUnreachable, CommandRefused) as problem:
            if isinstance(problem, HostUnreachable) and self.has_ended(row, problem):
                await self._store.set_gone(row.id, self.end_reason(row))
            return
        # It answered with its secret, so the pid is certainly still its own.
        if row.pid is not None and await self._store.retire(row.id):
            await self._terminate(row.pid)

    @property
    def _log_name(self) -> str:
        return str(self._settings.host_log)

    async def _usable(self, row: HostRow) -> bool:
        if row.state == HostState.JOINING:
            await self.expire(row)
            return age(row.modified) <= START_TIMEOUT + 5
        client = SupervisorClient(row, self._settings.command_timeout)
        try:
            capacity = await client.capacity()  # also restarts its linger time
            if row.state == HostState.LOST:
                await self._reconciler.compare(row, client, capacity, thorough=True)
        except HostUnreachable as problem:
            if self.has_ended(row, problem):
                await self._store.set_gone(row.id, self.end_reason(row))
                return False
        except CommandRefused as problem:
            log.warning("local render host: %s", problem)
        else:
            await self._store.set_ready(row.id, capacity.total, self._settings.host_timeout)
        return True

    async def _launch(self, row: HostRow) -> None:
        process: subprocess.Popen[bytes] | None = None
        try:
            process = self._spawn(row.secret)
            async with asyncio.timeout(START_TIMEOUT):
                announced = await _announcement(process)
            _close_pipe(process)
            self._process = process
            if not await self._store.set_started(row.id, **announced):
                raise NoFreeSlot("another process gave it up while it started")
            log.info("render host started: pid %d, log %s", process.pid, self._log_name)
        except BaseException as problem:
            if process is not None:
                await asyncio.to_thread(_kill, process)
            cause = "the Jupyter server stopped" if isinstance(problem, asyncio.CancelledError) else _cause(problem)
            with contextlib.suppress(Exception):
                await self._store.set_gone(
                    row.id, f"the render host on this machine did not start: {cause}; its log: {self._log_name}"
                )
            log.error("the local render host did not start: %s", cause)
            if not isinstance(problem, Exception):
                raise

    def _spawn(self, secret: str) -> subprocess.Popen[bytes]:
        settings = self._settings
        settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if settings.host_log.exists() and settings.host_log.stat().st_size > LOG_LIMIT:
            settings.host_log.replace(settings.host_log.with_suffix(".old.log"))
        environment = {name: value for name, value in os.environ.items() if name not in _WITHHELD}
        environment[SECRET_VARIABLE] = secret
        command = settings.host_command or OUR_HOST
        descriptor = os.open(settings.host_log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as log_file:
            return subprocess.Popen(
                [*command, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log_file,
                env=environment,
                start_new_session=True,
            )

    def _arguments(self) -> list[str]:
        settings = self._settings
        return [
            *("--slots", str(settings.slots), "--engine", settings.engine),
            *("--port", "0", "--gateway-port", "0", "--api-port", "0"),
            *("--linger", str(settings.linger), "--log-dir", str(settings.directory / "instances"), "--announce"),
        ]

    async def _terminate(self, pid: int) -> None:
        process = self._process
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGTERM)
        if process is not None and process.pid == pid:
            try:
                await asyncio.to_thread(process.wait, STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                await asyncio.to_thread(_kill, process)
            self._process = None


async def _announcement(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The line that the host prints once it listens. Raises RuntimeError when it ends or prints something else."""
    assert process.stdout is not None
    reading = asyncio.ensure_future(asyncio.to_thread(process.stdout.readline))
    try:
        line = await asyncio.shield(reading)
    except asyncio.CancelledError:
        process.kill()  # ends the thread's readline
        await asyncio.wait([reading])
        raise
    if not line:
        code = await asyncio.to_thread(process.wait)
        raise RuntimeError(f"it ended at once with exit code {code}")
    try:
        fields = json.loads(line)
        return {key: int(fields[key]) for key in ("port", "gateway_port", "slots", "pid")}
    except (ValueError, TypeError, KeyError):
        raise RuntimeError(f"it announced {line[:80]!r}") from None


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    _close_pipe(process)


def _close_pipe(process: subprocess.Popen[bytes]) -> None:
    if process.stdout is not None:
        process.stdout.close()


def _alive(process: subprocess.Popen[bytes] | None, pid: int | None) -> bool:
    if process is not None and process.pid == pid:
        return process.poll() is None
    if pid is None:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _cause(problem: BaseException) -> str:
    if isinstance(problem, TimeoutError):
        return f"it was not ready within {START_TIMEOUT:g} s"
    return str(problem) or type(problem).__name__
