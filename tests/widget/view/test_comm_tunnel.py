"""Comm tunnel of a real session, with the page's messages sent by the test."""

from __future__ import annotations

import json
import queue
from typing import Any

from openspace_server.protocols.media import Kind, ack, decode_media
from openspace_widget import OpenSpace
from openspace_widget.view.comm_tunnel import CommTunnel
from tests import wire

FROM_PAGE, FROM_KERNEL = wire.read("tunnel")["from_page"], wire.read("tunnel")["from_kernel"]
"""The messages for a socket "m", as TypeScript's tests have them."""


class Widget:
    """The part of a widget that the tunnel uses; ``sent`` is what the page would get."""

    def __init__(self) -> None:
        self.sent: queue.Queue[tuple[dict[str, Any], list[bytes]]] = queue.Queue()

    def on_msg(self, callback: Any, remove: bool = False) -> None:
        self.say = lambda **content: callback(self, {"road": "openspace", **content}, [])

    def send(self, content: Any, buffers: Any = None) -> None:
        self.sent.put((content, buffers or []))

    def next(self, **fields: Any) -> tuple[dict[str, Any], list[bytes]]:
        """The next message with these fields; those before are left out."""
        while True:
            content, buffers = self.sent.get(timeout=20)
            if fields.items() <= content.items():
                return content, buffers

    def frame(self) -> bytes:
        while not (buffers := self.next(do="message")[1]):
            pass
        return buffers[0]


def test_a_page_sees_and_steers_through_the_kernel_with_one_frame_under_way(space: OpenSpace) -> None:
    widget = Widget()
    tunnel = CommTunnel(widget, space._client.session.connection, space.session)
    widget.say(socket="e", do="open", channel="events")
    widget.next(socket="e", do="opened")
    assert json.loads(widget.next(socket="e", do="message")[0]["text"])["state"] in ("RUNNING", "DISCONNECTED")
    widget.say(**FROM_PAGE["open"])
    assert widget.next(socket="m")[0] == FROM_KERNEL["opened"]
    widget.say(**FROM_PAGE["send"] | {"text": json.dumps(wire.read("viewer")["media"]["images"])})
    assert widget.next(socket="m")[0].keys() == FROM_KERNEL["message"].keys()
    header, frame = decode_media(widget.frame())
    assert (header.kind, frame[:2]) == (Kind.JPEG, b"\xff\xd8")
    space.time.rate = 86400
    space.time.play()
    space.frame()
    space.frame()
    frames = [message for message in list(widget.sent.queue) if message[1]]
    assert frames == [], "the next one waits for the acknowledgement"
    before = space.camera["Position"]
    widget.say(socket="m", do="send", text=ack(header.number))
    assert decode_media(widget.frame())[0].number == header.number + 1
    turned = {"type": "input", "seq": 1, "held": False, "axes": {"orbitX": 0.5}}
    widget.say(socket="m", do="send", text=json.dumps(turned))
    while space.camera["Position"] == before:
        pass
    widget.say(**FROM_PAGE["close"])
    closed = widget.next(socket="m", do="closed")[0]
    assert closed == FROM_KERNEL["closed"] | {"code": 1000, "reason": ""}
    assert sorted(tunnel._sockets) == ["e"]
    widget.say(socket="e", do="close")
    widget.next(socket="e", do="closed")


def test_nothing_but_a_views_own_channels_is_opened(space: OpenSpace) -> None:
    widget = Widget()
    tunnel = CommTunnel(widget, space._client.session.connection, space.session)
    for channel in ("bulk", "api", "../../hosts", "signaling", None, 7):
        widget.say(socket="x", do="open", channel=channel)
        assert "cannot be opened" in widget.next(socket="x", do="closed")[0]["reason"]
    for nonsense in ({}, {"socket": 7, "do": "open"}, {"socket": "x", "do": "send", "text": "?"}, {"do": "close"}):
        widget.say(**nonsense)
    widget.say(socket="x", do="open", channel="events")
    widget.say(socket="x", do="close")
    widget.next(socket="x", do="closed")
    for number in range(20):
        widget.say(socket=str(number), do="open", channel="events")
    for number in range(16, 20):
        assert widget.next(socket=str(number), do="closed")
    for number in range(16):
        widget.say(socket=str(number), do="close")
        widget.next(socket=str(number), do="closed")
    assert not tunnel._sockets


def test_an_unknown_session_is_refused_as_the_server_refuses_it(space: OpenSpace) -> None:
    widget = Widget()
    tunnel = CommTunnel(widget, space._client.session.connection, "00000000-0000-4000-8000-000000000000")
    widget.say(socket="e", do="open", channel="events")
    assert widget.next(socket="e", do="closed")[0]["code"] == 4404
    assert not tunnel._sockets
