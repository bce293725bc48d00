"""Conversion of values between Lua and Python, and to JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import lupa.lua54 as lupa

from openspace_server.engines.base import EngineError

MAX_DEPTH = 32
MAX_ITEMS = 200_000


class _Budget:
    """The items that a conversion may still produce."""

    def __init__(self) -> None:
        self.left = MAX_ITEMS

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise EngineError(f"a table with more than {MAX_ITEMS} items")


def from_lua(value: Any, depth: int = 0, budget: _Budget | None = None) -> Any:
    """Lua strings become str, arrays (keys 1…n) lists, other tables dicts with string keys. An empty table is ``{}``.

    Raises:
        EngineError: a function, a coroutine, or a table that is too deep or too large.
    """
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None or isinstance(value, bool | int | float):
        return value
    if lupa.lua_type(value) != "table":
        raise EngineError(f"a {lupa.lua_type(value) or 'Python object'} cannot leave Lua")
    if depth >= MAX_DEPTH:
        raise EngineError(f"a table nested more than {MAX_DEPTH} deep")
    budget = budget or _Budget()
    items: dict[Any, Any] = {}
    for key, item in value.items():
        budget.spend()
        items[_key(key)] = from_lua(item, depth + 1, budget)
    if items and all(isinstance(key, int) for key in items) and set(items) == set(range(1, len(items) + 1)):
        return [items[index] for index in range(1, len(items) + 1)]
    return {str(key): item for key, item in items.items()}


def to_lua(lua: lupa.LuaRuntime, value: Any, depth: int = 0, budget: _Budget | None = None) -> Any:
    """The reverse: lists become arrays, mappings tables; keys "1", "2", … become numbers. Raises EngineError."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value)
    if isinstance(value, float):
        return value
    if depth >= MAX_DEPTH:
        raise EngineError(f"a value nested more than {MAX_DEPTH} deep")
    budget = budget or _Budget()
    table = lua.table()
    if isinstance(value, Mapping):
        for key, item in value.items():
            budget.spend()
            text = str(key)
            index = (
                int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else text.encode("utf-8", "replace")
            )
            table[index] = to_lua(lua, item, depth + 1, budget)
        return table
    if isinstance(value, list | tuple):
        for index, item in enumerate(value, 1):
            budget.spend()
            table[index] = to_lua(lua, item, depth + 1, budget)
        return table
    raise EngineError(f"a {type(value).__name__} cannot enter Lua")


def to_json(value: Any) -> Any:
    """As OpenSpace's ``luascript`` topic gives it: numbers as doubles (None when not finite), arrays of exactly 2, 3 or
    4 numbers as arrays, all other tables as objects with the keys "1", "2", …"""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
        if len(value) in (2, 3, 4) and numbers:
            return [to_json(item) for item in value]
        return {str(index): to_json(item) for index, item in enumerate(value, 1)}
    return {str(key): to_json(item) for key, item in value.items()}


def _key(key: Any) -> int | str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "replace")
    if isinstance(key, float) and math.isfinite(key) and key == int(key):
        return int(key)
    if isinstance(key, bool) or not isinstance(key, int | float):
        raise EngineError("a table with keys other than strings and numbers cannot leave Lua")
    return key if isinstance(key, int) else str(key)
