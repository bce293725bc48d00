"""Media messages: the header of frames, and the messages of a viewer."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.media import (
    HEADER_BYTES,
    Kind,
    MediaHeader,
    MediaRequest,
    Mode,
    decode_media,
    read_ack,
)

HEADER = MediaHeader(Kind.H264, True, 1280, 720, 7, 1_234_567.0, 99, 41, 5.25)


def test_the_layout_is_the_documented_one() -> None:
    raw = HEADER.encode()
    assert (len(raw), raw[:4], raw[4], raw[5]) == (HEADER_BYTES, b"OSM1", 1, 1) == (40, b"OSM1", 1, 1)
    assert struct.unpack_from("<HHHI", raw, 6) == (40, 1280, 720, 7)
    assert struct.unpack_from("<dIId", raw, 16) == (1_234_567.0, 99, 41, 5.25)


@given(st.binary(max_size=64) | st.binary(max_size=64).map(lambda tail: HEADER.encode()[:8] + tail))
def test_any_bytes_give_a_picture_or_a_protocol_error(raw: bytes) -> None:
    try:
        decode_media(raw)
    except ProtocolError:
        return


@pytest.mark.parametrize("message", [{}, {"mode": "vp9"}, {"mode": 1}, {"mode": "images", "format": "gif"}])
def test_a_wrong_mode_is_refused(message: dict) -> None:
    with pytest.raises(ProtocolError):
        MediaRequest.read(message)


def test_a_mode_is_understood() -> None:
    assert MediaRequest.read({"mode": "images", "format": "webp"}) == MediaRequest(Mode.IMAGES, Kind.WEBP)
    assert read_ack({"number": 5}) == 5
    with pytest.raises(ProtocolError):
        read_ack({"number": True})
