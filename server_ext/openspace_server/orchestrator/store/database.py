"""The database: private files, transactions that lock at once, and schema upgrades.

The transaction handling of pysqlite is switched off, and every writing transaction starts with ``BEGIN IMMEDIATE``:
two writers then wait for each other instead of failing half way with "database is locked".
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from openspace_server.orchestrator.errors import DatabaseUnusable
from openspace_server.orchestrator.store.sqlite_write_lock import SqliteWriteLock

HEAD = "0003"
"""The newest revision in ``migrations/versions``; written here so that a current schema is seen without alembic."""
BUSY_TIMEOUT = 15.0
POOL_TIMEOUT = 30.0
"""Seconds to wait for a lock of SQLite, and for one of the few connections that a process keeps open."""
TRUSTED = 1.0
"""Seconds for which a connection that was just used needs no proof that it still works."""
_READ = "openspace_read"
_MIGRATING = "openspace_migrating"
# An arbitrary number that no other program uses: one PostgreSQL migration at a time.
_MIGRATION_LOCK = 0x05AC_0001


@dataclass
class LogEvent:
    """One entry of the event log, as passed to listeners."""

    at: str
    kind: str
    session: str | None
    host: str | None
    fence: int | None
    detail: str


class Database:
    """One engine and its two kinds of transaction. Belongs to one event loop. ``listeners`` are called for each event
    once it is committed."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        arguments: dict[str, Any] = {"connect_args": {"timeout": BUSY_TIMEOUT}} if self.sqlite else {}
        # hide_parameters: a logged failure must not show tokens.
        self._engine: AsyncEngine = create_async_engine(
            self.url, pool_size=8, max_overflow=8, pool_timeout=POOL_TIMEOUT, hide_parameters=True, **arguments
        )
        if self.sqlite:
            event.listen(self._engine.sync_engine, "connect", _on_connect)
            event.listen(self._engine.sync_engine, "begin", _on_begin)
        else:
            event.listen(self._engine.sync_engine, "checkin", _on_checkin)
            event.listen(self._engine.sync_engine, "checkout", _on_checkout)
        self._write_lock = SqliteWriteLock(self.sibling_file(".turn")) if self.sqlite else None
        self.listeners: list[Callable[[LogEvent], None]] = []
        self._write = async_sessionmaker(self._engine, expire_on_commit=False)
        # One statement is a snapshot by itself; SQLite needs to be told that it will not write.
        reading: dict[str, Any] = {_READ: True} if self.sqlite else {"isolation_level": "AUTOCOMMIT"}
        reader = self._engine.execution_options(**reading)
        self._read = async_sessionmaker(reader, expire_on_commit=False)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction that commits at the end. Never await anything but the database inside."""
        lock = self._write_lock.acquire() if self._write_lock is not None else contextlib.nullcontext()
        async with lock, self._write.begin() as session:
            yield session
        for logged in session.info.pop("events", ()):
            for listener in self.listeners:
                listener(logged)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """For one statement, or several that need no common snapshot: waits for no writer."""
        async with self._read() as session:
            yield session

    async def set_up(self) -> None:
        """Create or upgrade the schema; safe for any number of processes at once.

        Raises:
            DatabaseUnusable: it cannot be opened, or was written by a newer release than this one.
        """
        try:
            await self._set_up()
        except (OSError, sqlite3.Error, SQLAlchemyError) as problem:
            raise self._unusable(problem) from problem

    def _unusable(self, problem: Exception) -> DatabaseUnusable:
        cause = getattr(problem, "orig", None) or problem
        return DatabaseUnusable(f"the database {self.name} cannot be used: {cause}")

    @property
    def name(self) -> str:
        """Its URL without the password."""
        return self.url.render_as_string(hide_password=True)

    async def _set_up(self) -> None:
        if self.sqlite and self.url.database:
            _make_private_file(Path(self.url.database))
            await _retry_while_locked(self._use_wal)
        async with self._engine.execution_options(**{_READ: True}).connect() as connection:
            if await connection.run_sync(_revision) == HEAD:
                return
        migrating = self._engine.execution_options(**{_MIGRATING: True})
        async with migrating.connect() as connection:
            async with connection.begin():
                if not self.sqlite:
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
                await connection.run_sync(_upgrade)
            await connection.invalidate()  # SQLite: it does not enforce foreign keys

    async def revision(self) -> str | None:
        """The present schema; None for an empty database. Changes nothing.

        Raises:
            DatabaseUnusable: it cannot be opened.
        """
        if self.sqlite and self.url.database and not Path(self.url.database).exists():  # noqa: ASYNC240
            return None
        try:
            async with self._engine.execution_options(**{_READ: True}).connect() as connection:
                return await connection.run_sync(_revision)
        except (OSError, sqlite3.Error, SQLAlchemyError) as problem:
            raise self._unusable(problem) from problem

    def sibling_file(self, suffix: str) -> Path | None:
        """The path of a file next to the SQLite file; None for any other database."""
        return Path(self.url.database + suffix) if self.sqlite and self.url.database else None

    async def close(self) -> None:
        await self._engine.dispose()

    async def _use_wal(self) -> None:
        # Readers then never wait for the writer. The mode is kept in the file; without support (NFS) nothing changes.
        async with self._engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            async with raw.execute("PRAGMA journal_mode") as cursor:
                mode = await cursor.fetchone()
            if mode != ("wal",):
                async with raw.execute("PRAGMA journal_mode=WAL"):
                    pass


def _make_private_file(path: Path) -> None:
    """The file holds secrets: only its owner may read it (SQLite gives its auxiliary files the same mode)."""
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _on_connect(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _on_checkin(_dbapi_connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _on_checkout(dbapi_connection: Any, record: Any, _proxy: Any) -> None:
    """A restarted PostgreSQL server has closed our connections: find out before a statement fails."""
    if time.monotonic() - record.info.get("used", time.monotonic()) < TRUSTED:
        return
    try:
        dbapi_connection.ping()
    except Exception as problem:
        raise DisconnectionError from problem


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(_MIGRATING, False):
        # A table that others refer to is changed by replacing it. This has to be set outside a transaction.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN" if options.get(_READ, False) else "BEGIN IMMEDIATE")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    current = _revision(connection)
    if current == HEAD:
        return
    # Imported here: alembic takes longer to import than a current database takes to open.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise DatabaseUnusable(
            f"the database has schema {current}, this release of openspace-widget knows schemas up to {HEAD}: "
            "upgrade openspace-widget, or name another file with OpenSpaceExtension.db_url"
        )
    command.upgrade(config, "head")


async def _retry_while_locked(step: Callable[[], Awaitable[None]]) -> None:
    """Changing the journal mode does not itself wait for other processes."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            return await step()
        except (sqlite3.OperationalError, OperationalError) as problem:
            if "locked" not in str(problem) or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.02)
