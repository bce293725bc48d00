"""REST v1 and the sockets, over real sockets, with a stand-in render host."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from tests.jupyter.conftest import Client
from tests.orchestrator.standin import StandInHost

FIELDS = {"id", "name", "state", "reason", "engine", "width", "height", "created"}
NOBODY = "00000000-0000-4000-8000-000000000000"


async def test_a_session_from_start_to_end(client: Client, host: StandInHost) -> None:
    status, made = await client.ask("POST", "sessions", {"width": 640, "height": 360, "name": "Mars & <Venus>"})
    assert status == 201
    assert set(made) == FIELDS
    assert (made["width"], made["height"], made["engine"]) == (640, 360, "embedded")
    states = []
    async for event in client.events(made["id"]):
        assert event.pop("type") == "session"
        assert set(event) == FIELDS
        states.append(event["state"])
        if event["state"] == "RUNNING":
            break
    assert states[-1] == "RUNNING"
    assert sorted(states, key=["RESERVED", "STARTING", "RUNNING"].index) == states
    assert await client.ask("GET", "sessions") == (200, {"sessions": [event]})
    assert await client.ask("GET", f"sessions/{made['id']}") == (200, event)
    status, resized = await client.ask("PATCH", f"sessions/{made['id']}", {"width": 800, "height": 600})
    assert (status, resized) == (200, event | {"width": 800, "height": 600})
    for _ in range(2):
        assert await client.ask("DELETE", f"sessions/{made['id']}") == (204, None)
    assert await client.ask("GET", "sessions") == (200, {"sessions": []})
    status, everything = await client.ask("GET", "sessions?all=1")
    assert [s["state"] for s in everything["sessions"]] == ["STOPPED"]
    status, refused = await client.ask("PATCH", f"sessions/{made['id']}", {"width": 800, "height": 600})
    assert (status, refused["reason"]) == (409, "session_ended")


async def test_an_empty_body_means_defaults(client: Client) -> None:
    started = await client.start()
    assert (started["width"], started["height"], started["engine"], started["name"]) == (1280, 720, "embedded", "")


async def test_events_end_after_the_last_state(client: Client, host: StandInHost) -> None:
    session = (await client.start())["id"]
    host.crash(0, "the instance ended: out of memory")
    last = [event async for event in client.events(session)][-1]
    assert (last["state"], last["reason"]) == ("FAILED", "the instance ended: out of memory")
    only = [event async for event in client.events(session)]
    assert [event["state"] for event in only] == ["FAILED"]


async def test_idempotency(client: Client) -> None:
    headers = client.auth | {"Idempotency-Key": "one click"}
    status, first = await client.ask("POST", "sessions", {"name": "a"}, headers)
    assert status == 201
    status, again = await client.ask("POST", "sessions", {"name": "a"}, headers)
    assert (status, again["id"]) == (200, first["id"])
    status, other = await client.ask("POST", "sessions", {"name": "b"}, headers)
    assert (status, other["reason"]) == (409, "idempotency_key_reused")
    status, refused = await client.ask("POST", "sessions", {"name": "a"}, client.auth | {"Idempotency-Key": "k" * 200})
    assert status == 400
    assert refused["message"].startswith("Idempotency-Key: ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "json decode error"),
        (b"\xff\xfe", "json decode error"),
        (b"[" * 60_000, "json decode error"),
        ([], "expected a JSON object, got []"),
        ({"width": "640"}, "width: expected an integer from 64 to 8192, got '640'"),
        ({"width": True}, "width: expected an integer from 64 to 8192, got True"),
        ({"width": 640.5}, "width: expected an integer from 64 to 8192, got 640.5"),
        ({"width": 1}, "width: 1 is outside 64 to 8192"),
        ({"height": -720}, "height: -720 is outside 64 to 8192"),
        ({"width": 10**12}, "width: 1000000000000 is outside 64 to 8192"),
        (
            {"width": 8192, "height": 8192},
            "width and height: expected at most 33177600 pixels (7680x4320), got 8192x8192",
        ),
        ({"engine": "blender"}, "engine: expected one of embedded, openspace, got 'blender'"),
        ({"engine": None}, "engine: expected a string, got None"),
        ({"name": 7}, "name: expected a string, got 7"),
        ({"name": "x" * 200}, "name: longer than 128 characters"),
        ({"name": "a\nb"}, r"name: has characters that cannot be shown: 'a\nb'"),
        (b'{"name": "\\ud800"}', r"name: has characters that cannot be shown: '\ud800'"),
        (b'{"name": "' + b"x" * 100_000 + b'"}', "body: longer than 65536 bytes"),
        ({"name": "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET} – Σ"}, None),
        ({"nmae": "x"}, "'nmae': unknown field; known are engine, width, height, name, region, queue"),
        ({"name": "100% %s"}, None),
        ({"token": "x"}, "'token': unknown field; known are engine, width, height, name, region, queue"),
    ],
)
async def test_bad_input_names_the_field(client: Client, host: StandInHost, body: Any, message: str | None) -> None:
    status, answer = await client.ask("POST", "sessions", body)
    if message is None:
        assert status == 201
        return
    assert status == 400
    assert answer == {"message": message, "reason": "bad_request"}
    assert "START" not in host.commands
    assert await client.ask("GET", "sessions") == (200, {"sessions": []})


@pytest.mark.parametrize("body", [b"", {}, {"width": 640}, {"width": 640, "height": 360, "name": "x"}, b"nope"])
async def test_a_bad_resolution_changes_nothing(client: Client, body: Any) -> None:
    session = await client.start()
    status, answer = await client.ask("PATCH", f"sessions/{session['id']}", body)
    assert (status, answer["reason"]) == (400, "bad_request")
    assert (await client.ask("GET", f"sessions/{session['id']}"))[1]["width"] == session["width"]


async def test_unknown_things_are_404_in_json(client: Client) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        status, answer = await client.ask(method, f"sessions/{NOBODY}", {} if method == "PATCH" else None)
        assert (status, answer["reason"]) == (404, "unknown_session")
    for path in ("sessions/1", "nothing", f"sessions/{NOBODY.upper()}x", f"sessions/{NOBODY}/nothing"):
        status, answer = await client.ask("GET", path)
        assert status == 404
        assert set(answer) == {"message", "reason"}
    status, answer = await client.ask("PUT", "sessions", {})
    assert status == 405
    for channel in ("events", "signaling", "bulk"):
        with pytest.raises(HTTPClientError) as refused:
            await client.socket(f"sessions/{NOBODY}/{channel}")
        assert refused.value.code == 404


async def test_no_free_slot(client: Client) -> None:
    for _ in range(3):
        await client.start()
    status, answer = await client.ask("POST", "sessions")
    assert (status, answer["reason"]) == (503, "no_free_slot")
    assert "3 of 3 are busy" in answer["message"]


async def test_the_relays(client: Client, host: StandInHost) -> None:
    session = (await client.start())["id"]
    for channel, large in (("bulk", 3_000_000), ("signaling", 200_000)):
        socket = await client.socket(f"sessions/{session}/{channel}")
        hello = json.loads(await socket.read_message() or "")
        assert hello == {"type": "hello", "channel": channel, "role": "controller"}
        for message in ("text", b"\x00\xff" * 10, b"x" * large, "ü" * 1000):
            await socket.write_message(message, binary=isinstance(message, bytes))
            assert await socket.read_message() == message
        await socket.write_message("bye")
        assert await socket.read_message() is None
        assert (socket.close_code, socket.close_reason) == (4000, "as asked")


async def test_too_large_a_message_ends_the_relay(client: Client) -> None:
    session = (await client.start())["id"]
    socket = await client.socket(f"sessions/{session}/signaling")
    await socket.read_message()
    await socket.write_message("x" * 300_000)
    assert await socket.read_message() is None
    assert socket.close_code == 1009


async def test_a_relay_to_what_does_not_run_says_why(client: Client, host: StandInHost) -> None:
    host.hold = True
    _, made = await client.ask("POST", "sessions")
    await client.reach(made["id"], "STARTING")

    async def refused() -> tuple[str, int | None]:
        socket = await client.socket(f"sessions/{made['id']}/bulk")
        message = json.loads(await socket.read_message() or "")
        assert message["type"] == "error"
        assert await socket.read_message() is None
        return message["reason"], socket.close_code

    assert await refused() == ("the session is STARTING, not RUNNING", 4409)
    host.hold = False
    await client.reach(made["id"], "RUNNING")
    host.crash(0, "boom")
    await client.reach(made["id"], "FAILED")
    assert await refused() == ("the session has ended (FAILED): boom", 4404)


async def test_a_relay_ends_with_its_host(client: Client, host: StandInHost) -> None:
    session = (await client.start())["id"]
    for server in host.servers[1:]:
        server.stop()
    socket = await client.socket(f"sessions/{session}/bulk")
    assert "does not answer" in json.loads(await socket.read_message() or "")["reason"]
    assert await socket.read_message() is None
    assert socket.close_code == 1011


async def test_a_dead_host_says_why(client: Client, host: StandInHost) -> None:
    session = (await client.start())["id"]
    host.close()
    lost = await client.reach(session, "LOST")
    assert "has not answered" in lost["reason"]
    status, answer = await client.ask("POST", "sessions")
    assert (status, answer["reason"]) == (503, "no_free_slot")
    assert "nothing listens" in answer["message"] or "has not answered" in answer["message"]


async def test_a_viewer_that_leaves_leaves_the_session_alone(client: Client) -> None:
    session = (await client.start())["id"]
    sockets = [await client.socket(f"sessions/{session}/{channel}") for channel in ("events", "bulk", "signaling")]
    for socket in sockets:
        await socket.read_message()
        socket.close()
    await asyncio.gather(*(socket.read_message() for socket in sockets[1:]))
    assert (await client.ask("GET", f"sessions/{session}"))[1]["state"] == "RUNNING"


async def test_live_sessions_are_activity(client: Client, jp_serverapp: Any) -> None:
    assert not jp_serverapp.extension_manager.any_activity()
    session = (await client.start())["id"]
    assert jp_serverapp.extension_manager.any_activity()
    await client.ask("DELETE", f"sessions/{session}")
    assert not jp_serverapp.extension_manager.any_activity()
