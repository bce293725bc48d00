"""What can go wrong, as exceptions a notebook user can read: in a cell they show as one message, not as a traceback."""

from __future__ import annotations


class OpenSpaceError(Exception):
    """Base of every error of this package; ``str(error)`` says what was wrong and what to do."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: the message alone is what helps in a cell."""
        return [f"{type(self).__name__}: {self}"]


class ServerError(OpenSpaceError):
    """The Jupyter server could not be found, reached or used; ``status`` is its HTTP status, 0 if it never answered."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class SessionError(OpenSpaceError):
    """The session failed, ended or was closed."""


class RequestError(OpenSpaceError):
    """The instance refused a request: an unknown target, a bad time, a value out of range."""


class NotReadyError(OpenSpaceError, TimeoutError):
    """The instance did not answer in time."""
