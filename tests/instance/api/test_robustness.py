"""Many clients, clients that never read, and messages that are nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from tests.helpers import until
from tests.instance.api.fuzzing import WAYS, send_nonsense
from tests.instance.api.harness import Api
from tests.instance.api.test_topics import run

FUZZ_MESSAGES = 3000


@pytest.mark.slow
def test_two_hundred_clients_receive_time_and_camera_while_frames_are_drawn() -> None:
    async def test(server: Api) -> None:
        clients = [await server.client("1.0", ("ws", "tcp")[index % 2]) for index in range(200)]
        topics = [
            [await client.start(name, {"event": "start_subscription"}) for name in ("time", "camera")]
            for client in clients
        ]
        await clients[0].lua("openspace.time.setPause(false) openspace.time.setDeltaTime(3600)")
        await clients[0].start("flightcontroller", {"event": "inputState", "inputState": {"zoomIn": 0.1}})
        drawn = server.engine.draws
        for _ in range(3):
            for client, (time, camera) in zip(clients, topics, strict=True):
                await client.next(time, lambda each: set(each) == {"time"})
                await client.next(camera)
        assert server.engine.draws > drawn + 3
        assert server.server.connections == 200
        for client in clients:
            client.link.close()
        await until(lambda: server.server.connections == 0, "all clients gone")

    run(test)


@pytest.mark.parametrize("transport", ["ws", "tcp"])
def test_a_client_that_never_reads_is_disconnected_and_costs_bounded_memory(transport: str) -> None:
    async def test(server: Api) -> None:
        if transport == "tcp":
            _, writer = await asyncio.open_connection("127.0.0.1", server.tcp_port, limit=1)
            ask = json.dumps({"topic": 1, "type": "documentation", "payload": {"type": "lua"}}).encode() + b"\n"
        else:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
            )
            text = json.dumps({"topic": 1, "type": "documentation", "payload": {"type": "lua"}}).encode()
            assert len(text) < 126
            ask = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text
        await until(lambda: server.server.connections == 1)
        with contextlib.suppress(ConnectionError):
            for _ in range(2000):
                writer.write(ask)
                await writer.drain()
                if server.server.connections == 0:
                    break
                await asyncio.sleep(0)
        await until(lambda: server.server.connections == 0, "the cut")
        writer.close()
        assert await (await server.client()).lua("return 1") == {"1": 1.0}

    run(test, max_buffered_bytes=256 * 1024)


@pytest.mark.slow
def test_a_client_that_has_stopped_reading_is_disconnected_in_time() -> None:
    async def test(server: Api) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.tcp_port, limit=1)
        for topic in range(1, 800):
            message = {"topic": topic, "type": "documentation", "payload": {"type": "lua"}}
            writer.write(json.dumps(message).encode() + b"\n")
        await until(lambda: server.server.connections == 0, "the cut")
        writer.close()

    run(test, stalled_seconds=0.1, max_buffered_bytes=512 * 1024 * 1024)


@pytest.mark.parametrize("transport", ["ws", "tcp"])
def test_a_message_that_is_too_long_ends_the_connection(transport: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client("1.0", transport)
        with contextlib.suppress(ConnectionError):
            await client.start("luascript", {"script": "-" * 100_000, "return": True})
        await asyncio.wait_for(client.gone.wait(), 5)
        assert await (await server.client()).lua("return 1") == {"1": 1.0}

    run(test, max_message_bytes=50_000)


def test_topics_and_connections_are_bounded() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        log = await client.start("errorLog", {"event": "start_subscription"})
        for _ in range(4):
            await client.start("time", {"event": "start_subscription"})
        assert "more than 3 topics" in (await client.next(log))["message"]
        await server.client("1.0", "tcp")
        await until(lambda: server.server.connections == 2)
        third = await server.client("1.0", "tcp")
        await asyncio.wait_for(third.gone.wait(), 5)
        with pytest.raises(HTTPClientError):
            await server.client("1.0", "ws")

    run(test, max_topics=3, max_connections=2)


def test_an_empty_line_ends_a_tcp_connection() -> None:
    async def test(server: Api) -> None:
        client = await server.client("legacy", "tcp")
        await client.link.send("")
        await asyncio.wait_for(client.gone.wait(), 5)

    run(test)


@pytest.mark.parametrize(("kind", "transport"), WAYS)
def test_nonsense_leaves_the_server_alive_and_nothing_unlogged(
    kind: str, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(server: Api) -> None:
        seed = len(kind) * 7 + len(transport)
        await send_nonsense(lambda: server.client(kind, transport), seed, FUZZ_MESSAGES // len(WAYS))
        probe = await server.client(kind, transport)
        assert await probe.lua("return 1 + 1") == {"1": 2.0}
        drawn = server.engine.draws
        await until(lambda: server.engine.draws > drawn)

    with caplog.at_level(logging.ERROR):
        run(test)
    assert not [record for record in caplog.records if record.exc_info]


def test_a_web_page_reaches_the_api_only_if_it_is_allowed() -> None:
    async def test(server: Api) -> None:
        url = f"ws://127.0.0.1:{server.port}/"
        for origin in ("https://evil.example", f"http://127.0.0.1:{server.port}", "null", "http://localhost:4690.evil"):
            with pytest.raises(HTTPClientError) as refused:
                await websocket_connect(HTTPRequest(url, headers={"Origin": origin}))
            assert refused.value.code == 403
        (await websocket_connect(HTTPRequest(url, headers={"Origin": "http://localhost:4690"}))).close()

    run(test, allowed_origins=frozenset({"http://localhost:4690"}))


@pytest.mark.parametrize("kind", ["1.0", "legacy"])
def test_without_the_password_nothing_else_is_answered(kind: str) -> None:
    async def test(server: Api) -> None:
        client = await server.client(kind)
        topic = await client.start("luascript", {"script": "hacked = true", "return": True})
        key = "key" if client.legacy else "password"
        assert "badRequest" in str(await client.ask("authorize", {}))
        assert "incorrectKey" in str(await client.ask("authorize", {key: "wrong"}))
        assert client.nothing_for(topic)
        assert "authorized" in str(await client.ask("authorize", {key: "right"}))
        assert await client.lua("return hacked == nil") == {"1": True}

    run(test, trust_loopback=False, password="right")


def test_too_many_wrong_passwords_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openspace_server.instance.api.connection.WRONG_PASSWORD_DELAY", 0)

    async def test(server: Api) -> None:
        client = await server.client()
        for _ in range(5):
            await client.start("authorize", {"password": "guess"})
        await asyncio.wait_for(client.gone.wait(), 5)

    run(test, trust_loopback=False, password="right")


def test_without_a_password_only_this_machine_gets_in() -> None:
    from openspace_server.instance.api.access import Admission, admission
    from openspace_server.instance.api.settings import ApiSettings

    for address, admitted in (
        ("127.0.0.1", Admission.AUTHORIZED),
        ("::1", Admission.AUTHORIZED),
        ("::ffff:127.0.0.1", Admission.AUTHORIZED),
        ("192.168.1.5", Admission.REFUSED),
        ("", Admission.REFUSED),
    ):
        assert admission(ApiSettings(), address) is admitted
    assert admission(ApiSettings(password="x"), "192.168.1.5") is Admission.PASSWORD
    assert admission(ApiSettings(password="x", trust_loopback=False), "127.0.0.1") is Admission.PASSWORD


def test_what_is_wrong_is_written_to_the_log_with_the_near_name() -> None:
    async def test(server: Api) -> None:
        client = await server.client()
        log = await client.start("errorLog", {"event": "start_subscription"})
        for message, reason in (
            ('{"topic": 9, "type": "flightcontroler", "payload": {}}', "did you mean flightcontroller"),
            ('{"topic": "9", "type": "get", "payload": {}}', "topic: expected an integer"),
            ('{"topic": 9, "type": "get", "payload": []}', "payload: expected an object"),
            ('{"topic": 9, "payload": {}}', "type: expected the name of a topic"),
            ("not json", "json decode error"),
            ("[1]", "expected a JSON object"),
            (
                '{"topic": 9, "type": "event", "payload": {"event": "start_subscription", "eventType": "FocusNode"}}',
                "FocusNodeChanged",
            ),
        ):  # fmt: skip
            await client.link.send(message)
            assert reason in (await client.next(log))["message"]

    run(test)
