"""The playout-delay extension in this version of aiortc, and without it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, codecs, rtcrtpsender, rtp
from aiortc.rtcrtpparameters import RTCRtpParameters

from openspace_server.instance.transports import playout_delay


@pytest.fixture
def _stock_aiortc() -> Any:
    playout_delay.uninstall()
    yield
    playout_delay.uninstall()


async def _offered() -> str:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("video", direction="sendonly")
    offer = await connection.createOffer()
    await connection.close()
    return str(offer.sdp)


@pytest.mark.usefixtures("_stock_aiortc")
def test_playout_delay_is_offered_and_carried_by_this_version_of_aiortc() -> None:
    assert playout_delay.install(), "aiortc has changed: see transports/playout_delay.py"
    assert playout_delay.install()
    sdp = asyncio.run(_offered())
    assert sdp.count(playout_delay.URI) == 1

    extensions = rtp.HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=codecs.HEADER_EXTENSIONS["video"]))
    profile, packed = extensions.set(rtp.HeaderExtensions(mid="0", abs_send_time=5))
    elements = dict(rtp.unpack_header_extensions(profile, packed))
    assert elements == {1: b"0", 3: b"\x00\x00\x05", playout_delay.EXTENSION_ID: b"\x00\x00\x00"}


@pytest.mark.usefixtures("_stock_aiortc")
def test_each_viewer_has_its_own_playout_delay() -> None:
    playout_delay.install()

    def sent(map: Any) -> bytes:
        map.configure(RTCRtpParameters(headerExtensions=codecs.HEADER_EXTENSIONS["video"]))
        profile, packed = map.set(rtp.HeaderExtensions(mid="0"))
        return dict(rtp.unpack_header_extensions(profile, packed))[playout_delay.EXTENSION_ID]

    with playout_delay.for_new_senders() as delay:
        lossy = rtp.HeaderExtensionsMap()
    other = rtp.HeaderExtensionsMap()
    delay.set(0.15)
    assert (sent(lossy), sent(other)) == (bytes.fromhex("00f023"), b"\x00\x00\x00")
    delay.set(0.0)
    assert sent(lossy) == b"\x00\x00\x00"


@pytest.mark.usefixtures("_stock_aiortc")
def test_a_viewer_that_did_not_agree_gets_unchanged_packets() -> None:
    playout_delay.install()
    extensions = rtp.HeaderExtensionsMap()
    extensions.configure(RTCRtpParameters(headerExtensions=codecs.HEADER_EXTENSIONS["audio"]))
    assert dict(rtp.unpack_header_extensions(*extensions.set(rtp.HeaderExtensions(mid="0")))) == {1: b"0"}


@pytest.mark.usefixtures("_stock_aiortc")
@pytest.mark.parametrize("change", ["no map", "no table", "map not used", "packets differ"])
def test_playout_delay_steps_aside_when_aiortc_changes(
    change: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if change == "no map":
        monkeypatch.setattr(rtcrtpsender, "rtp", object())
    elif change == "no table":
        monkeypatch.setattr(codecs, "HEADER_EXTENSIONS", {})
    elif change == "map not used":
        monkeypatch.setattr(rtcrtpsender, "RTCRtpSender", object)
    else:
        monkeypatch.setattr(rtp.RtpPacket, "serialize", lambda self, extensions: bytes(40))
    with caplog.at_level(logging.WARNING):
        assert not playout_delay.install()
    assert "aiortc has changed" in caplog.text
    monkeypatch.undo()
    assert playout_delay.URI not in asyncio.run(_offered())
