"""How many frames may be unacknowledged on a viewer's socket."""

from __future__ import annotations

import asyncio

from openspace_server.instance.transports.ack_window import MOST, SPARE, Credit


def test_before_the_first_acknowledgement_only_the_spare_ones_are_sent() -> None:
    credit = Credit()
    for number in range(SPARE):
        assert credit.free
        credit.sent(number, 0.0)
    assert not credit.free
    assert credit.oldest_for(2.0) == 2.0


def test_the_window_fills_the_way_to_the_viewer_and_has_a_bound() -> None:
    credit = Credit()
    for number, trip in enumerate((0.1, 0.5), 1):
        credit.sent(number, 10.0 * number)
        credit.acknowledged(number, 10.0 * number + trip)
    assert credit.round_trip == 0.5
    assert credit.window == SPARE + 7, "60 frames per second over 0.102 s"
    far = Credit()
    far.sent(1, 0.0)
    far.acknowledged(1, 5.0)
    assert far.window == MOST
    assert Credit(limit=1).window == 1


def test_an_acknowledgement_is_for_all_before_and_an_unknown_one_for_none() -> None:
    credit = Credit(limit=3)
    for number in (1, 2, 3):
        credit.sent(number, 0.0)
    credit.acknowledged(0, 1.0)
    assert not credit.free
    credit.acknowledged(2, 1.0)
    assert credit.free
    assert credit.oldest_for(1.0) == 1.0
    credit.acknowledged(3, 1.0)
    assert credit.oldest_for(9.0) == 0.0


def test_room_is_waited_for() -> None:
    async def scenario() -> None:
        credit = Credit(limit=1)
        credit.sent(1, 0.0)
        waiting = asyncio.create_task(credit.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        credit.acknowledged(1, 1.0)
        await asyncio.wait_for(waiting, 1)

    asyncio.run(scenario())
