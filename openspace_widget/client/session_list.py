"""List of the user's sessions."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime

from openspace_widget.client.server import Connection
from openspace_widget.units import moment


@dataclass(frozen=True)
class SessionInfo:
    """One session: ``id``, ``name`` (its notebook), ``state``, why (``reason``), ``engine``, ``size`` in pixels, and
    when it was ``created`` (UTC). ``OpenSpace(id)`` joins it."""

    id: str
    name: str
    state: str
    reason: str
    engine: str
    size: tuple[int, int]
    created: datetime


class SessionList(list[SessionInfo]):
    """Sessions; shown as a table in a notebook."""

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td>{html.escape(cell)}</td>"
                for cell in (
                    each.id,
                    each.name,
                    each.state,
                    each.engine,
                    f"{each.size[0]} × {each.size[1]}",
                    f"{each.created:%Y-%m-%d %H:%M}",
                    each.reason,
                )
            )
            + "</tr>"
            for each in self
        )
        head = "".join(f"<th>{name}</th>" for name in ("id", "name", "state", "engine", "size", "created", "reason"))
        return f"<table><tr>{head}</tr>{rows}</table>"


async def list_sessions(connection: Connection) -> SessionList:
    """My sessions, the newest first. Raises ServerError."""
    listed = await connection.request("GET", "sessions")
    found = [
        SessionInfo(
            str(fields["id"]),
            str(fields["name"]),
            str(fields["state"]),
            str(fields.get("reason") or ""),
            str(fields["engine"]),
            (int(fields["width"]), int(fields["height"])),
            moment(fields["created"]),
        )
        for fields in listed["sessions"]
    ]
    return SessionList(sorted(found, key=lambda each: each.created, reverse=True))
