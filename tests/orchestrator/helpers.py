"""Waiting for conditions, and orchestrators that tests can look into."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from openspace_server.orchestrator.allocation.requests import NewSession
from openspace_server.orchestrator.orchestrator import Orchestrator
from openspace_server.orchestrator.settings import HostAddress, Settings
from openspace_server.protocols.sessions import SessionState, SessionView
from tests.orchestrator.standin import StandInHost

STANDIN_COMMAND = (sys.executable, str(Path(__file__).with_name("standin.py")))
ME = "user:me"
REQUEST = NewSession("", "embedded", 640, 360)
QUICK: dict[str, Any] = {
    "poll_interval": 0.05,
    "starting_interval": 0.02,
    "probe_interval": 0.05,
    "command_timeout": 1.5,
    "host_timeout": 0.4,
    "worker_lease": 1.0,
    "tick_interval": 0.05,
    "unknown_grace": 0.2,
    "snapshot_interval": 0.0,
    "restart_limit": 0,
}


async def reach(orchestrator: Orchestrator, id: str, *states: SessionState) -> SessionView:
    """Watch the session until it is in one of ``states``."""
    seen: list[SessionView] = []
    try:
        async with asyncio.timeout(10), contextlib.aclosing(orchestrator.watch((ME,), id)) as views:
            async for view in views:
                seen.append(view)
                if view.state in states:
                    return view
    except TimeoutError:
        pass
    raise AssertionError(f"never {states}, but {seen}")


def static(tmp_path: Path, *hosts: StandInHost, **more: Any) -> Settings:
    """Settings for these hosts."""
    where = tuple(HostAddress.parse(host.address) for host in hosts)
    values: dict[str, Any] = {"directory": tmp_path / "openspace", "hosts": where, "host_secret": "s3cret"}
    return Settings(**values | QUICK | more)


def local(tmp_path: Path, **more: Any) -> Settings:
    """Settings for a local stand-in host, started on demand."""
    values: dict[str, Any] = {"directory": tmp_path / "openspace", "host_command": STANDIN_COMMAND, "linger": 20.0}
    return Settings(**values | QUICK | more)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Orchestrator]:
    """A started orchestrator."""
    orchestrator = Orchestrator(settings)
    await orchestrator.start()
    try:
        yield orchestrator
    finally:
        await orchestrator.stop()
