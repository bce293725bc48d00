"""Administrators' commands on the orchestrator's database: ``hosts``, ``sessions`` and ``db``. Running orchestrators
apply the changes within seconds."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

URL_VARIABLE = "OPENSPACE_DB_URL"
SECRET_VARIABLE = "OPENSPACE_HOST_SECRET"
Work = Callable[[argparse.Namespace, Any], Awaitable[int]]


def add_hosts(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="what")
    add = _command(commands, "add", "add a render host", _hosts_add)
    where = add.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "where", nargs="?", help="address[:port[:gateway port]]; its secret is read from " + SECRET_VARIABLE
    )
    where.add_argument("--agent", metavar="NAME", help="a host that will dial in; prints its generated secret")
    for name in ("region", "graphics-card", "ram", "storage"):
        add.add_argument(f"--{name}", default="", help="shown to administrators; sessions may prefer a region")
    add.add_argument("--engines", default="", metavar="A,B", help="engines that it offers; by default any")
    add.add_argument(
        "--exclusive", action="store_true", help="serves this database alone: unknown instances on it are stopped"
    )
    _command(commands, "list", "list all hosts with their busy slots", _hosts_list)
    drain = _command(commands, "drain", "give a host no new sessions; its present ones continue", _hosts_drain)
    drain.add_argument("host", help="name, address or id of the host")
    drain.add_argument("--undo", action="store_true", help="use it again")
    remove = _command(commands, "remove", "remove a host that has no sessions", _hosts_remove)
    remove.add_argument("host", help="name, address or id of the host")


def add_sessions(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="what")
    show = _command(commands, "list", "list the live sessions of all users", _sessions_list)
    show.add_argument("--json", action="store_true", help="print one JSON object per line")
    stop = _command(commands, "stop", "end sessions", _sessions_stop)
    stop.add_argument("sessions", nargs="+", help="ids, or the first characters of ids")


def add_db(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="what")
    _command(commands, "upgrade", "create the tables, or upgrade them", _db_upgrade, set_up=False)
    _command(
        commands, "status", "print the schema version; exit code 1 unless it is the newest", _db_status, set_up=False
    )
    export = _command(commands, "export", "export everything but secrets as JSON", _db_export)
    export.add_argument("--output", type=Path, help="file to write; by default stdout")


def _command(commands: Any, name: str, summary: str, work: Work, set_up: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.add_argument(
        "--db",
        default=os.environ.get(URL_VARIABLE, ""),
        metavar="URL",
        help=f"database URL; by default {URL_VARIABLE}, else the SQLite file in Jupyter's data folder",
    )
    parser.set_defaults(run=lambda arguments: _run(arguments, work, set_up))
    return parser


def _run(arguments: argparse.Namespace, work: Work, set_up: bool) -> int:
    import asyncio

    from openspace_server.orchestrator.errors import OrchestratorError
    from openspace_server.orchestrator.store.database import Database

    async def run() -> int:
        database = Database(arguments.db or _default_url())
        try:
            if set_up:
                await database.set_up()
            return await work(arguments, database)
        finally:
            await database.close()

    try:
        import asyncio

        return asyncio.run(run())
    except (OrchestratorError, ValueError) as problem:
        print(f"openspace-widget: {problem}", file=sys.stderr)
        return 1


def _default_url() -> str:
    from jupyter_core.paths import jupyter_data_dir

    from openspace_server.orchestrator.settings import Settings

    return Settings(directory=Path(jupyter_data_dir()) / "openspace").url


async def _hosts_add(arguments: argparse.Namespace, database: Any) -> int:
    from openspace_server.orchestrator.settings import HostAddress
    from openspace_server.orchestrator.store.hosts import HostStore
    from openspace_server.orchestrator.store.models import HostKind

    names = ("region", "graphics_card", "ram", "storage", "engines", "exclusive")
    traits = {name: getattr(arguments, name) for name in names}
    store = HostStore(database)
    if arguments.agent:
        row = await store.add_agent(arguments.agent, **traits)
        print(f"{SECRET_VARIABLE}={row.secret}")
        print(f"Start it there with: openspace-widget host --join URL --name {row.name}", file=sys.stderr)
        return 0
    row = await store.add(
        HostAddress.parse(arguments.where), os.environ.get(SECRET_VARIABLE, ""), HostKind.ADDED, **traits
    )
    print(row.id)
    return 0


async def _hosts_list(arguments: argparse.Namespace, database: Any) -> int:
    from openspace_server.orchestrator.store.hosts import HostStore

    store = HostStore(database)
    busy = await store.busy()
    rows = [
        (
            host.id[:8],
            host.name or (f"{host.address}:{host.port}" if host.port else "-"),
            host.kind,
            host.state,
            f"{busy.get(host.id, 0) + host.occupied}/{host.slots}",
            host.region or "-",
            host.graphics_card or "-",
            host.reason,
        )
        for host in await store.hosts()
    ]
    _table(("id", "host", "kind", "state", "busy", "region", "graphics card", "reason"), rows)
    return 0


async def _hosts_drain(arguments: argparse.Namespace, database: Any) -> int:
    from openspace_server.orchestrator.store.hosts import HostStore

    store = HostStore(database)
    host = await store.find(arguments.host)
    await store.set_drain(host.id, not arguments.undo)
    busy = (await store.busy()).get(host.id, 0)
    print("in use again" if arguments.undo else f"draining: {busy} sessions continue")
    return 0


async def _hosts_remove(arguments: argparse.Namespace, database: Any) -> int:
    from openspace_server.orchestrator.store.hosts import HostStore

    store = HostStore(database)
    await store.remove((await store.find(arguments.host)).id)
    return 0


async def _sessions_list(arguments: argparse.Namespace, database: Any) -> int:
    from openspace_server.orchestrator.store.sessions import SessionStore

    rows = await SessionStore(database).live()
    if arguments.json:
        for row in rows:
            print(json.dumps(row.view().as_json() | {"owner": row.owner, "host": row.host}))
        return 0
    shown = [(row.id, row.owner, row.state, row.engine, row.created, row.name, row.reason) for row in rows]
    _table(("id", "owner", "state", "engine", "created", "name", "reason"), shown)
    return 0


async def _sessions_stop(arguments: argparse.Namespace, database: Any) -> int:
    from openspace_server.orchestrator.store.sessions import SessionStore
    from openspace_server.protocols.sessions import SessionState

    store, code = SessionStore(database), 0
    live = await store.live()
    for which in arguments.sessions:
        found = [row for row in live if row.id.startswith(which)]
        if len(found) != 1:
            count = f"{len(found)} live sessions have" if found else "no live session has"
            print(f"openspace-widget: {count} an id that begins with {which}", file=sys.stderr)
            code = 1
            continue
        row, reason = found[0], "ended by an administrator"
        waiting = row.state in (SessionState.REQUESTED, SessionState.RESERVED)
        if not (waiting and await store.end(row, SessionState.STOPPED, reason, only_from=row.state)):
            await store.set_stopping(row, reason, SessionState.STOPPED)
    return code


async def _db_upgrade(arguments: argparse.Namespace, database: Any) -> int:
    from openspace_server.orchestrator.store.database import HEAD

    before = await database.revision()
    await database.set_up()
    print(f"{database.name}: schema {HEAD}" + ("" if before == HEAD else f", was {before or 'empty'}"))
    return 0


async def _db_status(arguments: argparse.Namespace, database: Any) -> int:
    from openspace_server.orchestrator.store.database import HEAD

    found = await database.revision()
    print(f"{database.name}: schema {found or 'none'}, newest {HEAD}")
    return 0 if found == HEAD else 1


async def _db_export(arguments: argparse.Namespace, database: Any) -> int:
    from sqlalchemy import select

    from openspace_server.orchestrator.store.database import HEAD
    from openspace_server.orchestrator.store.models import Base

    exported: dict[str, Any] = {"schema": HEAD}
    async with database.read() as tx:
        for table in Base.metadata.sorted_tables:
            columns = [column for column in table.columns if column.name not in ("secret", "token")]
            rows = await tx.execute(select(*columns).order_by(*table.primary_key.columns))
            exported[table.name] = [dict(row) for row in rows.mappings()]
    text = json.dumps(exported, indent=1)
    if arguments.output is None:
        print(text)
    else:
        arguments.output.write_text(text + "\n", "utf-8")
    return 0


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    lines = [heads, *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(heads))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
