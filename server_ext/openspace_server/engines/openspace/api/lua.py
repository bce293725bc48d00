"""Lua in OpenSpace: values as source, results as Python, errors as exceptions."""

from __future__ import annotations

import logging
import math
import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.api.client import ANSWER_TIMEOUT, ApiClient
from openspace_server.engines.openspace.api.dialect import error_log

log = logging.getLogger(__name__)

KEPT_ERRORS = 20
_CONSOLE_ERROR = re.compile(r"^\(E\) (?P<category>.{20}) (?P<text>.+)")
"""OpenSpace cuts categories to 20 characters and fills them up."""
_POSITION = re.compile(r'^(?:\[string "[^"]*"\]|=?script|\w+):\d+: ')


SCRIPT_CATEGORIES = re.compile(r"script|lua|property|navig|camera|path|time", re.IGNORECASE)
"""Categories of the log whose errors come from a script, not from a download that failed meanwhile."""


class Scripts:
    """Runs Lua in OpenSpace, one script at a time, and raises what goes wrong.

    OpenSpace answers a script that fails with nothing, and some functions only write to the log what was wrong, so
    the log is read as well: the topic ``errorLog``, or the console's text where the release has no such topic. Only
    categories that match ``categories`` count. One thread at a time.
    """

    def __init__(
        self,
        client: ApiClient,
        console: Callable[[int], str],
        console_size: Callable[[], int],
        categories: re.Pattern[str] = SCRIPT_CATEGORIES,
    ) -> None:
        self._client = client
        self._console = console
        self._console_size = console_size
        self._categories = categories
        self._errors: deque[str] = deque(maxlen=KEPT_ERRORS)
        self._began = 0
        client.start("errorLog", error_log(client.dialect), self._logged)

    def run(self, body: str, about: Iterable[str] | None = None) -> Any:
        """Run ``body``, the inside of a function, and return the first value it returns.

        Args:
            about: whose errors in the log count, as for :meth:`problems`.

        Raises:
            EngineError: the script failed, or wrote an error to the log.
        """
        self.clear_problems()
        value = self.evaluate(body)
        problems = self.problems(about)
        if problems:
            raise EngineError(problems[0])
        return value

    def clear_problems(self) -> None:
        """Leave out of :meth:`problems` what the log has said so far."""
        self._errors.clear()
        self._began = self._console_size()

    def evaluate(self, body: str, timeout: float = ANSWER_TIMEOUT) -> Any:
        """As :meth:`run`, within ``timeout`` seconds, without raising what only the log says (:meth:`problems`)."""
        script = f"local ok, value = pcall(function()\n{body}\nend)\nreturn ok, value"
        payload = {"script": script, "return": True, "shouldBeSynchronized": False}
        reply = self._client.ask("luascript", payload, timeout)
        values = _values(reply)
        if values and values[0] is True:
            return values[1] if len(values) > 1 else None
        if len(values) > 1:
            raise EngineError(_plain(str(values[1])))
        # The error's line in the log may come a moment after the answer.
        self._client.ask("version", {})
        problems = self.problems()
        raise EngineError(problems[0] if problems else "OpenSpace refused the script without saying why")

    def call(self, function: str, *arguments: Any) -> Any:
        """Call ``openspace.<function>``. Raises EngineError as :meth:`run`."""
        return self.run(f"return openspace.{function}({', '.join(map(literal, arguments))})")

    def _logged(self, payload: Any) -> None:
        if isinstance(payload, dict) and payload.get("message"):
            log.warning("OpenSpace: %s", payload["message"])
            category = str(payload.get("category") or "")
            if not category or self._categories.search(category):
                self._errors.append(str(payload["message"]))

    def wait_frame(self, timeout: float = ANSWER_TIMEOUT) -> None:
        """Return when everything requested before has been drawn.

        A script is answered before its frame is drawn, and its effect holds from the next frame on; the answer
        to one more script comes after that frame.
        """
        self.evaluate("return true", timeout)

    def problems(self, about: Iterable[str] | None = None) -> list[str]:
        """The errors in the log since :meth:`run` or :meth:`clear_problems`.

        ``about``: identifiers or names of files; only errors that name one of them. The log does not say which script
        an error comes from, and other clients may run theirs meanwhile. None takes all errors.
        """
        # Another thread continues to listen.
        errors = [_plain(each) for each in list(self._errors)]
        if not errors:
            found = (_CONSOLE_ERROR.search(line) for line in self._console(self._began).splitlines())
            errors = [
                _plain(each["text"])
                for each in found
                if each and (not each["category"].strip() or self._categories.search(each["category"]))
            ]
        if about is None:
            return errors
        named = [re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])") for name in about]
        return [each for each in errors if any(name.search(each) for name in named)]


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
        quoted = "".join(c if c.isprintable() and c not in '"\\' else _escaped(c) for c in value)
        return f'"{quoted}"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{literal(key)}] = {literal(item)}" for key, item in value.items()) + "}"
    return "{" + ", ".join(map(literal, value)) + "}"


def _escaped(character: str) -> str:
    return "".join(f"\\{byte:03d}" for byte in character.encode("utf-8", "replace"))


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
