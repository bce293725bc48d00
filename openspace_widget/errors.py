"""Exceptions of the package: in a cell they show as one message, not as a traceback."""

from __future__ import annotations

import re

_LINE = re.compile(r"script:(\d+): (.*)", re.DOTALL)


class OpenSpaceError(Exception):
    """Base of every error of this package; ``str(error)`` says what was wrong and what to do."""

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: the message alone is what helps in a cell."""
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]


class ServerError(OpenSpaceError):
    """The Jupyter server could not be found, reached or used; ``status`` is its HTTP status, 0 if it never answered."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class SessionError(OpenSpaceError):
    """The session failed, ended or was closed."""


class RequestError(OpenSpaceError):
    """The instance refused a request: an unknown target, a bad time, a value out of range."""


class ArgumentError(RequestError, ValueError):
    """An argument that cannot be: the message names it, says what was expected and what came."""


class PointsError(ArgumentError):
    """Points, values, colours or a file that cannot be shown: what was wrong with them, and where."""


class NotReadyError(OpenSpaceError, TimeoutError):
    """The instance did not answer in time."""


class LuaError(OpenSpaceError):
    """A Lua script failed.

    Attributes:
        line: the line of the script, counted from 1, or None where Lua does not tell.
        script: the script.
    """

    def __init__(self, problem: str, script: str = "") -> None:
        self.script = script
        found = _LINE.match(problem)
        self.line = int(found[1]) if found else None
        text = f"line {self.line}: {found[2]}" if found else problem
        lines = script.splitlines()
        if self.line is not None and len(lines) > 1 and self.line <= len(lines):
            text += f"\n    {self.line} | {lines[self.line - 1].strip()}"
        super().__init__(text)


class LuaCallError(OpenSpaceError, TypeError):
    """A function of OpenSpace's Lua library was called with other arguments than it takes."""


class UnknownPropertyError(OpenSpaceError, KeyError):
    """There is no property of this URI; the message lists near ones."""

    def __str__(self) -> str:
        return str(self.args[0])
