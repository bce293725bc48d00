"""Messages in chunks: in both layouts what goes in comes out, and nothing malformed is accepted; credits."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openspace_server.protocols import arrays, transfer
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.transfer import (
    DOWNLOAD,
    MAX_INTERLEAVED,
    PREFIX_BYTES,
    UPLOAD,
    WINDOW,
    Layout,
    Reassembler,
    ReceiveCredits,
    SendCredits,
    TransferError,
    chunks,
)
from tests.examples import examples

many = settings(max_examples=examples(200), deadline=None)
layouts = pytest.mark.parametrize("layout", [UPLOAD, DOWNLOAD], ids=["OSC1", "OSP1"])


def message(count: int = 2000, seed: int = 0) -> bytes:
    return arrays.encode(np.random.default_rng(seed).normal(size=(count, 3)), "points")


def interleaving(layout: Layout) -> Reassembler:
    return Reassembler(layout, MAX_INTERLEAVED)


def reassemble(sent: Iterable[bytes], reassembler: Reassembler | None = None) -> memoryview | None:
    reassembler, whole = reassembler or Reassembler(), None
    for chunk in sent:
        whole = reassembler.receive(chunk) or whole
    return whole


def test_the_prefixes_are_those_on_the_wire() -> None:
    assert UPLOAD.pack(1, 2, 3) == b"OSC1" + b"\1\0\0\0" + b"\2" + bytes(7) + b"\3" + bytes(7)
    assert DOWNLOAD.pack(1, 2, 3) == b"OSP1" + b"\1\0\0\0" + b"\3" + bytes(7) + b"\2" + bytes(7)
    for layout in (UPLOAD, DOWNLOAD):
        assert layout.unpack(memoryview(layout.pack(1, 2, 3) + b"x")) == (1, 2, 3)
        assert transfer.number_of(layout.pack(77, 2, 3)) == 77


@layouts
@many
@given(st.lists(st.binary(max_size=40), max_size=5), st.integers(1, 30))
def test_chunks_carry_every_byte_in_order(layout: Layout, parts: list[bytes], size: int) -> None:
    sent = list(chunks(5, parts, size, layout))
    bodies = [chunk[PREFIX_BYTES:] for chunk in sent]
    assert all(layout.is_chunk(chunk) for chunk in sent)
    assert b"".join(bodies) == b"".join(parts)
    assert all(len(body) == size for body in bodies[:-1])


@layouts
@many
@given(st.integers(1, 400))
def test_a_message_in_chunks_of_any_size_arrives_whole(layout: Layout, size: int) -> None:
    sent = message(20)
    assert reassemble(chunks(3, [sent[:10], memoryview(sent)[10:]], size, layout), Reassembler(layout)) == sent


@layouts
def test_messages_may_be_interleaved(layout: Layout) -> None:
    bodies = {number: message(20_000 + number, number) for number in (1, 2, 3)}
    queues = {number: list(chunks(number, [body], 100_000, layout)) for number, body in bodies.items()}
    reassembler, done = interleaving(layout), {}
    order = random.Random(0)
    while queues:
        number = order.choice(list(queues))
        whole = reassembler.receive(queues[number].pop(0))
        if whole is not None:
            done[number] = bytes(whole)
            del queues[number]
    assert done == bodies
    assert reassembler.transfer is None


@layouts
def test_too_many_interleaved_messages_are_refused(layout: Layout) -> None:
    reassembler, sent = interleaving(layout), message()
    for number in range(MAX_INTERLEAVED):
        assert reassembler.receive(next(chunks(number, [sent], 100, layout))) is None
    with pytest.raises(TransferError) as refusal:
        reassembler.receive(next(chunks(99, [sent], 100, layout)))
    assert (str(refusal.value), refusal.value.transfer) == ("more than 64 messages are unfinished", 99)


@layouts
def test_ten_gigabytes_are_refused_with_the_first_chunk_and_the_next_message_is_fine(layout: Layout) -> None:
    reassembler = Reassembler(layout)
    with pytest.raises(TransferError) as refusal:
        reassembler.receive(layout.pack(1, 0, 10**10) + bytes(1000))
    limit = transfer.MAX_TOTAL_BYTES
    assert str(refusal.value) == f"a message of 10000000000 bytes is announced, at most {limit} are allowed"
    assert refusal.value.transfer == 1
    assert reassembler.receive(layout.pack(1, 1000, 10**10) + bytes(1000)) is None, "what follows is ignored"
    sent = message()
    assert reassemble(chunks(2, [sent], layout=layout), reassembler) == sent


@layouts
def test_a_header_with_a_wrong_length_is_refused_with_the_first_chunk(layout: Layout) -> None:
    header = json.dumps({"kind": "points", "dtype": "<f4", "shape": [9, 3]}).encode()
    wrong = arrays.MAGIC + len(header).to_bytes(4, "little") + header + bytes(100_000)
    with pytest.raises(TransferError) as refusal:
        Reassembler(layout).receive(next(chunks(1, [wrong], 4096, layout)))
    assert str(refusal.value) == f"array message of {len(wrong)} bytes, its header needs {8 + len(header) + 108}"


def test_a_new_message_abandons_the_unfinished_one() -> None:
    first, second = message(seed=1), message(seed=2)
    reassembler = Reassembler()
    assert reassembler.receive(next(chunks(1, [first], 1000))) is None
    assert reassembler.transfer == 1
    assert reassemble(chunks(2, [second], 1000), reassembler) == second
    assert reassembler.transfer is None


@layouts
@pytest.mark.parametrize("order", [(0, 2), (1,), (0, 1, 1), (0, 0, 2)])
def test_chunks_out_of_order_are_refused(layout: Layout, order: tuple[int, ...]) -> None:
    sent = list(chunks(1, [message(500)], 1024, layout))
    with pytest.raises(TransferError, match=r"expected one from|never begun"):
        reassemble((sent[i] for i in order), interleaving(layout))


@layouts
@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "a chunk of 0 bytes holds nothing beyond its prefix"),
        (b"OSC1", "a chunk of 4 bytes holds nothing beyond its prefix"),
        (b"OSA1" + bytes(40), "a chunk starts with b'OSA1', expected {magic!r}"),
    ],
)
def test_what_is_no_chunk_is_refused(layout: Layout, sent: bytes, reason: str) -> None:
    with pytest.raises(TransferError) as refusal:
        Reassembler(layout).receive(sent)
    assert str(refusal.value) == reason.format(magic=layout.magic)
    assert refusal.value.transfer is None


@layouts
def test_a_chunk_beyond_its_message_is_refused(layout: Layout) -> None:
    with pytest.raises(TransferError) as refusal:
        Reassembler(layout).receive(layout.pack(1, 0, 100) + bytes(101))
    assert str(refusal.value) == "a chunk of bytes 0 to 101 of 100, expected one from 0"


def test_no_more_is_sent_than_credits_were_granted_for() -> None:
    credits, sent = SendCredits(), 0
    while credits.take(1000):
        sent += 1000
    assert WINDOW - 1000 < sent <= WINDOW
    credits.grant(5000)
    assert [credits.take(1000) for _ in range(6)].count(True) >= 5
    credits.grant(10**12)
    assert credits.left == WINDOW, "no sender is granted more than a window"


def test_credits_are_returned_in_parts_and_a_sender_without_any_is_cut_off() -> None:
    credits, chunk = ReceiveCredits(), UPLOAD.pack(1, 0, 10**9) + bytes(1000)
    assert credits.receive(chunk)
    assert (credits.due(idle=False), credits.due(idle=True), credits.due(idle=True)) == (0, 1000, 0)
    received = [credits.receive(UPLOAD.pack(1, 0, 10**9) + bytes(transfer.MAX_CHUNK_BYTES)) for _ in range(17)]
    assert received == [True] * 16 + [False]


@layouts
@many
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(0, 60), st.binary(max_size=60))))
def test_any_chunks_are_accepted_or_refused(layout: Layout, sent: list[tuple[int, int, int, bytes]]) -> None:
    for reassembler in (Reassembler(layout), interleaving(layout)):
        for number, offset, total, body in sent:
            for chunk in (layout.pack(number, offset, total) + body, body):
                with contextlib.suppress(ProtocolError):
                    reassembler.receive(chunk)


def test_credit_messages() -> None:
    assert transfer.read_credit(json.loads(transfer.credit(5))) == 5
    wrong: Any
    for wrong in (-1, "5", None, True):
        with pytest.raises(ProtocolError):
            transfer.read_credit({"bytes": wrong})
