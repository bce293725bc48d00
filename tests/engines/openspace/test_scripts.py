"""Lua in OpenSpace from outside: what of its log is taken as the answer to a script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from lupa.lua54 import LuaRuntime

from openspace_server.engines.openspace.api import lua
from openspace_server.engines.openspace.api.client import ApiClient
from openspace_server.engines.openspace.api.dialect import Dialect
from openspace_server.engines.openspace.api.lua import Scripts


class FakeClient:
    """Answers every script with success; ``log`` is what the topic ``errorLog`` calls."""

    dialect = Dialect.V1

    def start(self, type: str, payload: Any, callback: Callable[[Any], None]) -> None:
        self.log = callback

    def ask(self, type: str, payload: Any, timeout: float = 0) -> Any:
        return {"1": True, "2": 7}


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def scripts(client: FakeClient) -> Scripts:
    return Scripts(cast(ApiClient, client), lambda since: "", lambda: 0)


def test_the_log_may_continue_while_it_is_read(
    client: FakeClient, scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.log({"message": "first", "category": "Lua"})
    plain = lua._plain

    def meanwhile(problem: str) -> str:
        client.log({"message": "second", "category": "Lua"})
        return plain(problem)

    monkeypatch.setattr(lua, "_plain", meanwhile)
    assert scripts.problems() == ["first"]


def test_errors_of_other_clients_are_separated_from_our_own(client: FakeClient, scripts: Scripts) -> None:
    for message in ("Property 'Scene.Nobody.Fade' not found", "Property 'Scene.dust-2.Fade' not found"):
        client.log({"message": message, "category": "Lua"})
    assert scripts.problems(["dust", "dust-3.csv"]) == []
    assert scripts.problems(["dust-2"]) == ["Property 'Scene.dust-2.Fade' not found"]
    for message in ("Property 'Scene.dust.Renderable.Opacity' not found", "Failed to open data file '/a/dust-3.csv'"):
        client.log({"message": message, "category": "Lua"})
    assert len(scripts.problems(["dust", "dust-3.csv"])) == 2
    assert len(scripts.problems()) == 4


@pytest.mark.parametrize("text", ['"}) os.execute("x") --', "\\", "\n", "]]", "\0", "\u202e", "é"])
def test_no_text_leaves_its_literal(text: str) -> None:
    assert LuaRuntime().eval(lua.literal({"a": [text]})).a[1] == text


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert lua.literal("a\ud800b") == '"a\\063b"'
