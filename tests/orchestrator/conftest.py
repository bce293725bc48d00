"""Async tests without a plugin: each runs in an event loop of its own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from tests.orchestrator.standin import StandInHost


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 30))
    return True


@pytest.fixture
def host() -> Iterator[StandInHost]:
    """A stand-in host with three slots; the test opens it, because that needs its event loop."""
    host = StandInHost()
    yield host
    host.close()
