"""Async tests without a plugin: each runs in an event loop of its own."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.orchestrator.postgres import Postgres, binaries
from tests.orchestrator.standin import StandInHost


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


@pytest.fixture
def host() -> Iterator[StandInHost]:
    """A stand-in host with three slots; the test opens it, because that needs its event loop."""
    host = StandInHost()
    yield host
    host.close()


@pytest.fixture(scope="package")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests here that do it no harm."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server programs here: tools/system-packages test installs them")
    server = Postgres()
    try:
        yield server.start()
    finally:
        server.remove()


_numbers = itertools.count()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'x.sqlite3'}"
    create: Callable[[str], str] = request.getfixturevalue("postgres").create
    return create(f"test{next(_numbers)}")
