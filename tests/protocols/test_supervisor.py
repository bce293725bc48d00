"""Commands of the supervisor protocol: what is accepted, and the reply to what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openspace_server.protocols.supervisor import CommandError, decode_command, reply


def decoded(**message: Any) -> Any:
    return decode_command(json.dumps(message))


def test_a_command_and_its_reply_with_the_fields_that_are_echoed() -> None:
    command = decoded(command="START", session="s", fence=3, engine="embedded", width=1280, height=720, token="t")
    assert (command.name, command.id, command.width, command.height) == ("START", None, 1280, 720)
    assert (command.session, command.fence, command.engine, command.token) == ("s", 3, "embedded", "t")
    answer = reply(command, 2)
    assert answer == {"command": "START", "error": "none", "id": 2} | {
        key: value for key, value in answer.items() if key in ("session", "fence", "engine", "width", "height")
    }
    assert "token" not in answer


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("{", {"command": None, "error": "json decode error", "id": -1}),
        ({"command": "FLY"}, {"command": "FLY", "error": "invalid message received: FLY", "id": -1}),
        ({"command": 5}, {"command": None, "error": "invalid message received: 5", "id": -1}),
        (
            {"command": "STOP", "id": True},
            {"command": "STOP", "error": "invalid message received: id: expected an integer, got True", "id": -1},
        ),
    ],
)
def test_what_is_no_command_gets_the_published_reply(message: Any, answer: dict[str, Any]) -> None:
    with pytest.raises(CommandError) as refused:
        decode_command(message if isinstance(message, str) else json.dumps(message))
    assert refused.value.reply == answer
