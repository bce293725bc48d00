"""The sandboxed Lua interpreter: no access to anything outside, with limits on time and memory.

What a script can reach: Lua 5.4's own functions without io, os, package, require, debug, dofile, loadfile and
collectgarbage, and the functions it is given here. Only numbers, strings, booleans and tables cross to Python.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from importlib import resources
from typing import Any, NoReturn

import lupa.lua54 as lupa

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.values import from_lua, to_lua

MAX_MEMORY = 64 * 1024 * 1024
MAX_INSTRUCTIONS = 50_000_000
MAX_SECONDS = 1.0
MAX_SOURCE = 1024 * 1024

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)

HostFunction = Callable[[list[Any]], tuple[Any, ...]]
"""Takes the arguments as Python values, returns the values for Lua; raises EngineError to fail in Lua."""


class LuaError(EngineError):
    """A script failed; the message is Lua's."""


class Sandbox:
    """One Lua state; globals stay from script to script. Used on one thread only.

    Args:
        functions: by full name, such as ``openspace.time.setTime``.
        missing: called with the full name of a function that is not there; raises the error a script sees.
        on_print: called with what scripts print.
        on_error: called with exceptions other than EngineError that a function raised.
    """

    def __init__(
        self,
        functions: dict[str, HostFunction],
        *,
        missing: Callable[[str], NoReturn],
        on_print: Callable[[str], None],
        on_error: Callable[[str, Exception], None],
        max_memory: int = MAX_MEMORY,
        max_instructions: int = MAX_INSTRUCTIONS,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._functions: dict[str, HostFunction] = {
            **functions,
            "missing": lambda arguments: missing(str(arguments[0])),
            "print": lambda arguments: self._print(arguments),
        }
        self._on_print = on_print
        self._names = list(functions)
        self._on_error = on_error
        self._max_memory = max_memory
        self._max_instructions = max_instructions
        self._max_seconds = max_seconds
        self._busy = False
        self._start()

    def run(self, source: str) -> list[Any]:
        """Run a script; returns what it returns. Raises LuaError."""
        if len(source) > MAX_SOURCE:
            raise LuaError(f"the script is longer than {MAX_SOURCE} characters")
        return self._guarded(lambda: self._host[b"run"](source.encode("utf-8", "replace"), self._max_seconds))

    def invoke(self, path: str, arguments: list[Any]) -> list[Any]:
        """Call the function at ``path``, such as ``openspace.time.setTime``. Raises LuaError."""
        if len(path) > 200 or not _PATH.fullmatch(path):
            raise LuaError(f"{path[:60]!r} is not the name of a Lua function")
        values = self._lua.table()
        for index, argument in enumerate(arguments, 1):
            values[index] = to_lua(self._lua, argument)
        return self._guarded(lambda: self._host[b"invoke"](path.encode(), self._max_seconds, values, len(arguments)))

    @property
    def memory(self) -> int:
        """Bytes that scripts hold."""
        return int(self._lua.get_memory_used())

    def _guarded(self, run: Callable[[], Any]) -> list[Any]:
        if self._busy:
            raise LuaError("a script cannot start another one and wait for it")
        self._busy = True
        try:
            results = run()
            ok, count = results[1], int(results[b"n"])
            values = [from_lua(results[index]) for index in range(2, count + 1)]
        except lupa.LuaError as error:
            raise LuaError(str(error) or "Lua ran out of memory") from None
        except EngineError as error:
            raise LuaError(str(error)) from None
        finally:
            self._lift()  # a script that ran out of memory may have left the bound on
            self._busy = False
            del run
            self._tidy()
        if not ok:
            raise LuaError(
                str(values[0]) if values and values[0] is not None else "the script failed without a message"
            )
        return values

    def _tidy(self) -> None:
        """After a script that holds almost all memory: collect garbage, and if that does not help, restart Lua."""
        if self.memory < self._max_memory * 0.75:
            return
        self._lua.gccollect()
        if self.memory >= self._max_memory * 0.75:
            self._start()

    def _start(self) -> None:
        self._lua = lupa.LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            max_memory=self._max_memory,
            attribute_filter=_refuse,
        )
        self._lift()
        source = resources.files(__package__).joinpath("sandbox.lua").read_bytes()
        self._host = self._lua.execute(
            source, self._lift, self._limit, self._call, time.monotonic, self._max_instructions, name=b"=sandbox"
        )
        for name in self._names:
            self._host[b"define"](name.encode(), *(part.encode() for part in name.split(".")))

    def _print(self, arguments: list[Any]) -> tuple[Any, ...]:
        self._on_print(str(arguments[0]))
        return ()

    def _lift(self) -> None:
        self._lua.set_max_memory(0)

    def _limit(self) -> None:
        self._lua.set_max_memory(self._max_memory)

    def _call(self, name: bytes, *arguments: Any) -> tuple[Any, ...]:
        """Called from Lua. Must not raise: an exception would enter Lua as a Python object."""
        try:
            results = self._functions[name.decode()]([from_lua(argument) for argument in arguments])
            return (True, *(to_lua(self._lua, result) for result in results))
        except EngineError as error:
            return False, str(error).encode("utf-8", "replace")
        except Exception as error:
            self._on_error(name.decode(errors="replace"), error)
            return False, f"{name.decode(errors='replace')} failed: {error}".encode("utf-8", "replace")


def _refuse(*_: Any) -> NoReturn:
    raise AttributeError("Python objects are out of reach")
