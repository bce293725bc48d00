"""The database file: private, brought up to date by any number of processes at once, never half a step."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from openspace_server.orchestrator import database
from openspace_server.orchestrator.database import HEAD, Database
from openspace_server.orchestrator.errors import DatabaseUnusable, NoFreeSlot
from openspace_server.orchestrator.host_store import HostStore
from openspace_server.orchestrator.models import Base
from openspace_server.orchestrator.store import SessionStore
from tests.orchestrator.helpers import ME, WANTED

OPEN_IT = """
import asyncio, sys
from openspace_server.orchestrator.database import Database
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


def test_eight_processes_at_once(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite3"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_IT, url(file)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=30)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, errors
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_the_migrations_make_the_models(tmp_path: Path) -> None:
    store = Database(url(tmp_path / "x.sqlite3"))
    await store.set_up()
    await store.close()
    assert ScriptDirectory(str(Path(database.__file__).parent / "migrations")).get_current_head() == HEAD
    engine = create_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


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


async def test_no_slot_is_given_twice(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite3"
    stores = [Database(url(file)) for _ in range(4)]
    await stores[0].set_up()
    host = await HostStore(stores[0]).add_local(5, "secret")
    assert host is not None
    assert await HostStore(stores[1]).add_local(5, "secret") is None

    async def take(store: Database) -> str:
        try:
            return (await SessionStore(store).reserve(ME, WANTED, None, [host.id]))[0].id
        except NoFreeSlot:
            return ""

    taken = await asyncio.gather(*(take(store) for store in stores for _ in range(4)))
    assert len({id for id in taken if id}) == 5
    assert taken.count("") == 11
    rows = await SessionStore(stores[0]).live()
    assert sorted(row.slot for row in rows) == [0, 1, 2, 3, 4]

    async def same(store: Database) -> tuple[str, bool]:
        row, created = await SessionStore(store).reserve(ME, WANTED, "one key", [host.id])
        return row.id, created

    assert await SessionStore(stores[0]).end(rows[0], "STOPPED")  # type: ignore[arg-type]
    made = await asyncio.gather(*(same(store) for store in stores))
    assert len({id for id, _ in made}) == 1
    assert [created for _, created in made].count(True) == 1
    for store in stores:
        await store.close()
