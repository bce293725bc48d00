"""The database file: private, brought up to date by any number of processes at once, never half a step."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select, text

from openspace_server.orchestrator.allocation.allocator import Allocator
from openspace_server.orchestrator.errors import DatabaseUnusable, NoFreeSlot
from openspace_server.orchestrator.store import database
from openspace_server.orchestrator.store.database import HEAD, Database
from openspace_server.orchestrator.store.hosts import HostStore
from openspace_server.orchestrator.store.models import Base, age
from openspace_server.orchestrator.store.sessions import SessionStore
from openspace_server.orchestrator.store.sql_clock import db_time
from tests.orchestrator.helpers import ME, REQUEST

OPEN_IT = """
import asyncio, sys
from openspace_server.orchestrator.store.database import Database
async def main():
    database = Database(sys.argv[1])
    sys.stdin.readline()
    await database.set_up()
    await database.close()
asyncio.run(main())
"""


def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def test_the_file_is_private(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "folder" / "x.sqlite3"
    store = Database(url(file))
    await store.set_up()
    async with store.write():
        pass
    for path in (file, *file.parent.glob("x.sqlite3-*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    await store.close()


PROCESSES = 8


def set_up_at_once(db_url: str, barrier: Any) -> None:
    async def main() -> None:
        database = Database(db_url)
        barrier.wait(60)
        await database.set_up()
        await database.close()

    asyncio.run(main())


@pytest.mark.process
def test_eight_processes_at_once(db_url: str) -> None:
    context = multiprocessing.get_context("forkserver")  # its children start quickly, so they do meet
    context.set_forkserver_preload([__name__])
    barrier = context.Barrier(PROCESSES)
    processes = [context.Process(target=set_up_at_once, args=(db_url, barrier)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert asyncio.run(revision(db_url)) == HEAD


async def revision(db_url: str) -> str | None:
    store = Database(db_url)
    try:
        return await store.revision()
    finally:
        await store.close()


async def test_sqlite_readers_wait_for_no_writer(tmp_path: Path) -> None:
    store = Database(url(tmp_path / "x.sqlite3"))
    await store.set_up()
    await store.close()
    with sqlite3.connect(tmp_path / "x.sqlite3") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_the_migrations_make_the_models(db_url: str) -> None:
    store = Database(db_url)
    assert await store.revision() is None
    await store.set_up()
    assert ScriptDirectory(str(Path(database.__file__).parents[1] / "migrations")).get_current_head() == HEAD
    async with store._engine.connect() as connection:
        different = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), Base.metadata)
        )
    assert different == []
    await store.close()


async def test_the_clock_is_the_databases(db_url: str) -> None:
    store = Database(db_url)
    async with store.read() as tx:
        at, later = (await tx.execute(select(db_time(), db_time(90.5)))).one()
    await store.close()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at)
    assert abs(age(at)) < 5
    assert 90 <= age(at) - age(later) <= 91


async def test_an_older_database_keeps_its_sessions(tmp_path: Path) -> None:
    """What release 0001 wrote: a host that was starting, a session on it, and the slot that it holds."""
    engine = create_engine(url(tmp_path / "x.sqlite3").replace("+aiosqlite", ""))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(database.__file__).parents[1] / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        at = "'2026-11-01T00:00:00.000Z'"
        connection.execute(
            text(f"INSERT INTO hosts VALUES ('h', '127.0.0.1', 1, 2, 's', 3, 'starting', '', 1, 7, {at}, {at})")
        )
        connection.execute(
            text(
                "INSERT INTO sessions VALUES "
                f"('s', 'user:me', '', 'RUNNING', '', 'e', 64, 64, 't', 'h', 0, 1, 0, NULL, 'd', {at}, {at})"
            )
        )
        connection.execute(text("INSERT INTO slots VALUES ('h', 0, 1, 's')"))
    engine.dispose()
    store = Database(url(tmp_path / "x.sqlite3"))
    await store.set_up()
    row = await SessionStore(store).session("s")
    host = await HostStore(store).local()
    assert row is not None
    assert host is not None
    assert (row.host, row.fence, row.since, host.state, host.kind) == ("h", 1, row.modified, "joining", "local")
    async with store.write() as tx:
        assert await tx.scalar(text("PRAGMA foreign_keys")) == 1
    await store.close()


@pytest.mark.process
def test_a_current_schema_is_seen_without_alembic(tmp_path: Path) -> None:
    code = OPEN_IT + "\nassert ('alembic' in sys.modules) == (sys.argv[2] == 'first'), sys.argv[2]"
    for turn in ("first", "second"):
        subprocess.run(
            [sys.executable, "-c", code, url(tmp_path / "x.sqlite3"), turn], check=True, input="\n", text=True
        )


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite3"
    store = Database(url(file))
    await store.set_up()
    await store.close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    store = Database(url(file))
    with pytest.raises(DatabaseUnusable, match="upgrade openspace-widget"):
        await store.set_up()
    await store.close()


async def test_a_broken_file_says_which(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite3"
    file.write_bytes(b"this is no database" * 100)
    store = Database(url(file))
    with pytest.raises(DatabaseUnusable, match=r"x\.sqlite3 cannot be used"):
        await store.set_up()
    await store.close()


async def test_no_slot_is_given_twice(db_url: str) -> None:
    stores = [Database(db_url) for _ in range(4)]
    await stores[0].set_up()
    host = await HostStore(stores[0]).add_local(5, "secret")
    assert host is not None
    assert await HostStore(stores[1]).add_local(5, "secret") is None

    async def take(store: Database) -> str:
        try:
            return (await Allocator(store).reserve(ME, REQUEST, None, [host.id]))[0].id
        except NoFreeSlot:
            return ""

    taken = await asyncio.gather(*(take(store) for store in stores for _ in range(4)))
    assert len({id for id in taken if id}) == 5
    assert taken.count("") == 11
    rows = await SessionStore(stores[0]).live()
    assert sorted(row.slot for row in rows) == [0, 1, 2, 3, 4]

    async def same(store: Database) -> tuple[str, bool]:
        row, created = await Allocator(store).reserve(ME, REQUEST, "one key", [host.id])
        return row.id, created

    assert await SessionStore(stores[0]).end(rows[0], "STOPPED")  # type: ignore[arg-type]
    made = await asyncio.gather(*(same(store) for store in stores))
    assert len({id for id, _ in made}) == 1
    assert [created for _, created in made].count(True) == 1
    for store in stores:
        await store.close()
