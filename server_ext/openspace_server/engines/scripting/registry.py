"""The registry of the ``openspace.*`` library: signatures, checks and documentation from Python's annotations.

::

    @function("time", "setDeltaTime")
    def set_delta_time(script_host: ScriptHost, delta_time: float) -> None:
        \"\"\"Set simulated seconds per second.\"\"\"

A returned tuple is several return values; a list or dict is a table. Argument names are documented in camel case.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties.kinds import show
from openspace_server.protocols.suggestions import did_you_mean, near

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost

_LUA_TYPES = {float: "Number", int: "Integer", str: "String", bool: "Boolean", dict: "Table", list: "Table"}


@dataclass(frozen=True)
class Argument:
    """``types`` are the Python types accepted, empty for any; ``default`` is None when required."""

    name: str
    types: tuple[type, ...]
    optional: bool
    default: str | None
    fallback: Any = None

    @property
    def lua_type(self) -> str:
        names = " | ".join(dict.fromkeys(_LUA_TYPES[each] for each in self.types)) or "Value"
        return f"{names}?" if self.optional else names

    def check(self, value: Any) -> Any:
        """``value`` as the function wants it. Raises EngineError."""
        if value is None and self.optional:
            return self.fallback
        if not self.types:
            return value
        for kind in self.types:
            if kind is bool and isinstance(value, bool):
                return value
            if isinstance(value, bool):
                continue
            if kind is float and isinstance(value, int | float):
                return float(value)
            if kind is int and isinstance(value, int | float) and math.isfinite(value) and value == int(value):
                return int(value)
            if kind is str and isinstance(value, str):
                return value
            if kind is dict and isinstance(value, dict):
                return value
            if kind is list and (isinstance(value, list) or value == {}):
                return list(value)
        raise EngineError(f"argument {self.name} must be a {self.lua_type}, got {show(value)}")


@dataclass(frozen=True)
class LuaFunction:
    """One function of the library."""

    library: str
    name: str
    arguments: tuple[Argument, ...]
    return_type: str
    help: str
    call: Callable[..., Any]

    @property
    def full_name(self) -> str:
        return f"openspace.{self.library}.{self.name}" if self.library else f"openspace.{self.name}"

    @property
    def signature(self) -> str:
        return f"{self.full_name}({', '.join(f'{each.name}: {each.lua_type}' for each in self.arguments)})"

    def run(self, script_host: ScriptHost, values: list[Any]) -> tuple[Any, ...]:
        """Call with values from Lua. Raises EngineError that names the function."""
        passed = list(values)
        while passed and passed[-1] is None and len(passed) > len(self.arguments):
            passed.pop()
        required = sum(not each.optional for each in self.arguments)
        if not required <= len(passed) <= len(self.arguments):
            count = str(required) if required == len(self.arguments) else f"{required} to {len(self.arguments)}"
            raise EngineError(f"{self.signature} takes {count} arguments, got {len(passed)}")
        try:
            checked = [argument.check(value) for argument, value in zip(self.arguments, passed, strict=False)]
            result = self.call(script_host, *checked)
        except EngineError as error:
            raise EngineError(f"{self.full_name}: {error}") from None
        if result is None:
            return ()
        return result if isinstance(result, tuple) else (result,)


FUNCTIONS: dict[str, LuaFunction] = {}
"""All registered functions, by full name."""


def function(library: str, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function under ``openspace.<library>.<name>`` for each name; ``library`` is empty for the root."""

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        hints = typing.get_type_hints(call, {**call.__globals__, "ScriptHost": object})
        parameters = list(inspect.signature(call).parameters.values())[1:]
        arguments = tuple(_argument(each, hints[each.name]) for each in parameters)
        help = " ".join((inspect.getdoc(call) or "").split())
        for name in names:
            added = LuaFunction(library, name, arguments, _return_type(hints.get("return")), help, call)
            assert added.full_name not in FUNCTIONS, added.full_name
            FUNCTIONS[added.full_name] = added
        return call

    return register


def missing(path: str) -> NoReturn:
    """Raise the error for a function that is not there."""
    last = path.rpartition(".")[2]
    alike = [name for name in FUNCTIONS if name.rpartition(".")[2] == last][:3]
    hint = did_you_mean(alike or near(path, FUNCTIONS, alike=0.7), before="; ")
    raise EngineError(f"{path[:200]} is not available in this engine{hint}")


def documentation() -> list[dict[str, Any]]:
    """As the ``documentation`` topic gives it for ``lua``: one entry per library, the root first."""
    libraries: dict[str, list[LuaFunction]] = {"": []}
    for each in FUNCTIONS.values():
        libraries.setdefault(each.library, []).append(each)
    return [
        {
            "name": name,
            "library": name,
            "fullName": f"openspace.{name}" if name else "openspace",
            "functions": [_documented(each) for each in sorted(functions, key=lambda each: each.name)],
        }
        for name, functions in sorted(libraries.items())
    ]


def _documented(each: LuaFunction) -> dict[str, Any]:
    arguments = [
        {"name": argument.name, "type": argument.lua_type}
        | ({"defaultValue": argument.default} if argument.default else {})
        for argument in each.arguments
    ]
    return {"name": each.name, "arguments": arguments, "returnType": each.return_type, "help": each.help}


def _argument(parameter: inspect.Parameter, hint: Any) -> Argument:
    options = (
        typing.get_args(hint)
        if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
        else (hint,)
    )
    accepted = tuple(_plain(each) for each in options if each not in (type(None), Any))
    default = None if parameter.default in (inspect.Parameter.empty, None) else _as_lua(parameter.default)
    head, *rest = parameter.name.split("_")
    name = head + "".join(part.capitalize() for part in rest)
    optional = parameter.default is not inspect.Parameter.empty or type(None) in options
    fallback = None if parameter.default is inspect.Parameter.empty else parameter.default
    return Argument(name, accepted, optional, default, fallback)


def _plain(hint: Any) -> type:
    plain: type = typing.get_origin(hint) or hint
    assert plain in _LUA_TYPES, hint
    return plain


def _return_type(hint: Any) -> str:
    if hint in (None, type(None)):
        return ""
    if typing.get_origin(hint) is tuple:
        return f"({', '.join(_return_type(each) for each in typing.get_args(hint))})"
    if isinstance(hint, types.UnionType):
        names = [_return_type(each) for each in typing.get_args(hint)]
        return " | ".join(name for name in names if name) + ("?" if "" in names else "")
    return _LUA_TYPES.get(typing.get_origin(hint) or hint, "Value")


def _as_lua(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else f"{value}"
