"""Scripts in OpenSpace, by the answers that its API gives."""

from __future__ import annotations

from typing import Any

import pytest

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.api.lua import Scripts, literal, numbers


class Client:
    dialect = "1.0"

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.sent: list[Any] = []

    def start(self, *_: Any) -> None: ...

    def ask(self, topic: str, payload: Any, timeout: float = 0) -> Any:
        self.sent.append((topic, payload))
        return self.reply


def scripts(reply: Any, console: str = "") -> Scripts:
    return Scripts(Client(reply), lambda began: console, lambda: 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "value"), [({"1": True, "2": 5.0}, 5.0), ({"1": True}, None), ({"1": True, "2": {"x": 1}}, {"x": 1})]
)
def test_a_script_returns_its_first_value(reply: Any, value: Any) -> None:
    assert scripts(reply).evaluate("return 5") == value


@pytest.mark.parametrize(
    ("reply", "console", "problem"),
    [
        ({"1": False, "2": '[string "script"]:2: no such node'}, "", "no such node"),
        ({}, "(E) LuaEngine            scripts: broken", "scripts: broken"),
        ({}, "", "OpenSpace refused the script without saying why"),
    ],
)
def test_a_script_that_fails_says_why(reply: Any, console: str, problem: str) -> None:
    with pytest.raises(EngineError, match=f"^{problem}$"):
        scripts(reply, console).evaluate("return 5")


def test_values_as_lua_and_numbers_back() -> None:
    assert literal({"a": [1, 0.5, True, None, 'x"\n']}) == '{["a"] = {1, 0.5, true, nil, "x\\034\\010"}}'
    with pytest.raises(EngineError, match=r"^inf is no number that OpenSpace takes$"):
        literal(float("inf"))
    assert numbers({"z": 3, "x": 1, "y": 2}) == [1.0, 2.0, 3.0]
    assert numbers({"10": 3, "2": 2, "1": 1}) == [1.0, 2.0, 3.0]
