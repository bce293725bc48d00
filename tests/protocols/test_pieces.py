"""Large messages in pieces: what goes in comes out, mixed with others, and nothing malformed is taken."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openspace_server.protocols import pieces
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.pieces import Joiner, is_piece, split


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 100))
def test_the_parts_of_a_message_come_out_as_one(parts: list[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE_BYTES", size)
        sent = list(split(7, *parts))
    joiner = Joiner()
    whole = [joiner.add(piece) for piece in sent]
    assert all(is_piece(piece) for piece in sent)
    if sent:
        assert whole[:-1] == [None] * (len(sent) - 1)
        assert whole[-1] == b"".join(parts)
    else:
        assert not any(parts)


def test_messages_may_mix() -> None:
    bodies = {number: random.Random(number).randbytes(3 * pieces.PIECE_BYTES + number) for number in (1, 2, 3)}
    queues = {number: list(split(number, body)) for number, body in bodies.items()}
    joiner, done = Joiner(), {}
    order = random.Random(0)
    while queues:
        number = order.choice(list(queues))
        whole = joiner.add(queues[number].pop(0))
        if whole is not None:
            done[number] = bytes(whole)
            del queues[number]
    assert done == bodies


def forged(number: int = 1, total: int = 100, offset: int = 0, body: bytes = b"x") -> bytes:
    return pieces._PREFIX.pack(pieces.MAGIC, number, total, offset) + body


@pytest.mark.parametrize(
    "messages",
    [
        [b""],
        [b"OSP1"],
        [b"OSA1" + bytes(40)],
        [forged(total=2**40)],
        [forged(offset=5)],
        [forged(body=b"")],
        [forged(body=bytes(101))],
        [forged(), forged(offset=0)],
        [forged(), forged(offset=1, total=99)],
        [forged(number) for number in range(pieces.MAX_OPEN + 1)],
    ],
)
def test_what_does_not_fit_is_refused(messages: list[bytes]) -> None:
    joiner = Joiner()
    for message in messages[:-1]:
        assert joiner.add(message) is None
    with pytest.raises(ProtocolError):
        joiner.add(messages[-1])
