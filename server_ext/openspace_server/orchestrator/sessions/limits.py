"""Limits that end a session: longest life, not being used, having no viewer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from openspace_server.orchestrator.store.models import SessionRow
from openspace_server.protocols.sessions import SessionState

MAX_WARNING_SHARE = 0.5
"""Part of a limit for which its end may be announced."""


@dataclass(frozen=True)
class Deadline:
    """``at``: when the session ends, by the database's clock. ``reason`` and ``hint`` (what to do) are for people."""

    at: datetime
    reason: str
    limit: float
    hint: str

    def has_passed(self, now: str) -> bool:
        return self.at <= datetime.fromisoformat(now)

    def is_near(self, now: str, warning: float) -> bool:
        """Whether it is time to warn: ``warning`` seconds before, for short limits half of them."""
        lead = min(warning, self.limit * MAX_WARNING_SHARE)
        return self.at - timedelta(seconds=lead) <= datetime.fromisoformat(now)

    @property
    def stamp(self) -> str:
        return self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def next_deadline(row: SessionRow) -> Deadline | None:
    """The earliest deadline of the session's limits, if it has any."""
    deadlines = []
    if row.expires:
        at = datetime.fromisoformat(row.expires)
        life = (at - datetime.fromisoformat(row.created)).total_seconds()
        deadlines.append(
            Deadline(at, f"a session lasts at most {_format_duration(life)}", life, "save what you want to keep")
        )
    if row.idle_limit:
        deadlines.append(_after(row.used, row.idle_limit, "it has not been used", "move the camera to keep it"))
    if row.away_limit and row.state == SessionState.DISCONNECTED:
        deadlines.append(_after(row.since, row.away_limit, "it has had no viewer", "open it to keep it"))
    return min(deadlines, key=lambda deadline: deadline.at, default=None)


def _after(start: str, limit: int, cause: str, hint: str) -> Deadline:
    reason = f"a session ends when {cause} for {_format_duration(limit)}"
    return Deadline(datetime.fromisoformat(start) + timedelta(seconds=limit), reason, limit, hint)


def _format_duration(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{round(seconds / length, 1):g} {unit}"
    return f"{round(seconds):g} s"
