"""How many frames may be unacknowledged on a viewer's socket."""

from __future__ import annotations

import asyncio

from openspace_server.instance.transports.ack_window import MAX_WINDOW, SPARE, AckWindow


def test_before_the_first_acknowledgement_only_the_spare_ones_are_sent() -> None:
    window = AckWindow()
    for number in range(SPARE):
        assert window.has_room
        window.on_sent(number, 0.0)
    assert not window.has_room
    assert window.oldest_age(2.0) == 2.0


def test_the_window_fills_the_connection_and_has_a_bound() -> None:
    window = AckWindow()
    for number, trip in enumerate((0.1, 0.5), 1):
        window.on_sent(number, 10.0 * number)
        window.on_ack(number, 10.0 * number + trip)
    assert window.round_trip == 0.5
    assert window.size == SPARE + 7, "60 frames per second over 0.102 s"
    far = AckWindow()
    far.on_sent(1, 0.0)
    far.on_ack(1, 5.0)
    assert far.size == MAX_WINDOW
    assert AckWindow(size=1).size == 1


def test_an_acknowledgement_is_for_all_before_and_an_unknown_one_for_none() -> None:
    window = AckWindow(size=3)
    for number in (1, 2, 3):
        window.on_sent(number, 0.0)
    window.on_ack(0, 1.0)
    assert not window.has_room
    window.on_ack(2, 1.0)
    assert window.has_room
    assert window.oldest_age(1.0) == 1.0
    window.on_ack(3, 1.0)
    assert window.oldest_age(9.0) == 0.0


def test_room_is_waited_for() -> None:
    async def scenario() -> None:
        window = AckWindow(size=1)
        window.on_sent(1, 0.0)
        waiting = asyncio.create_task(window.wait_room())
        await asyncio.sleep(0)
        assert not waiting.done()
        window.on_ack(1, 1.0)
        await asyncio.wait_for(waiting, 1)

    asyncio.run(scenario())


def test_the_ack_window_grows_with_the_round_trip() -> None:
    window = AckWindow()
    for number in range(SPARE):
        assert window.has_room
        window.on_sent(number, 0.0)
    assert not window.has_room
    window.on_ack(0, 0.1)
    assert window.round_trip == 0.1
    assert window.size == SPARE + 6
    window.on_ack(77, 0.2)
    assert window.has_room
