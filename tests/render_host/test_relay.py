"""The relay by itself, between ends that are scripted."""

from __future__ import annotations

import asyncio

import pytest

from openspace_server.sockets.endpoints import Inbox, Message, WebSocketClosedError
from openspace_server.sockets.relay import RelayResult, relay


class Scripted:
    """An end that says ``says``, then closes with ``code`` or stays; ``takes`` messages, then is closed or stuck."""

    def __init__(self, says: list[Message], code: int | None = None, stays: bool = False) -> None:
        self.says = list(says)
        self.close_code = code
        self.close_reason = None if code is None else "said so"
        self.stays = stays
        self.got: list[Message] = []
        self.closed: tuple[int | None, str | None] | None = None
        self.takes = 10**9
        self.stuck = False

    async def receive(self) -> Message | None:
        await asyncio.sleep(0)
        if self.says:
            return self.says.pop(0)
        if self.stays:
            await asyncio.Event().wait()
        return None

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        if len(self.got) >= self.takes:
            if self.stuck:
                await asyncio.Event().wait()
            self.stays = False
            raise WebSocketClosedError
        self.got.append(message)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.closed = (code, reason)


async def relayed(left: Scripted, right: Scripted, **options: float) -> RelayResult:
    before = asyncio.all_tasks()
    ended = await relay(left, right, **options)
    assert asyncio.all_tasks() == before, "a task was left"
    assert left.closed == right.closed is not None
    return ended


def test_what_was_said_before_closing_arrives_and_the_other_end_closes_alike() -> None:
    left, right = Scripted(["a", b"b", "c"], code=4000), Scripted([], stays=True)
    assert asyncio.run(relayed(left, right)) == RelayResult("left", 4000, "said so")
    assert right.got == ["a", b"b", "c"]
    assert right.closed == (4000, "said so")


def test_an_end_that_vanishes_is_called_lost() -> None:
    left, right = Scripted([], stays=True), Scripted(["x"])
    assert asyncio.run(relayed(left, right)) == RelayResult("right", None, "connection lost")
    assert left.got == ["x"]


def test_last_words_arrive_although_the_end_takes_no_more() -> None:
    left, right = (
        Scripted(["1", "2", "3"] * 9, stays=True),
        Scripted(["w"] * 60 + ["last words"], code=4001, stays=True),
    )
    right.takes = 2
    assert asyncio.run(relayed(left, right)) == RelayResult("right", 4001, "said so")
    assert left.got[-1] == "last words"


def test_an_end_that_is_stuck_is_given_up() -> None:
    left, right = Scripted(["1", "2"], stays=True), Scripted([], stays=True)
    right.takes, right.stuck = 1, True
    ended = asyncio.run(relayed(left, right, send_timeout=0.05))
    assert (ended.side, ended.code) == ("right", 1008)


def test_a_cancelled_relay_closes_both_ends() -> None:
    async def scenario() -> None:
        left, right = Scripted([], stays=True), Scripted([], stays=True)
        task = asyncio.ensure_future(relay(left, right))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert left.closed == right.closed == (1001, None)

    asyncio.run(scenario())


def test_the_inbox_holds_one_message_and_delivers_it_after_the_end() -> None:
    async def scenario() -> None:
        inbox = Inbox()
        await inbox.put("first")
        second = asyncio.ensure_future(inbox.put("second"))
        await asyncio.sleep(0)
        assert not second.done()
        assert await inbox.get() == "first"
        await second
        inbox.end()
        assert [await inbox.get(), await inbox.get()] == ["second", None]

    asyncio.run(scenario())


def test_a_discarding_inbox_never_blocks() -> None:
    async def scenario() -> None:
        inbox = Inbox()
        await inbox.put("first")
        blocked = asyncio.ensure_future(inbox.put("second"))
        await asyncio.sleep(0)
        inbox.discard()
        await blocked
        await inbox.put("third")
        inbox.end()
        assert await inbox.get() is None

    asyncio.run(scenario())
