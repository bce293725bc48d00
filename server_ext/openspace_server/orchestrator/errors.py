"""Orchestrator errors, with texts for users; ``code`` is for programs."""

from __future__ import annotations


class OrchestratorError(Exception):
    """Base of all refusals; ``str(error)`` states the reason and, where possible, what to do."""

    code = "error"


class UnknownSession(OrchestratorError):
    """No such session of this owner. Another owner's session gets exactly the same answer."""

    code = "unknown_session"

    def __init__(self) -> None:
        super().__init__("you have no such session")


class NoFreeSlot(OrchestratorError):
    """``busy`` of ``total`` slots are in use; ``next_end`` (ISO 8601 UTC, empty if unknown) is when the next of them
    may be free again."""

    code = "no_free_slot"

    def __init__(self, reason: str, busy: int = 0, total: int = 0, next_end: str = "") -> None:
        super().__init__(reason)
        self.busy, self.total, self.next_end = busy, total, next_end


class QuotaReached(OrchestratorError):
    """The owner has as many live sessions as allowed; checked before a slot is allocated."""

    code = "quota_reached"

    def __init__(self, quota: int) -> None:
        sessions = "one session" if quota == 1 else f"{quota} sessions"
        super().__init__(f"you may have {sessions} at a time: end one that you no longer need and try again")
        self.quota = quota


class UnknownShare(OrchestratorError):
    """A share link that never existed, has expired, was revoked, or is for another session; the text is the same."""

    code = "unknown_share"

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or "this share link is not valid: it has expired or was revoked. Ask for a new one.")


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
    """A render host gave no usable reply. ``refused``: nothing listens on its port."""

    code = "host_unreachable"

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class CommandRefused(OrchestratorError):
    """A render host replied with an error, which is ``str(error)``."""

    code = "refused_by_host"


class DatabaseUnusable(OrchestratorError):
    code = "database_unusable"
