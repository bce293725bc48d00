"""Point frames as messages and their encodings: exact where they say so, and closed to nonsense."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from openspace_server.protocols import arrays, encodings, points, transfer
from openspace_server.protocols.arrays import Encoding
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.points import PointFrame, PointOptions
from openspace_server.protocols.transfer import Reassembler
from tests.examples import examples

many = settings(max_examples=examples(200), deadline=None)
CLOUD = np.random.default_rng(3).normal(0, 10, (50_000, 3)).astype("<f4")


def message(frame: PointFrame, encoding: Encoding = arrays.PLAIN) -> bytes:
    return b"".join(frame.encode(encoding)[0])


def crafted(header: dict[str, Any] | bytes, body: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return arrays.MAGIC + len(raw).to_bytes(4, "little") + raw + body


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
@pytest.mark.parametrize("codec", encodings.CODECS)
def test_a_frame_with_all_columns_arrives_bit_for_bit(dtype: str, codec: str) -> None:
    count = len(CLOUD)
    columns = {
        "values": np.arange(count, dtype="<f4"),
        "colors": np.arange(4 * count, dtype=np.uint32).astype(np.uint8).reshape(-1, 4),
    }
    look = PointOptions(
        unit="Mpc",
        parent="Earth",
        colormap=((0, 0, 0), (255, 128, 1)),
        range=(0.5, 2),
        log=True,
        frame="ICRF",
        label="my points",
    )
    sent = PointFrame("a", 7, CLOUD.astype(dtype), columns, look, points.LATEST, "me")
    got = PointFrame.decode(message(sent, Encoding(codec)))
    assert got.positions.dtype.str == dtype
    assert got.positions.tobytes() == sent.positions.tobytes()
    assert {name: column.tobytes() for name, column in got.columns.items()} == {
        name: column.tobytes() for name, column in columns.items()
    }
    assert points.checksum(got) == points.checksum(sent)
    assert (got.name, got.sequence, got.options, got.keep, got.sender) == ("a", 7, look, "latest", "me")


def test_compression_makes_regular_data_smaller_and_leaves_noise_alone() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(40)] * 3), axis=-1).reshape(-1, 3).astype("<f4")
    packed = Encoding(encodings.SHUFFLED)
    assert len(message(PointFrame("a", 0, grid), packed)) < grid.nbytes / 3
    noise = np.frombuffer(np.random.default_rng(1).bytes(12 * 50_000), "<f4").reshape(-1, 3)
    parts, bound = arrays.encode_columns(noise, {}, "points", packed)
    assert bound is None
    assert len(parts[1]) == noise.nbytes


@many
@given(
    hnp.arrays(
        st.sampled_from(["<f4", "<f8"]),
        st.tuples(st.integers(0, 20), st.integers(1, 3)),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    )
)
def test_quantised_numbers_lie_within_the_stated_bound(array: np.ndarray) -> None:
    try:
        parts, bound = arrays.encode_columns(array, {}, "x", Encoding(quantised=True))
    except ProtocolError:
        assume(False)
    _, got, _ = arrays.decode_columns(b"".join(parts))
    assert got.dtype == array.dtype
    assert bound is not None
    off = np.abs(got.astype("f8") - array.astype("f8"))
    assert (off <= np.array(bound)).all(), (off.max(axis=0), bound)


def test_a_quantised_frame_is_half_as_large_and_says_how_far_off_it_may_be() -> None:
    parts, bound = PointFrame("a", 0, CLOUD).encode(Encoding(quantised=True))
    assert sum(map(len, parts)) < CLOUD.nbytes / 2 + 1000
    got = PointFrame.decode(b"".join(parts))
    assert bound is not None
    assert (np.abs(got.positions - CLOUD).max(axis=0) <= bound).all()
    assert max(bound) < np.ptp(CLOUD) / 65535
    with pytest.raises(ProtocolError, match="NaN and infinity cannot be quantised"):
        arrays.encode_columns(np.array([[0, np.nan, 1]], "<f4"), {}, "x", Encoding(quantised=True))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"shape": [3, 3]}, "its header .* needs"),
        ({"shape": [10**9, 3], "dtype": "<f8"}, "larger than the"),
        ({"dtype": "<f2"}, "dtype: expected one of"),
        ({"dtype": ">f4"}, "dtype: expected one of"),
        ({"dtype": "<i4"}, "expected float32 or float64"),
        ({"shape": [3, 2]}, "expected float32 or float64"),
        ({"shape": [0, 3]}, "expected 1 to"),
        ({"name": " "}, "points need a name"),
        ({"keep": "some"}, "keep: expected"),
        ({"sequence": -1}, "sequence"),
        ({"kind": "frame"}, "kind: expected points"),
        ({"options": {"unit": "furlong"}}, "unit: expected one of"),
        ({"options": {"size": 1e9}}, "size: .* is outside"),
        ({"options": {"range": [2, 1]}}, "range: expected low"),
        ({"options": {"range": [0, 1], "log": True}}, "range: expected 0 <"),
        ({"options": {"frame": "J2000"}}, "frame: expected"),
        ({"options": {"colormap": "12345"}}, "colormap"),
        ({"options": {"range": [0, float("inf")]}}, "range"),
        ({"columns": [{"name": "mass", "dtype": "|u1", "shape": [0]}]}, "columns: expected some of"),
        ({"columns": [{"name": "values", "dtype": "<f4", "shape": [1]}]}, "values: expected float32"),
        ({"columns": [{"name": "values"}] * 99}, "columns: expected a list"),
        ({"encoding": {"codec": "lzma"}}, "encoding.codec"),
        ({"encoding": {"codec": "zstd", "bytes": 24}}, "compressed array cannot be read"),
        ({"encoding": {"codec": "zstd", "bytes": 10**10}}, "larger than the"),
        ({"encoding": {"stored": "<u2", "low": [0, 0], "high": [1, 1]}}, "expected 3 finite numbers"),
        ({"encoding": {"stored": "<u2", "low": [1, 1, 1], "high": [0, 0, 0]}}, "no range"),
    ],
)
def test_a_frame_that_cannot_be_drawn_is_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    header = {"kind": "points", "name": "a", "sequence": 0, "dtype": "<f4", "shape": [2, 3], **change}
    size = 24
    if "dtype" not in change and change.get("shape") in ([3, 2], [0, 3]):
        size = 4 * int(np.prod(change["shape"]))
    body = bytes(size) + (bytes(4) if "values" in str(change) else b"")
    with pytest.raises(ProtocolError, match=reason):
        PointFrame.decode(crafted(header, body))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused_with_the_row(bad: float) -> None:
    positions = CLOUD.copy()
    positions[1234, 1] = bad
    with pytest.raises(ProtocolError, match="1 of 50000 rows hold NaN or infinity, the first is row 1234"):
        PointFrame.decode(message(PointFrame("a", 0, positions)))
    values = np.zeros(len(CLOUD), "<f4")
    values[7] = bad
    with pytest.raises(ProtocolError, match=r"values: .* row 7"):
        PointFrame.decode(message(PointFrame("a", 0, CLOUD, {"values": values})))


def test_numbers_whose_sum_overflows_are_no_infinity() -> None:
    PointFrame("a", 0, np.full((4, 3), 1.7e308)).validate()


def test_a_small_message_cannot_unpack_to_a_large_one() -> None:
    bomb = encodings.compress(np.zeros(50_000_000, np.uint8), encodings.ZSTD)
    header = {"kind": "points", "name": "a", "sequence": 0, "dtype": "<f4", "shape": [2, 3]}
    header["encoding"] = {"codec": "zstd", "bytes": len(bomb)}
    with pytest.raises(ProtocolError, match="holds 50000000 bytes instead of 24"):
        PointFrame.decode(crafted(header, bomb))


def _reassemble(whole: bytes) -> None:
    reassembler = Reassembler()
    for chunk in transfer.chunks(1, [whole], 5000):
        reassembler.receive(chunk)


def refused_or_fine(decode: Any, raw: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        decode(raw)


FIELDS = ("kind", "name", "sequence", "dtype", "shape", "columns", "encoding", "options", "keep", "sender")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.sampled_from(["<f4", "points", "<u2"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "dtype", "shape", "codec", "bytes", "stored", "low", "high", "unit", "size", "range"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@many
@given(st.dictionaries(st.sampled_from(FIELDS), VALUES), st.binary(max_size=200))
def test_any_header_is_decoded_or_refused(fields: dict[str, Any], body: bytes) -> None:
    good = {"kind": "points", "name": "a", "sequence": 0, "dtype": "<f4", "shape": [2, 3]}
    refused_or_fine(PointFrame.decode, crafted({**good, **fields}, body))
    refused_or_fine(PointFrame.decode, crafted(json.dumps(fields).encode(), body))


@many
@given(st.data())
def test_any_damage_to_a_good_message_is_decoded_or_refused(data: st.DataObject) -> None:
    encoding = Encoding(data.draw(st.sampled_from(encodings.CODECS)), data.draw(st.booleans()))
    positions = np.zeros((12_000, 3), "<f4")
    raw = bytearray(message(PointFrame("a", 0, positions, {"values": np.arange(12_000, dtype="<f4")}), encoding))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for damaged in (bytes(raw), bytes(raw[:cut])):
        refused_or_fine(PointFrame.decode, damaged)
        refused_or_fine(_reassemble, damaged)
