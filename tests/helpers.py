"""What tests of every package need: waiting for a condition, and finding processes and ports."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from openspace_server.render_host.host import port_is_free
from openspace_widget.client import server

T = TypeVar("T")
What = str | Callable[[], str]
PATIENCE = 20.0
"""Seconds."""


def wait_for(condition: Callable[[], T], what: What = "", timeout: float = PATIENCE) -> T:
    """The first truthy value of ``condition()``. Raises AssertionError, which says ``what`` did not come about."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise _late(condition, what, timeout)
        time.sleep(0.02)
    return value


async def until(condition: Callable[[], Awaitable[T] | T], what: What = "", timeout: float = PATIENCE) -> T:
    """As :func:`wait_for`, beside a running event loop; ``condition()`` may have to be awaited."""
    try:
        async with asyncio.timeout(timeout):
            while True:
                value: Any = condition()
                if inspect.isawaitable(value):
                    value = await value
                if value:
                    return value
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise _late(condition, what, timeout) from None


def _late(condition: object, what: What, timeout: float) -> AssertionError:
    said = what if isinstance(what, str) else what()
    return AssertionError(f"not within {timeout:g} s: {said or condition}")


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def processes_with(name: str, value: str, argument: str | None = None) -> list[psutil.Process]:
    """The running processes whose environment has ``name`` with that value, which children inherit, however deep; of
    these only those with ``argument`` on their command line, if it is given."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            marked = process.environ().get(name) == value and process.status() != psutil.STATUS_ZOMBIE
            if marked and (argument is None or argument in process.cmdline()):
                found.append(process)
    return found


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on, below those that the system gives to outgoing connections."""
    candidates = random.sample(range(20_000, 30_000), 20 * count)
    return [port for port in candidates if port_is_free("127.0.0.1", port)][:count]


@contextlib.contextmanager
def private_server(tmp: Path) -> Iterator[pytest.MonkeyPatch]:
    """Whoever calls ``OpenSpace()`` meanwhile gets a private server that was started for these tests, with the
    environment of now and what the patch adds to it, and keeps store and logs below ``tmp``."""
    with pytest.MonkeyPatch.context() as patch:
        private_folders(patch, tmp)
        patch.setattr(server, "_private", None)
        try:
            yield patch
        finally:
            if server._private is not None:
                server._private.stop()


def private_folders(patch: pytest.MonkeyPatch, tmp: Path) -> None:
    """Private servers started from now on keep store and logs below ``tmp``; no other server is found."""
    for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "XDG_CACHE_HOME"):
        patch.setenv(name, str(tmp / name.lower()))
    patch.delenv("OPENSPACE_SERVER_URL", raising=False)
