"""What the orchestrator cannot do, in words meant for the user. ``code`` is for programs."""

from __future__ import annotations


class OrchestratorError(Exception):
    """Base of all refusals; ``str(error)`` says what happened and, where there is a way, what to do."""

    code = "error"


class UnknownSession(OrchestratorError):
    """No such session of this owner. Somebody else's session gets exactly the same answer."""

    code = "unknown_session"

    def __init__(self) -> None:
        super().__init__("you have no such session")


class NoFreeSlot(OrchestratorError):
    code = "no_free_slot"


class KeyReused(OrchestratorError):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key: was used before for a different request; use a new key for a new session")


class SessionEnded(OrchestratorError):
    code = "session_ended"


class SessionNotRunning(OrchestratorError):
    code = "session_not_running"


class HostUnreachable(OrchestratorError):
    """A render host gave no usable answer. ``refused``: nothing listens on its port."""

    code = "host_unreachable"

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class CommandRefused(OrchestratorError):
    """A render host answered with an error; ``str(error)`` is its word for it."""

    code = "refused_by_host"


class DatabaseUnusable(OrchestratorError):
    code = "database_unusable"
