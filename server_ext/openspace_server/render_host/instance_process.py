"""An instance as an operating-system process: spawned, controlled over pipes, reliably ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from openspace_server.protocols.fields import ProtocolError, parse_object
from openspace_server.render_host.settings import SECRET_VARIABLE

log = logging.getLogger(__name__)

LINE_LIMIT = 64 * 1024
MAX_UNTAKEN_BYTES = 64 * 1024
DRAIN_TIMEOUT = 1.0
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def one_thread(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` with one thread for matrix products, unless it sets the number of threads.

    Products of points and a matrix gain nothing from a second thread, which would keep a core busy with waiting.
    """
    is_set = any(name in environment for name in _THREADS)
    return {**environment} if is_set else {**environment, _THREADS[0]: "1"}


class _Protocol(asyncio.subprocess.SubprocessStreamProtocol):
    """Signals the exit at once.

    ``Process.wait()`` of Python 3.11 also waits until the pipes are closed, and a child of the instance may keep them
    open.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=LINE_LIMIT, loop=loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


class InstanceProcess:
    """A running child process. Created by :meth:`spawn`; always to be ended by :meth:`end`."""

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol, log_path: Path) -> None:
        assert protocol.stdin is not None
        assert protocol.stdout is not None
        self._transport = transport
        self._protocol = protocol
        self._stdin = protocol.stdin
        self._stdout = protocol.stdout
        self.pid = transport.get_pid()
        self._ended = False
        self.log_path = log_path

    @classmethod
    async def spawn(cls, argv: Sequence[str], log_path: Path) -> InstanceProcess:
        """Start ``argv`` in a process session of its own, its stderr appended to ``log_path``.

        Raises:
            OSError: the program cannot be started.
        """
        environment = one_thread({name: value for name, value in os.environ.items() if name != SECRET_VARIABLE})
        with log_path.open("ab") as stderr:
            loop = asyncio.get_running_loop()
            transport, protocol = await loop.subprocess_exec(
                lambda: _Protocol(loop),
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env=environment,
                start_new_session=True,  # Ctrl-C in the host's terminal is the host's to handle
            )
        return cls(transport, protocol, log_path)

    def send(self, message: dict[str, Any]) -> bool:
        """Write one line to the instance; False when it is gone or has stopped reading."""
        transport = self._stdin.transport
        if transport.is_closing() or transport.get_write_buffer_size() > MAX_UNTAKEN_BYTES:
            return False
        self._stdin.write(json.dumps(message).encode() + b"\n")
        return True

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The events of the instance, until its stdout ends. Lines that are no JSON object are skipped."""
        while True:
            try:
                line = await self._stdout.readline()
            except ValueError:  # longer than the limit; asyncio has dropped it
                log.warning("instance %d wrote a line longer than %d bytes", self.pid, LINE_LIMIT)
                continue
            if not line:
                return
            try:
                yield parse_object(line)
            except ProtocolError:
                log.warning("instance %d wrote %.80r, which is no event", self.pid, line)

    async def wait_exited(self) -> int:
        """The exit code, once the process has ended (negative: the signal that ended it)."""
        await self._protocol.exited.wait()
        code = self._transport.get_returncode()
        assert code is not None
        return code

    def kill_leftovers(self) -> None:
        """After the exit: kill the instance's own child processes, so that its pipes end."""
        self._signal(signal.SIGKILL)

    async def end(self, grace: float) -> None:
        """Ask to stop, then SIGTERM after ``grace`` seconds, then SIGKILL after as long; returns when it is reaped.

        The instance's own child processes are killed as well.
        """
        if self._ended:
            return
        waiting = asyncio.ensure_future(self.wait_exited())
        try:
            self.send({"command": "STOP"})
            if not self._stdin.transport.is_closing():
                self._stdin.write_eof()
            for next_signal in (signal.SIGTERM, signal.SIGKILL):
                done, _ = await asyncio.wait({waiting}, timeout=grace)
                if done:
                    break
                log.info("instance %d did not end within %g s: %s", self.pid, grace, next_signal.name)
                self._signal(next_signal)
            else:
                await asyncio.wait({waiting})
        finally:
            waiting.cancel()
            self._ended = True
            self.kill_leftovers()  # including itself, if we were cancelled
            self._transport.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def describe_exit(code: int) -> str:
    """An exit code of :meth:`InstanceProcess.wait_exited` in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
