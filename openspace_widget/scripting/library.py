"""OpenSpace's Lua library as Python, made from the instance's own documentation."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable
from typing import Any

from openspace_server.protocols.suggestions import suggest
from openspace_widget.client.lua import literal
from openspace_widget.errors import LuaCallError

Documentation = list[dict[str, Any]]


class Library:
    """The functions of one Lua library; ``dir(space.api)`` and completion list them, ``help`` explains them.

    Example:
        >>> space.api.time.setDeltaTime(3600)
        >>> space.api.time.deltaTime()
        3600.0
        >>> space.api.time.setDeltaTime(1)
        >>> print(space.api.time.setDeltaTime.__signature__)
        (deltaTime: 'Number')
    """

    def __init__(self, read: Callable[[], Documentation], run: Callable[[str], Any], path: str = "openspace") -> None:
        self._read = read
        self._run = run
        self._path = path

    def __dir__(self) -> list[str]:
        return sorted(self._members())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what IPython looks for in every object must not start the connection
            raise AttributeError(name)
        members = self._members()
        if name not in members:
            raise AttributeError(f"{self._path} has no {name!r}: {suggest(name, sorted(members))}")
        return members[name]

    def _members(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in self._read():
            path = str(each.get("fullName") or each.get("name") or each.get("library") or "openspace")
            if path == self._path or (self._path == "openspace" and path == ""):
                for function in each["functions"]:
                    found[function["name"]] = LuaFunction(f"{self._path}.{function['name']}", function, self._run)
            elif path.startswith(self._path + "."):
                name = path[len(self._path) + 1 :].split(".")[0]
                found.setdefault(name, Library(self._read, self._run, f"{self._path}.{name}"))
        return found

    def __repr__(self) -> str:
        return f"<{self._path}: {', '.join(sorted(self._members()))}>"


class LuaFunction:
    """One function of OpenSpace's Lua library, called with Python values."""

    def __init__(self, path: str, about: dict[str, Any], run: Callable[[str], Any]) -> None:
        self._run = run
        self.__name__ = str(about["name"])
        self.__qualname__ = path
        self.__signature__ = signature(about)
        returns = f"\n\nReturns: {about['returnType']}" if about.get("returnType") else ""
        self.__doc__ = f"{path}{self.__signature__}\n\n{about.get('help', '')}{returns}"

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        try:
            bound = self.__signature__.bind(*arguments, **named)
        except TypeError as problem:
            raise LuaCallError(f"{self.__qualname__}{self.__signature__}: {problem}") from None
        arguments_by_name = list(bound.arguments.items())
        names = list(self.__signature__.parameters)
        values: list[Any] = [None] * (names.index(arguments_by_name[-1][0]) + 1) if arguments_by_name else []
        for name, value in arguments_by_name:
            values[names.index(name)] = value
        return self._run(f"return {self.__qualname__}({', '.join(literal(value) for value in values)})")

    def __repr__(self) -> str:
        return f"<{self.__qualname__}{self.__signature__}>"


def signature(about: dict[str, Any]) -> inspect.Signature:
    """The Python signature of a documented function: optional arguments have a default."""
    parameters, optional, taken = [], False, set()
    for index, argument in enumerate(about.get("arguments") or (), 1):
        kind = str(argument.get("type", ""))
        name = re.sub(r"\W", "_", str(argument.get("name") or f"argument{index}"))
        name = name + "_" if keyword.iskeyword(name) else name
        name = f"{name}{index}" if name in taken or not name.isidentifier() else name
        taken.add(name)
        # Behind an optional argument everything is optional, as in Lua.
        optional = optional or "?" in kind or argument.get("defaultValue") is not None
        default = argument.get("defaultValue") if optional else inspect.Parameter.empty
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)
        )
    return inspect.Signature(parameters)
