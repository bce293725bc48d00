"""The wire fixtures that TypeScript's tests share: current, and read back as what they were made from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openspace_server.protocols import media, signaling, viewer
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.media import MediaRequest
from tests import wire


@pytest.mark.parametrize("name", wire.fixtures())
def test_the_files_are_current(name: str) -> None:
    current = wire.encode(wire.fixtures()[name])
    stored = (wire.FOLDER / f"{name}.json").read_text("utf-8")
    assert stored == current, "the wire has changed: run `python -m tests.wire`"


@pytest.mark.parametrize("name", wire.FRAMES)
def test_frames_are_read_as_they_were_written(name: str) -> None:
    message = bytes.fromhex(wire.read("media")["frames"][name]["message"])
    assert media.decode_media(message) == wire.FRAMES[name]


def test_a_longer_header_is_skipped() -> None:
    longer = wire.read("media")["longer_header"]
    assert media.decode_media(bytes.fromhex(longer["message"]))[1] == bytes.fromhex(longer["data"])


@pytest.mark.parametrize("name", wire.read("media")["malformed"])
def test_malformed_frames_are_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        media.decode_media(bytes.fromhex(wire.read("media")["malformed"][name]))


def test_what_views_send_is_read() -> None:
    sent = wire.read("viewer")
    assert viewer.InputTotals.decode(json.dumps(sent["input"])) == wire.INPUT
    assert viewer.decode_control(json.dumps(sent["request"])) == wire.REQUEST
    assert viewer.decode_control(json.dumps(sent["report"])) == wire.REPORT
    assert {name: MediaRequest.read(message) for name, message in sent["media"].items()} == wire.MEDIA_REQUESTS
    assert media.read_ack(sent["ack"]) == 1


@pytest.mark.parametrize("name", ["offer", "answer", "candidate", "last_candidate", "ping", "pong", "error"])
def test_signaling_messages_are_read(name: str) -> None:
    message: dict[str, Any] = wire.read("signaling")[name]
    assert signaling.decode(json.dumps(message)) == message
