"""The orchestrator's event log as Jupyter events, for the sinks that the server's administrator has configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openspace_server.orchestrator.store.database import LogEvent

SCHEMA_ID = "https://events.openspaceproject.com/openspace_widget/session/v1"
SCHEMA: dict[str, Any] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "OpenSpace sessions and render hosts",
    "description": "One line of the orchestrator's event log.",
    "personal-data": False,
    "type": "object",
    "required": ["at", "kind"],
    "properties": {
        "at": {"type": "string", "title": "When", "description": "ISO 8601, UTC."},
        "kind": {"type": "string", "title": "What", "description": "reserved, running, stopped, host ready, …"},
        "session": {"type": ["string", "null"], "title": "The session's id"},
        "host": {"type": ["string", "null"], "title": "The host's id"},
        "fence": {"type": ["integer", "null"], "title": "The grant's fence"},
        "detail": {"type": "string", "title": "More, for people"},
    },
}


class Audit:
    """Emits the events of this process to ``logger``, the server's ``event_logger``."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        if (SCHEMA_ID, 1) not in logger.schemas and SCHEMA_ID not in logger.schemas:
            logger.register_event_schema(SCHEMA)

    def note(self, event: LogEvent) -> None:
        self._logger.emit(schema_id=SCHEMA_ID, data=vars(event))
