"""Share links: whom they let in, with which role and for how long, and what guests cannot do."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClientConnection

from openspace_server.protocols.signaling import Join, Role
from tests.helpers import until
from tests.jupyter.conftest import Client
from tests.jupyter.test_access import FOREIGN, NOBODY, ByHeader, kernel_auth, refused
from tests.orchestrator.standin import StandInHost

ALICE, BOB = {"X-User": "alice"}, {"X-User": "bob"}
GUESTS = ("events", "signaling", "media")
OWNERS = ("bulk", "api")


async def share(client: Client, session: str, body: Any = None) -> dict[str, Any]:
    status, made = await client.ask("POST", f"sessions/{session}/shares", body or {}, ALICE)
    assert status == 201, made
    return dict(made)


def key_of(made: dict[str, Any]) -> str:
    _, _, key = made["path"].partition("#share=")
    return str(key)


async def enter(client: Client, session: str, key: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    """(status, what the guest sends from now on)."""
    raw = json.dumps({"key": key}).encode()
    response = await client.fetch("POST", f"openspace/api/v1/sessions/{session}/enter", raw, headers)
    cookies = response.headers.get_list("Set-Cookie")
    if response.code == 204:
        assert all(word in cookies[0] for word in ("HttpOnly", "SameSite=Lax", f"Path={base(client)}openspace/"))
    return response.code, headers | {"Cookie": "; ".join(cookie.partition(";")[0] for cookie in cookies)}


def guests(host: StandInHost) -> list[Join]:
    """The ``join`` messages of the guests, as the instance got them."""
    return [join for join in host.joins if join.share]


def base(client: Client) -> str:
    return "/" + client.where.split("/", 1)[1]


async def closed(socket: WebSocketClientConnection) -> list[Any]:
    """All that came until it closed."""
    messages = []
    while (message := await asyncio.wait_for(socket.read_message(), 10)) is not None:
        messages.append(json.loads(message))
    return messages


INVALID = "this share link is not valid: it has expired or was revoked. Ask for a new one."


class TestWithLogin:
    @pytest.fixture
    def more_config(self) -> dict[str, Any]:
        return {"ServerApp": {"identity_provider_class": ByHeader, "jpserver_extensions": {"openspace_server": True}}}

    @pytest.fixture
    def session(self, client: Client, jp_asyncio_loop: Any) -> str:
        client.auth = ALICE
        return str(jp_asyncio_loop.run_until_complete(client.start({"name": "night sky"}))["id"])

    async def test_a_link_lets_a_user_watch_and_nothing_else(
        self, client: Client, session: str, host: StandInHost
    ) -> None:
        made = await share(client, session)
        assert (made["role"], made["url"]) == ("viewer", f"http://{client.where.split('/')[0]}{made['path']}")
        assert made["path"].startswith(f"{base(client)}openspace/stream/{session}#share=")
        page = await client.fetch("GET", f"openspace/stream/{session}", headers=BOB)
        assert (page.code, b"night sky" in page.body, b"door.js" in page.body) == (404, False, True)
        status, bob = await enter(client, session, key_of(made), BOB)
        assert status == 204
        page = await client.fetch("GET", f"openspace/stream/{session}", headers=bob)
        assert page.code == 200
        assert b"night sky" not in page.body, "the name is a path of the owner's"
        events = await client.socket(f"sessions/{session}/events", bob)
        assert json.loads(str(await events.read_message()))["name"] == ""
        events.close()
        assert (await client.ask("GET", f"sessions/{session}", None, bob))[1]["state"] == "RUNNING"
        for channel in GUESTS:
            socket = await client.socket(f"sessions/{session}/{channel}", bob)
            assert await socket.read_message()
            socket.close()
        for join in guests(host):
            assert (join.role, join.owner, join.viewer, join.share) == (Role.SPECTATOR, False, "bob", made["id"])
            assert join.party
            assert join.seconds is not None
            assert 86_000 < join.seconds <= 86_400
        for channel in OWNERS:
            assert await refused(client, f"sessions/{session}/{channel}", bob) == 403
        for method, path, body in (
            ("PATCH", f"sessions/{session}", {"width": 640, "height": 360}),
            ("DELETE", f"sessions/{session}", None),
            ("GET", f"sessions/{session}/thumbnail", None),
            ("GET", f"sessions/{session}/shares", None),
            ("POST", f"sessions/{session}/shares", {"role": "controller"}),
            ("DELETE", f"sessions/{session}/shares/{made['id']}", None),
        ):
            assert (await client.ask(method, path, body, bob))[0] == 404, (method, path)
        assert (await client.ask("GET", "sessions", None, bob))[1] == {"sessions": []}

    async def test_a_controllers_link_may_be_given_control(
        self, client: Client, session: str, host: StandInHost
    ) -> None:
        made = await share(client, session, {"role": "controller", "hours": 2})
        _, bob = await enter(client, session, key_of(made), BOB)
        for _ in "12":
            (await client.socket(f"sessions/{session}/media", bob)).close()
        _, eve = await enter(client, session, key_of(made), {"X-User": "eve"})
        (await client.socket(f"sessions/{session}/media", eve)).close()
        await until(lambda: len(guests(host)) == 3, "three joins")
        one, two, other = guests(host)
        assert (one.role, one.owner) == (Role.CONTROLLER, False)
        assert one.party == two.party != other.party

    async def test_a_link_cannot_be_forged_or_widened_or_used_elsewhere(self, client: Client, session: str) -> None:
        key = key_of(await share(client, session))
        other = (await client.start())["id"]
        for wrong in ("", "x", key[:-1], key + "x", key.swapcase(), f"{key}&role=controller"):
            assert (await enter(client, session, wrong, BOB))[0] == 404
        for elsewhere in (other, NOBODY):
            assert (await enter(client, elsewhere, key, BOB))[0] == 404
        _, bob = await enter(client, session, key, BOB)
        cookie = bob["Cookie"]
        for changed in (
            cookie.replace(session, other),
            cookie[:-2] + ("0" if cookie[-2] != "0" else "1") + '"',
            f"openspace-share-{session}={key}",
        ):
            for requested in (session, other):
                if requested in changed:
                    assert await refused(client, f"sessions/{requested}/media", BOB | {"Cookie": changed}) == 404
        assert await refused(client, f"sessions/{session}/media", {"Cookie": cookie}) == 403, "no login"

    async def test_revoking_cuts_off_who_came_by_the_link(
        self, client: Client, session: str, host: StandInHost
    ) -> None:
        made, kept = await share(client, session), await share(client, session)
        _, bob = await enter(client, session, key_of(made), BOB)
        _, eve = await enter(client, session, key_of(kept), {"X-User": "eve"})
        sockets = [await client.socket(f"sessions/{session}/{channel}", bob) for channel in GUESTS]
        stays = await client.socket(f"sessions/{session}/media", eve)
        for socket in (*sockets, stays):
            assert await socket.read_message()
        assert (await client.ask("DELETE", f"sessions/{session}/shares/{made['id']}", None, ALICE))[0] == 204
        assert host.dismissed == [made["id"]]
        for socket in sockets:
            messages = await closed(socket)
            assert messages[-1] == {"type": "error", "reason": INVALID}
            assert socket.close_code == 4404
        for channel in GUESTS:
            assert await refused(client, f"sessions/{session}/{channel}", bob) == 404
        assert (await enter(client, session, key_of(made), BOB))[0] == 404
        status, answer = await client.ask("GET", f"sessions/{session}", None, bob)
        assert (status, answer["reason"]) == (404, "unknown_share")
        assert (await client.ask("DELETE", f"sessions/{session}/shares/{made['id']}", None, ALICE))[0] == 404
        _, listed = await client.ask("GET", f"sessions/{session}/shares", None, ALICE)
        assert [one["id"] for one in listed["shares"]] == [kept["id"]]
        await stays.write_message("still here")
        assert await stays.read_message() == "still here"
        stays.close()

    async def test_an_expired_link_is_none(self, client: Client, session: str, host: StandInHost) -> None:
        made = await share(client, session, {"hours": 0.5 / 3600})
        _, bob = await enter(client, session, key_of(made), BOB)
        events = await client.socket(f"sessions/{session}/events", bob)
        assert (await closed(events))[-1]["reason"] == INVALID
        assert await refused(client, f"sessions/{session}/media", bob) == 404
        assert (await enter(client, session, key_of(made), BOB))[0] == 404

    async def test_what_a_kernel_shares_and_bad_requests(self, client: Client) -> None:
        client.auth = kernel_auth()
        session = (await client.start())["id"]
        status, made = await client.ask("POST", f"sessions/{session}/shares", {"hours": 1})
        assert status == 201
        assert made["url"].startswith("http")
        for body in ({"role": "owner"}, {"hours": 0}, {"hours": 721}, {"hours": "1"}, {"key": "mine"}):
            status, answer = await client.ask("POST", f"sessions/{session}/shares", body)
            assert status == 400, answer
        assert (await client.ask("POST", f"sessions/{NOBODY}/shares", {"hours": 0}))[0] == 404

    async def test_no_key_is_kept(self, client: Client, session: str, database_file: Path) -> None:
        key = key_of(await share(client, session))
        with sqlite3.connect(database_file) as connection:
            everything = "\n".join(connection.iterdump())
        assert 'INSERT INTO "shares"' in everything or "INSERT INTO shares" in everything
        assert key not in everything


class TestWithoutLogin:
    @pytest.fixture
    def openspace_config(self, host: StandInHost) -> dict[str, Any]:
        return {"hosts": [host.address], "host_secret": "s3cret", "share_without_login": True}

    async def test_a_stranger_with_a_link_sees_the_stream_and_no_more(self, client: Client, host: StandInHost) -> None:
        session = (await client.start())["id"]
        other = (await client.start())["id"]
        made = (await client.ask("POST", f"sessions/{session}/shares", {}))[1]
        door = await client.fetch("GET", f"openspace/stream/{session}", headers={})
        assert door.code == 403
        xsrf = door.headers["Set-Cookie"].split("_xsrf=")[1].split(";")[0]
        before = {"Cookie": f"_xsrf={xsrf}"}
        assert (await enter(client, session, key_of(made), before))[0] == 403, "a page elsewhere cannot do it"
        status, stranger = await enter(client, session, key_of(made), before | {"X-XSRFToken": xsrf})
        assert status == 204
        assert (await client.fetch("GET", f"openspace/stream/{session}", headers=stranger)).code == 200
        for channel in GUESTS:
            socket = await client.socket(f"sessions/{session}/{channel}", stranger)
            assert await socket.read_message()
            socket.close()
            assert await refused(client, f"sessions/{other}/{channel}", stranger) == 403
            assert await refused(client, f"sessions/{session}/{channel}", stranger | FOREIGN) == 403
        assert (guests(host)[-1].viewer, guests(host)[-1].role) == ("Guest", Role.SPECTATOR)
        for channel in OWNERS:
            assert await refused(client, f"sessions/{session}/{channel}", stranger) == 403
        for path in ("sessions", f"sessions/{session}/shares", f"sessions/{session}/thumbnail", "hosts"):
            assert (await client.ask("GET", path, None, stranger))[0] == 403
        for page in ("openspace/", f"openspace/wait/{session}", "api/contents"):
            assert (await client.fetch("GET", page, headers=stranger)).code in (302, 403)

    async def test_without_a_link_nothing(self, client: Client) -> None:
        session = (await client.start())["id"]
        for channel in (*GUESTS, *OWNERS):
            with pytest.raises(HTTPClientError) as refusal:
                await client.socket(f"sessions/{session}/{channel}", {})
            assert refusal.value.code == 403


async def test_links_need_a_login_unless_the_administrator_says_otherwise(client: Client) -> None:
    session = (await client.start())["id"]
    made = (await client.ask("POST", f"sessions/{session}/shares", {}))[1]
    door = await client.fetch("GET", f"openspace/stream/{session}", headers={})
    xsrf = door.headers["Set-Cookie"].split("_xsrf=")[1].split(";")[0]
    headers = {"Cookie": f"_xsrf={xsrf}", "X-XSRFToken": xsrf}
    assert (await enter(client, session, key_of(made), headers))[0] == 403
