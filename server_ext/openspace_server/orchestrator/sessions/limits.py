"""When a session must end, and for what: its longest life, nobody steering it, nobody watching it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from openspace_server.orchestrator.store.models import SessionRow
from openspace_server.protocols.sessions import SessionState

WARN_SHARE = 0.5


@dataclass(frozen=True)
class End:
    """``at``: when, by the database's clock. ``reason`` and ``hint``, what to do about it, are for people."""

    at: datetime
    reason: str
    limit: float
    hint: str

    def due(self, now: str) -> bool:
        return self.at <= datetime.fromisoformat(now)

    def near(self, now: str, warning: float) -> bool:
        """Whether it is time to warn: ``warning`` seconds before, for short limits half of them."""
        lead = min(warning, self.limit * WARN_SHARE)
        return self.at - timedelta(seconds=lead) <= datetime.fromisoformat(now)

    @property
    def stamp(self) -> str:
        return self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def next_end(row: SessionRow) -> End | None:
    """The first of its limits to be reached, if it has any."""
    ends = []
    if row.expires:
        at = datetime.fromisoformat(row.expires)
        life = (at - datetime.fromisoformat(row.created)).total_seconds()
        ends.append(End(at, f"a session lasts at most {_spoken(life)}", life, "save what you want to keep"))
    if row.idle_limit:
        ends.append(_after(row.used, row.idle_limit, "it has not been used", "move the camera to keep it"))
    if row.away_limit and row.state == SessionState.DISCONNECTED:
        ends.append(_after(row.since, row.away_limit, "it has had no viewer", "open it to keep it"))
    return min(ends, key=lambda end: end.at, default=None)


def _after(start: str, limit: int, cause: str, hint: str) -> End:
    reason = f"a session ends when {cause} for {_spoken(limit)}"
    return End(datetime.fromisoformat(start) + timedelta(seconds=limit), reason, limit, hint)


def _spoken(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{round(seconds / length, 1):g} {unit}"
    return f"{round(seconds):g} s"
