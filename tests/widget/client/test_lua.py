"""Values between Python and Lua."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from lupa import LuaRuntime

from openspace_widget.client.lua import guarded, literal, plain
from openspace_widget.errors import ArgumentError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nil"),
        (True, "true"),
        (np.bool_(False), "false"),
        (3, "3"),
        (np.int16(-4), "-4"),
        (0.5, "0.5"),
        (1e300, "1e+300"),
        ('say "hi"\n\\', '"say \\"hi\\"\\n\\\\"'),
        ([1, [2.5, "x"]], '{1, {2.5, "x"}}'),
        (np.array([[1, 2], [3, 4]]), "{{1, 2}, {3, 4}}"),
        ({"a": 1, "b c": [True]}, '{["a"] = 1, ["b c"] = {true}}'),
    ],
)
def test_a_value_is_written_as_lua(value: Any, text: str) -> None:
    assert literal(value) == text
    LuaRuntime().eval(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "expected a finite number, got nan"),
        ({1, 2}, "expected None, bool, a number, text, or lists and dicts of them, got {1, 2}"),
    ],
)
def test_what_lua_cannot_have_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        literal(value)


def test_arrays_of_lua_come_back_as_lists() -> None:
    assert plain({"1": "a", "2": {"1": 1.0}, "3": {"x": [{"1": 2}]}}) == ["a", [1.0], {"x": [[2]]}]
    assert plain({"2": "a"}) == {"2": "a"}
    assert plain({}) == {}


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("return 1, 'two'", (True, 1, "two")),
        ("return ']]' .. [==[ ]=] ]==]", (True, "]] ]=] ")),
        ("\n\nerror('broken')", (False, "script:3: broken")),
    ],
)
def test_a_guarded_script_returns_its_values_or_why_it_failed(script: str, answer: tuple[Any, ...]) -> None:
    assert LuaRuntime(unpack_returned_tuples=True).execute(guarded(script)) == answer


def test_a_guarded_script_that_lua_cannot_read_says_where() -> None:
    done, problem = LuaRuntime(unpack_returned_tuples=True).execute(guarded("x = = 1"))
    assert not done
    assert problem.startswith("script:1: unexpected symbol near '='")
