"""Session states, views and warnings, as in REST and on the events socket."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class SessionState(StrEnum):
    """State of a session. RUNNING and DISCONNECTED (no viewer) have an instance; STOPPED, FAILED and LOST are final."""

    REQUESTED = "REQUESTED"
    RESERVED = "RESERVED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    DISCONNECTED = "DISCONNECTED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    LOST = "LOST"

    @property
    def has_instance(self) -> bool:
        return self in (SessionState.RUNNING, SessionState.DISCONNECTED)

    @property
    def is_ended(self) -> bool:
        return self in (SessionState.STOPPED, SessionState.FAILED, SessionState.LOST)


@dataclass(frozen=True)
class SessionView:
    """A session as users see it: without address, port or instance id."""

    id: str
    name: str
    state: SessionState
    reason: str
    engine: str
    width: int
    height: int
    created: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class SessionWarning:
    """A message of the events socket: the session ends ``at`` (ISO 8601 UTC) for ``reason``; ``hint`` says what to do.
    All empty: the warning is withdrawn."""

    reason: str = ""
    at: str = ""
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """With the remaining ``seconds``, because browsers' clocks may be wrong."""
        message: dict[str, Any] = {"type": "warning", "reason": self.reason, "at": self.at, "hint": self.hint}
        if self.at:
            left = datetime.fromisoformat(self.at) - datetime.now(UTC)
            message["seconds"] = round(max(0.0, left.total_seconds()), 1)
        return message
