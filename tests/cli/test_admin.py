"""``openspace-widget hosts``, ``sessions`` and ``db``, on both databases."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from openspace_server.cli.main import main
from openspace_server.orchestrator.allocation.allocator import Allocator
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.hosts import HostStore
from tests.orchestrator.helpers import ME, REQUEST


def command(db_url: str, *words: str) -> int:
    return main([*words, "--db", db_url])


def test_hosts(db_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSPACE_HOST_SECRET", "s3cret")
    assert command(db_url, "hosts", "add", "10.0.0.5:4699:8443", "--region", "north", "--graphics-card", "T4") == 0
    assert command(db_url, "hosts", "add", "--agent", "batch") == 0
    capsys.readouterr()
    assert command(db_url, "hosts", "add", "--agent", "batch") == 1
    assert capsys.readouterr().err == "openspace-widget: there already is an agent named batch\n"
    assert command(db_url, "hosts", "add", "nonsense:port") == 1
    assert command(db_url, "hosts", "list") == 0
    listed = capsys.readouterr().out
    for word in ("10.0.0.5:4699", "north", "T4", "batch", "agent", "joining"):
        assert word in listed
    assert "s3cret" not in listed
    assert command(db_url, "hosts", "drain", "10.0.0.5") == 0
    assert command(db_url, "hosts", "drain", "10.0.0.5", "--undo") == 0
    assert command(db_url, "hosts", "remove", "batch") == 0
    assert command(db_url, "hosts", "remove", "batch") == 1


async def _session(db_url: str) -> str:
    database = Database(db_url)
    hosts = HostStore(database)
    host = (await hosts.hosts())[0]
    await hosts.set_ready(host.id, 1, 60)
    row, _ = await Allocator(database).reserve(ME, REQUEST, None, [host.id])
    await database.close()
    return row.id


def test_sessions_and_export(db_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(db_url, "hosts", "add", "127.0.0.1:1") == 0
    session = asyncio.run(_session(db_url))
    capsys.readouterr()
    assert command(db_url, "sessions", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert (listed["id"], listed["owner"], listed["state"]) == (session, ME, "RESERVED")
    assert command(db_url, "hosts", "remove", "127.0.0.1") == 1
    assert capsys.readouterr().err == (
        "openspace-widget: it has live sessions: drain it first, or end them (openspace-widget sessions stop)\n"
    )
    assert command(db_url, "sessions", "stop", session[:8], "ffffffff") == 1
    assert capsys.readouterr().err == "openspace-widget: no live session has an id that begins with ffffffff\n"
    assert command(db_url, "sessions", "list", "--json") == 0
    assert capsys.readouterr().out == ""
    file = tmp_path / "export.json"
    assert command(db_url, "db", "export", "--output", str(file)) == 0
    exported = json.loads(file.read_text())
    assert [row["state"] for row in exported["sessions"]] == ["STOPPED"]
    assert [row["kind"] for row in exported["events"]][-1] == "stopped"
    assert not [
        column for table in exported.values() for row in table for column in ("secret", "token") if column in row
    ]


def test_db(db_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(db_url, "db", "status") == 1
    assert capsys.readouterr().out.endswith(": schema none, newest 0003\n")
    assert command(db_url, "db", "upgrade") == 0
    assert "was empty" in capsys.readouterr().out
    assert command(db_url, "db", "status") == 0


def test_an_unreachable_database_is_named_without_its_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("postgresql+asyncpg://me:hush@127.0.0.1:1/x", "db", "upgrade") == 1
    said = capsys.readouterr().err
    assert "127.0.0.1:1/x cannot be used" in said
    assert "hush" not in said
