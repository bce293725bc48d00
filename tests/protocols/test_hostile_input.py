"""Decoders given anything at all: a value or a ProtocolError, never another exception."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from openspace_server.protocols import arrays, signaling, supervisor, viewer
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.supervisor import COMMANDS, ECHOED, CommandError, decode_command, encode, reply
from tests.examples import examples

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 2**63, 1e308, 64, 720]),
    st.floats(),
    st.text(max_size=200),
    st.sampled_from(["\ud800", "\x00", "9" * 500]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)
VIEWER_FIELDS = ("type", "seq", "held", "axes", "id", "verb", "arguments")
FIELDS = ("id", "token", *ECHOED)
ANY_JSON = st.recursive(ODD_VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner))
many = settings(max_examples=examples(400), deadline=None)


def answered(raw: str | bytes) -> dict[str, Any]:
    """The reply to ``raw``, as it would travel."""
    try:
        answer = reply(decode_command(raw), 0)
    except CommandError as refused:
        answer = refused.reply
    return dict(json.loads(encode(answer)))


@many
@given(st.text() | st.binary())
def test_any_text_or_bytes_get_a_reply_with_the_three_fields(raw: str | bytes) -> None:
    assert {"command", "error", "id"} <= answered(raw).keys()


@many
@given(ANY_JSON)
def test_any_json_gets_a_reply(value: Any) -> None:
    assert {"command", "error", "id"} <= answered(json.dumps(value)).keys()


@many
@given(st.sampled_from(COMMANDS) | ODD_VALUES, st.dictionaries(st.sampled_from(FIELDS), ODD_VALUES))
def test_any_fields_of_a_command_get_a_reply_that_echoes_only_what_was_accepted(name: Any, fields: dict) -> None:
    answer = answered(json.dumps(fields | {"command": name}))
    assert answer["command"] == (name if isinstance(name, str) else None)
    assert "token" not in answer
    if answer["error"] == supervisor.NONE:
        assert {key: answer[key] for key in fields if key in ECHOED} == {k: v for k, v in fields.items() if k in ECHOED}


@pytest.mark.parametrize("depth", [50, 300, 600, 900, 990, 5_000, 30_000])
def test_deep_nesting_gets_a_reply(depth: int) -> None:
    for raw in ("[" * depth + "]" * depth, '{"command": ' + "[" * depth + "]" * depth + "}"):
        assert answered(raw)["error"]


@many
@given(ANY_JSON | st.dictionaries(st.sampled_from(VIEWER_FIELDS), ODD_VALUES))
def test_viewer_messages_are_decoded_or_refused(value: Any) -> None:
    for decode in (viewer.InputTotals.decode, viewer.Request.decode):
        refused_or_fine(decode, json.dumps(value))
    if isinstance(value, dict):
        refused_or_fine(viewer.InputTotals.decode, json.dumps({"type": "input", "seq": 1, "axes": {"zoom": value}}))
        refused_or_fine(viewer.InputTotals.decode, json.dumps(value | {"type": "input"}))
        refused_or_fine(viewer.Request.decode, json.dumps(value | {"type": "request"}))


def test_an_axis_beyond_the_range_of_a_float_is_refused() -> None:
    with pytest.raises(ProtocolError, match="zoom"):
        viewer.InputTotals.decode('{"type": "input", "seq": 1, "axes": {"zoom": 1' + "0" * 400 + "}}")


@many
@given(
    st.sampled_from([*signaling.MESSAGE_TYPES, "else"]) | ODD_VALUES,
    st.dictionaries(st.sampled_from(["session", "role", "viewer", "token", "sdp", "candidate"]), ODD_VALUES),
)
def test_signaling_messages_are_decoded_or_refused(type: Any, fields: dict) -> None:
    for decode in (signaling.decode, signaling.Join.decode):
        refused_or_fine(decode, json.dumps(fields | {"type": type}))


@many
@given(hnp.arrays(st.sampled_from(arrays.DTYPES), hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_an_array_survives_the_way(array: np.ndarray) -> None:
    header, decoded = arrays.decode(arrays.encode(array, "points", unit="m"))
    assert (header["kind"], header["unit"]) == ("points", "m")
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)
    assert not decoded.flags.writeable


def test_a_transposed_array_survives_the_way() -> None:
    array = np.arange(24, dtype="<f4").reshape(2, 3, 4).transpose(2, 0, 1)[::2]
    np.testing.assert_array_equal(arrays.decode(arrays.encode(array, "points"))[1], array)


@many
@given(st.binary(max_size=200))
def test_any_bytes_are_an_array_or_refused(raw: bytes) -> None:
    refused_or_fine(arrays.decode, raw)
    refused_or_fine(arrays.decode, arrays.MAGIC + raw)


@example({}, "<i4", [0, 2**31 - 1, 2**31 - 1], b"")
@many
@given(
    st.dictionaries(st.sampled_from(["kind", "dtype", "shape"]), ODD_VALUES),
    st.sampled_from([*arrays.DTYPES, "<f2", "object", "|O"]),
    st.lists(st.sampled_from([0, 1, 2, 2**31 - 1, 2**31, 2**70, -1, True]), max_size=5),
    st.binary(max_size=64),
)
def test_any_header_is_an_array_or_refused(odd: dict, dtype: str, shape: list, buffer: bytes) -> None:
    good = {"kind": "points", "dtype": dtype, "shape": shape}
    for header in (good, good | odd):
        body = json.dumps(header).encode()
        refused_or_fine(arrays.decode, arrays.MAGIC + len(body).to_bytes(4, "little") + body + buffer)


@many
@given(st.integers(0, 60), st.integers(0, 255))
def test_a_damaged_array_message_is_an_array_or_refused(index: int, value: int) -> None:
    message = bytearray(arrays.encode(np.arange(6, dtype="<u2").reshape(2, 3), "frame"))
    message[index % len(message)] = value
    refused_or_fine(arrays.decode, bytes(message))
    refused_or_fine(arrays.decode, bytes(message[:index]))


def refused_or_fine(decode: Any, raw: Any) -> None:
    reason = "fine"
    try:
        decode(raw)
    except ProtocolError as refused:
        reason = str(refused)
    assert 0 < len(reason) < 400
