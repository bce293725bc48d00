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
    """``busy`` of ``total`` slots are in use; ``next_end`` (ISO 8601 UTC, empty if unknown) is when the next of them
    may be free again. ``lost``: the host cannot be had at all."""

    code = "no_free_slot"

    def __init__(self, reason: str, busy: int = 0, total: int = 0, next_end: str = "") -> None:
        super().__init__(reason)
        self.busy, self.total, self.next_end = busy, total, next_end


class QuotaReached(OrchestratorError):
    """The owner has as many live sessions as allowed; told before any slot is looked for."""

    code = "quota_reached"

    def __init__(self, quota: int) -> None:
        sessions = "one session" if quota == 1 else f"{quota} sessions"
        super().__init__(f"you may have {sessions} at a time: end one that you no longer need and try again")
        self.quota = quota


class UnknownShare(OrchestratorError):
    """A link that was never made, has expired, was revoked, or is for another session: all the same to who asks."""

    code = "unknown_share"

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or "this link is no longer good: it has expired or was revoked. Ask for a new one.")


class TooManyShares(OrchestratorError):
    code = "too_many_shares"


class UnknownHost(OrchestratorError):
    code = "unknown_host"


class HostInUse(OrchestratorError):
    code = "host_in_use"


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
