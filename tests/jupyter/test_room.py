"""Guests fill a real session by its links: the owner's view, the kernel and the orchestrator still have room."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from tornado.websocket import WebSocketClientConnection

from openspace_server.instance.viewers.room import (
    MAX_BY_GUEST,
    MAX_BY_LINK,
    MAX_CONNECTING,
    MAX_CONNECTING_BY_LINK,
    MAX_GUESTS,
    MAX_KERNELS,
    MAX_OWNER_VIEWS,
)
from openspace_server.jupyter.sockets import MAX_ENTERING
from openspace_server.protocols import arrays
from openspace_server.protocols.signaling import Join, Origin, Role
from openspace_server.protocols.viewer import Request
from openspace_server.sockets.endpoints import Endpoint, connect
from tests.helpers import until
from tests.jupyter.conftest import Client
from tests.jupyter.server import ROOT
from tests.jupyter.test_access import ByHeader, kernel_auth
from tests.jupyter.test_shares import ALICE, BOB, enter, guests, key_of, share
from tests.orchestrator.standin import StandInHost

ENGINE = "tests.instance.engines:MovingEngine"
FULL_LINK = "this link has 48 viewers, which is the limit: ask the owner for another link"
FULL_SESSION = "this session has 64 guests, which is the limit: try again when some have left"
FULL_GUEST = "you have 12 views of this session, which is the limit for a guest: close one and try again"
FULL_OWNER = "the owner has 32 views of this session, which is the limit: close one and try again"
FULL_KERNELS = "32 kernels are connected to this session, which is the limit: shut one down and try again"
BUSY_GUEST = "8 of your views are connecting, which is the limit: try again in 15 seconds"
BUSY_LINK = "40 viewers of this link are connecting, which is the limit: try again in 15 seconds"
BUSY_OWNER = "8 views of the owner are connecting, which is the limit: try again in 15 seconds"

Headers = dict[str, str]


class Room:
    """A real session, and sockets to it that stay open until the end."""

    def __init__(self, client: Client, session: str) -> None:
        self.client, self.session = client, session
        self._sockets: list[WebSocketClientConnection] = []
        self._xsrf = ""

    async def link(self) -> str:
        """The key of a new link."""
        status, made = await self.client.ask("POST", f"sessions/{self.session}/shares", {})
        assert status == 201, made
        return key_of(made)

    async def guest(self, key: str) -> Headers:
        """What a new guest's browser sends once the link is exchanged for a cookie."""
        if not self._xsrf:
            door = await self.client.fetch("GET", f"openspace/stream/{self.session}", headers={})
            self._xsrf = door.headers["Set-Cookie"].split("_xsrf=")[1].split(";")[0]
        before = {"Cookie": f"_xsrf={self._xsrf}", "X-XSRFToken": self._xsrf}
        status, headers = await enter(self.client, self.session, key, before)
        assert status == 204
        return headers

    async def joins(self, channel: str, headers: Headers | None = None) -> str:
        """Join and stay; the reason if that is refused, else empty."""
        socket = await self.client.socket(f"sessions/{self.session}/{channel}", headers)
        self._sockets.append(socket)
        message = json.loads(str(await asyncio.wait_for(socket.read_message(), 15)))
        assert message["type"] in ("hello", "offer", "error")
        return str(message.get("reason", ""))

    async def fill(self, channel: str, headers: Headers | None = None) -> tuple[int, str]:
        """How many joins there was room for, and the reason why there was none for the next."""
        count = 0
        while not (reason := await self.joins(channel, headers)):
            count += 1
        return count, reason

    async def fill_by_guests(self, channel: str, key: str, most: int) -> tuple[int, str]:
        """The same with a new guest for each join, up to ``most``."""
        for count in range(most):
            if reason := await self.joins(channel, await self.guest(key)):
                return count, reason
        return most, ""

    async def check_kernel(self) -> None:
        """The kernel's ``frame()``, and the orchestrator's look."""
        socket = await self.client.socket(f"sessions/{self.session}/bulk", kernel_auth())
        await socket.write_message(Request(1, "frame", {}).encode())
        while not isinstance(message := await asyncio.wait_for(socket.read_message(), 15), bytes):
            assert message is not None
            assert json.loads(message)["type"] != "error", message
        assert arrays.decode(message)[0]["request"] == 1
        socket.close()
        await self.check_orchestrator()

    async def check_orchestrator(self) -> None:
        """Its look, which draws the thumbnail here and keeps camera and time elsewhere."""
        thumbnail = await self.client.fetch("GET", f"openspace/api/v1/sessions/{self.session}/thumbnail")
        assert thumbnail.code == 200, thumbnail.body

    async def check_owner(self) -> None:
        assert await self.joins("media") == ""
        assert await self.joins("signaling") == ""

    def close(self) -> None:
        for socket in self._sockets:
            socket.close()


async def all_of(socket: WebSocketClientConnection) -> list[Any]:
    """What comes until the socket is closed."""
    messages = []
    while (message := await asyncio.wait_for(socket.read_message(), 15)) is not None:
        messages.append(json.loads(str(message)))
    return messages


@pytest.mark.process
class TestRealInstance:
    @pytest.fixture
    def openspace_config(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        path = os.pathsep.join((str(ROOT / "server_ext"), str(ROOT)))
        monkeypatch.setenv("PYTHONPATH", path)  # the local host and its instances inherit both
        monkeypatch.setenv("OPENSPACE_TEST_ENGINES", "1")
        return {"engine": ENGINE, "engines": [ENGINE], "share_without_login": True, "host_timeout": 10.0}

    @pytest.fixture
    def room(self, client: Client, jp_asyncio_loop: Any) -> Iterator[Room]:
        room = Room(client, str(jp_asyncio_loop.run_until_complete(client.start())["id"]))
        yield room
        room.close()
        jp_asyncio_loop.run_until_complete(client.ask("DELETE", f"sessions/{room.session}"))

    async def test_a_full_link_leaves_room_for_owner_kernel_orchestrator_and_another_link(self, room: Room) -> None:
        full, other = await room.link(), await room.link()
        filled = await room.fill_by_guests("media", full, MAX_BY_LINK + 1)
        await room.check_owner()
        await room.check_kernel()
        assert filled == (MAX_BY_LINK, FULL_LINK)
        rest = MAX_GUESTS - MAX_BY_LINK
        filled = await room.fill_by_guests("media", other, rest + 1)
        await room.check_owner()
        await room.check_kernel()
        assert filled == (rest, FULL_SESSION)

    async def test_joins_that_never_answer_count_for_their_own_party(self, room: Room) -> None:
        silent, other = await room.link(), await room.link()
        guest = await room.guest(silent)
        filled = await room.fill("signaling", guest)
        await room.check_owner()
        await room.check_kernel()
        assert filled == (MAX_CONNECTING, BUSY_GUEST)
        assert await room.joins("signaling", await room.guest(silent)) == ""
        rest = MAX_CONNECTING_BY_LINK - MAX_CONNECTING - 1
        assert await room.fill_by_guests("signaling", silent, rest + 1) == (rest, BUSY_LINK)
        assert await room.joins("media", await room.guest(silent)) == ""
        assert await room.joins("signaling", await room.guest(other)) == ""
        await room.check_owner()
        await room.check_kernel()

    async def test_a_guest_with_many_views_leaves_room_for_others_of_its_link(self, room: Room) -> None:
        key = await room.link()
        filled = await room.fill("media", await room.guest(key))
        assert await room.joins("media", await room.guest(key)) == ""
        assert filled == (MAX_BY_GUEST, FULL_GUEST)

    async def test_views_kernels_and_guests_leave_each_others_room(self, room: Room) -> None:
        guest = await room.guest(await room.link())
        connecting = await room.fill("signaling")
        views = await room.fill("media")
        await room.check_kernel()
        kernels = await room.fill("bulk")
        assert await room.joins("media", guest) == ""
        await room.check_orchestrator()
        assert connecting == (MAX_CONNECTING, BUSY_OWNER)
        assert views == (MAX_OWNER_VIEWS - MAX_CONNECTING, FULL_OWNER)
        assert kernels == (MAX_KERNELS, FULL_KERNELS)

    async def test_a_class_that_joins_at_once_finds_room_and_so_does_its_owner(self, room: Room) -> None:
        key = await room.link()
        students = [await room.guest(key) for _ in range(33)]
        rush = [room.joins("signaling", student) for student in students]
        reasons = await asyncio.gather(*rush, room.joins("media"), room.joins("signaling"), room.check_kernel())
        assert [reason for reason in reasons if reason] == []

    async def test_a_flood_of_guests_at_once_leaves_the_way_in_free(self, room: Room) -> None:
        key = await room.link()
        guest = await room.guest(key)
        flood = [room.joins(channel, guest) for channel in ("signaling", "media") for _ in range(150)]
        *reasons, owner, view, _ = await asyncio.gather(
            *flood, room.joins("media"), room.joins("signaling"), room.check_kernel()
        )
        assert (owner, view) == ("", "")
        assert set(reasons) <= {"", BUSY_GUEST, FULL_GUEST}

    async def test_a_refused_guest_does_not_join_as_the_owner_instead(self, room: Room) -> None:
        guest = await room.guest(await room.link())
        await room.fill("signaling", guest)
        impostor = Join(room.session, Role.CONTROLLER, "me", owner=True).encode()
        for _ in range(2 * MAX_CONNECTING):  # more than the owner may have; some close before they are read
            socket = await room.client.socket(f"sessions/{room.session}/signaling", guest)
            for _ in range(2):
                await socket.write_message(impostor)
            assert await all_of(socket) == [{"type": "error", "reason": BUSY_GUEST}]
        await room.check_owner()


class TestOrigin:
    @pytest.fixture
    def more_config(self) -> dict[str, Any]:
        return {"ServerApp": {"identity_provider_class": ByHeader, "jpserver_extensions": {"openspace_server": True}}}

    @pytest.fixture
    def session(self, client: Client, jp_asyncio_loop: Any) -> str:
        client.auth = ALICE
        return str(jp_asyncio_loop.run_until_complete(client.start())["id"])

    async def say_join(self, client: Client, session: str, channel: str, headers: Headers) -> None:
        """Join, and say a ``join`` of one's own."""
        socket = await client.socket(f"sessions/{session}/{channel}", headers)
        wish = Join(session, Role.CONTROLLER, "me", owner=True, observer=True, kernel=True).encode()
        await socket.write_message(wish)
        while await socket.read_message() != wish:  # the stand-in echoes what comes after the first join
            pass
        socket.close()

    async def test_the_server_states_it_whatever_a_guest_says(
        self, client: Client, session: str, host: StandInHost
    ) -> None:
        _, bob = await enter(client, session, key_of(await share(client, session)), BOB)
        host.joins.clear()
        for channel, headers in (("media", bob), ("signaling", bob), ("media", ALICE), ("bulk", ALICE)):
            await self.say_join(client, session, channel, headers)
        origins = [join.origin for join in host.joins if not join.observer]
        assert origins == [Origin.GUEST, Origin.GUEST, Origin.OWNER, Origin.KERNEL]

    async def test_guests_wait_for_each_other_on_their_way_in_and_the_owner_does_not(
        self, client: Client, session: str, host: StandInHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, bob = await enter(client, session, key_of(await share(client, session)), BOB)
        entering: list[str] = []
        opened = asyncio.Event()

        async def connect_late(url: str, **options: Any) -> Endpoint:
            entering.append(url.rpartition("/")[2])
            await opened.wait()
            return await connect(url, **options)

        monkeypatch.setattr("openspace_server.jupyter.sockets.connect", connect_late)
        rush = [await client.socket(f"sessions/{session}/media", bob) for _ in range(MAX_ENTERING + 8)]
        await until(lambda: entering.count("media") >= MAX_ENTERING, "guests on their way")
        owner = await client.socket(f"sessions/{session}/bulk")
        await until(lambda: "bulk" in entering, "the owner on its way")
        assert entering.count("media") == MAX_ENTERING
        opened.set()
        for socket in (*rush, owner):
            assert json.loads(str(await asyncio.wait_for(socket.read_message(), 15)))["type"] == "hello"
            socket.close()

    async def test_a_user_is_one_guest_with_or_without_the_cookie(
        self, client: Client, session: str, host: StandInHost
    ) -> None:
        links = [key_of(await share(client, session)) for _ in "12"]
        for key, user in ((links[0], BOB), (links[0], BOB), (links[1], BOB), (links[0], {"X-User": "eve"})):
            _, headers = await enter(client, session, key, user)
            await self.say_join(client, session, "media", headers)
        bob, again, by_other_link, eve = (join.party for join in guests(host))
        assert bob == again == by_other_link != eve
