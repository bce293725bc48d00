"""Array replies: one or several arrays, whole, in chunks or by shared memory."""

from __future__ import annotations

import numpy as np
import pytest

from openspace_server.instance.viewers.array_reply import ArrayReply, Delivery
from openspace_server.protocols import arrays, transfer
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.shared_memory import OfferedMemory, OpenedMemory

ARRAY = np.arange(6, dtype="<f8").reshape(2, 3)


def test_arrays_follow_each_other_and_the_first_has_the_fields() -> None:
    reply = ArrayReply([("frame", ARRAY), ("depth", ARRAY)], {"time": "now"}, Delivery())
    (first, one), (second, two) = (arrays.decode(message) for message in reply.messages(7))
    assert (first["kind"], first["request"], first["more"], first["time"]) == ("frame", 7, 1, "now")
    assert (second["kind"], second["request"], second["more"], second.get("time")) == ("depth", 7, 0, None)
    assert np.array_equal(one, ARRAY)
    assert np.array_equal(two, ARRAY)


def test_a_reply_in_chunks() -> None:
    large = np.zeros(3 * transfer.CHUNK_BYTES // 2, np.uint8)
    chunks = list(ArrayReply([("frame", large)]).messages(7))
    assert [transfer.number_of(chunk) for chunk in chunks] == [7, 7]
    reassembler = transfer.Reassembler(transfer.DOWNLOAD)
    assert reassembler.receive(chunks[0]) is None
    whole = reassembler.receive(chunks[1])
    assert whole is not None
    assert arrays.decode(whole)[1].shape == large.shape


@pytest.mark.skipif("sys.platform != 'linux'", reason="shared memory is used on Linux only")
def test_one_array_is_sent_by_shared_memory_and_several_are_not() -> None:
    offered = OfferedMemory()
    found = OpenedMemory(str(offered.path))
    try:
        assert Delivery.read({"slot": 1}, offered) == Delivery(), "not yet proven"
        assert offered.prove(found.proof)
        delivery = Delivery.read({"pieces": True, "slot": 1}, offered)
        assert delivery == Delivery(True, offered, 1)
        (message,) = ArrayReply([("frame", ARRAY)], delivery=delivery).messages(7)
        slot, request, whole = found.find(message)
        assert (slot, request) == (1, 7)
        assert np.array_equal(arrays.decode(bytes(whole))[1], ARRAY)
        del whole
        several = ArrayReply([("frame", ARRAY), ("ids", ARRAY)], delivery=delivery)
        assert all(transfer.DOWNLOAD.is_chunk(message) for message in several.messages(8))
        with pytest.raises(ProtocolError) as refused:
            Delivery.read({"slot": 9}, offered)
        assert str(refused.value) == "slot: 9 is outside 0 to 2"
    finally:
        found.close()
        offered.close()
