"""A sender of points that has lost its receiver."""

from __future__ import annotations

import asyncio

import pytest

from openspace_server.render_host.offers.sender import OfferError, OfferSender


def test_a_wait_for_credits_ends_when_the_receiver_is_lost() -> None:
    async def scenario() -> None:
        sender = OfferSender("http://127.0.0.1:1", library="aiortc")
        waiting = asyncio.create_task(sender._wait_for_credits(2**40))
        await asyncio.sleep(0)
        assert not waiting.done()
        sender._lose("the receiver closed the data channel")
        with pytest.raises(OfferError, match=r"^the receiver closed the data channel$"):
            await asyncio.wait_for(waiting, 1)
        with pytest.raises(OfferError, match=r"^the receiver closed the data channel$"):
            await sender._wait_for_credits(1)

    asyncio.run(scenario())


def test_with_credits_nothing_is_waited_for() -> None:
    async def scenario() -> None:
        sender = OfferSender("http://127.0.0.1:1", library="aiortc")
        await asyncio.wait_for(sender._wait_for_credits(1), 1)
        await sender.close()
        await sender.close()

    asyncio.run(scenario())
