"""OpenSpace's Lua from outside: values as source, results as Python, errors as exceptions."""

from __future__ import annotations

import logging
import math
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.dialect import error_log
from openspace_server.engines.openspace.link import ApiLink

log = logging.getLogger(__name__)

KEPT_ERRORS = 20
_CONSOLE_ERROR = re.compile(r"\((?:E|Error)\)\s+(?P<text>.+)")
_POSITION = re.compile(r'^(?:\[string "[^"]*"\]|=?script|\w+):\d+: ')


class Scripts:
    """Runs Lua in OpenSpace, one script at a time, and raises what goes wrong.

    OpenSpace answers a script that fails with nothing, and some functions only write to the log what was wrong, so
    the log is heard: the topic ``errorLog``, or the console's text where the release has no such topic.
    """

    def __init__(self, link: ApiLink, console: Callable[[int], str], console_size: Callable[[], int]) -> None:
        self._link = link
        self._console = console
        self._console_size = console_size
        self._errors: deque[str] = deque(maxlen=KEPT_ERRORS)
        link.start("errorLog", error_log(link.dialect), self._logged)

    def run(self, body: str) -> Any:
        """Run ``body``, the inside of a function, and return the first value it returns.

        Raises:
            EngineError: the script failed, or wrote an error to the log.
        """
        self._errors.clear()
        before = self._console_size()
        script = f"local ok, value = pcall(function()\n{body}\nend)\nreturn ok, value"
        payload = {"script": script, "return": True, "shouldBeSynchronized": False}
        reply = self._link.ask("luascript", payload)
        values = _values(reply)
        if values and values[0] is True:
            problem = self._first_error(before)
            if problem:
                raise EngineError(problem)
            return values[1] if len(values) > 1 else None
        if len(values) > 1:
            raise EngineError(_plain(str(values[1])))
        # The error's line in the log may come a moment after the answer.
        self._link.ask("version", {})
        raise EngineError(self._first_error(before) or "OpenSpace refused the script without saying why")

    def call(self, function: str, *arguments: Any) -> Any:
        """Call ``openspace.<function>``. Raises EngineError as :meth:`run`."""
        return self.run(f"return openspace.{function}({', '.join(map(literal, arguments))})")

    def _logged(self, payload: Any) -> None:
        if isinstance(payload, dict) and payload.get("message"):
            log.warning("OpenSpace: %s", payload["message"])
            category = str(payload.get("category") or "")
            if not category or _OF_SCRIPTS.search(category):
                self._errors.append(str(payload["message"]))

    def _first_error(self, console_before: int) -> str:
        if self._errors:
            return _plain(self._errors[0])
        for line in self._console(console_before).splitlines():
            found = _CONSOLE_ERROR.search(line)
            if found and _OF_SCRIPTS.search(found["text"].split(maxsplit=1)[0]):
                return _plain(found["text"].split(maxsplit=1)[-1])
        return ""


_OF_SCRIPTS = re.compile(r"script|lua|property|navig|camera|path|time", re.IGNORECASE)
"""Categories of the log whose errors come from what was asked, not from a download that failed meanwhile."""


def literal(value: Any) -> str:
    """``value`` as Lua source."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise EngineError(f"{value} is no number that OpenSpace takes")
        return repr(value)
    if isinstance(value, str):
        quoted = "".join(
            c if c.isprintable() and c not in '"\\' else "".join(f"\\{byte:03d}" for byte in c.encode()) for c in value
        )
        return f'"{quoted}"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{literal(key)}] = {literal(item)}" for key, item in value.items()) + "}"
    return "{" + ", ".join(map(literal, value)) + "}"


def numbers(value: Any) -> list[float]:
    """A Lua list of numbers, or a table ``{x=, y=, z=}``, as a list."""
    if isinstance(value, dict):
        keys = ("x", "y", "z") if "x" in value else tuple(sorted(value, key=lambda key: float(key)))
        value = [value[key] for key in keys]
    return [float(number) for number in value]


def texts(value: Any) -> list[str]:
    """A Lua list of strings as a list."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value, key=lambda key: float(key))]
    return [str(each) for each in value or []]


def _values(reply: Any) -> list[Any]:
    if not isinstance(reply, dict):
        return []
    count = max((int(key) for key in reply if str(key).isdigit()), default=0)
    return [reply.get(str(index)) for index in range(1, count + 1)]


def _plain(problem: str) -> str:
    """A Lua error without the position in a script that the user never saw."""
    first = problem.strip().splitlines()[0] if problem.strip() else "unknown error"
    return _POSITION.sub("", first)
