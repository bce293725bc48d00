"""Every rung of the transport ladder in a real browser, on the stream page: a picture comes, and a drag steers."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from openspace_widget import OpenSpace
from tests.e2e.lab import Lab, wait_for

NO_WEBRTC = "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;"
NO_WEBCODECS = "delete window.VideoDecoder;"


@pytest.fixture
def space(lab: Lab) -> Iterator[OpenSpace]:
    """A session of its own, seen by this process, ended afterwards."""
    request = urllib.request.Request(
        f"{lab.url}openspace/api/v1/sessions",
        data=json.dumps({"name": "ladder"}).encode(),
        headers={"Authorization": f"token {lab.token}", "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        session = json.load(answer)["id"]
    wait_for(lambda: lab.rest(f"sessions/{session}")["state"] == "RUNNING", 60, "the session runs")
    with OpenSpace(session, url=f"{lab.url}?token={lab.token}") as space:
        space.time.pause()
        yield space
    wait_for(lambda: not lab.instances(), what="all instance processes are gone")


class Stream:
    """The stream page of a session."""

    def __init__(self, page: Page, lab: Lab, space: OpenSpace) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.set_viewport_size({"width": 1000, "height": 600})
        page.goto(f"{lab.url}openspace/stream/{space.session}?token={lab.token}")
        self.view = page.locator(".osw-view")
        self.view.wait_for()
        self.began = time.monotonic()

    def live(self, transport: str, timeout: float = 20) -> float:
        """Wait for the picture over ``transport``; the seconds since the view was there."""

        def there() -> bool:
            return self.of("data-state") == "live" and self.of("data-transport") == transport

        try:
            wait_for(there, timeout)
        except AssertionError:
            state = f"{self.of('data-state')} over {self.of('data-transport')}"
            raise AssertionError(f"the view is {state}: {self.view.inner_text()} {self.problems}") from None
        return time.monotonic() - self.began

    def of(self, attribute: str) -> str | None:
        return self.view.get_attribute(attribute)

    def frames(self) -> int:
        return int(self.of("data-frames") or 0)

    def drag(self) -> None:
        mouse = self.page.mouse
        mouse.move(500, 280)
        mouse.down()
        mouse.move(660, 320, steps=12)
        mouse.up()

    def picture(self) -> Any:
        return self.page.screenshot(clip={"x": 200, "y": 100, "width": 600, "height": 300})


def position(space: OpenSpace) -> np.ndarray:
    return np.array(space.camera["Position"])


def steers(stream: Stream, space: OpenSpace) -> None:
    """A drag moves the camera at the instance and the picture on the page."""
    before, seen, shown = position(space), stream.frames(), stream.picture()
    stream.drag()
    wait_for(lambda: stream.frames() > seen + 5, what="frames are presented while the camera moves")

    def angle() -> float:
        after = position(space)
        return float(np.degrees(np.arccos(before @ after / np.linalg.norm(before) / np.linalg.norm(after))))

    wait_for(lambda: angle() > 1, what="the drag moves the camera")
    wait_for(lambda: stream.picture() != shown, what="what the page shows has changed")


@pytest.mark.parametrize(
    ("missing", "transport"),
    [("", "webrtc"), (NO_WEBRTC, "websocket"), (NO_WEBRTC + NO_WEBCODECS, "images")],
    ids=["webrtc", "websocket", "images"],
)
def test_the_best_rung_that_the_browser_has_is_live_and_steers(
    lab: Lab, page: Page, space: OpenSpace, missing: str, transport: str
) -> None:
    page.add_init_script(missing)
    stream = Stream(page, lab, space)
    print(f"{transport}: live after {stream.live(transport):.2f} s")
    steers(stream, space)
    assert stream.view.locator(".osw-chip").inner_text() == "", "nothing to say while live"
    assert not stream.problems


# As where a firewall lets no packet through: no candidate ever reaches the other side.
BLOCKED = """
const strip = (sdp) => sdp.split('\\r\\n').filter((line) => !line.startsWith('a=candidate')).join('\\r\\n');
const peer = RTCPeerConnection.prototype;
const set = peer.setRemoteDescription;
peer.setRemoteDescription = function ({type, sdp}) { return set.call(this, {type, sdp: strip(sdp)}); };
peer.addIceCandidate = async () => {};
const local = Object.getOwnPropertyDescriptor(peer, 'localDescription').get;
Object.defineProperty(peer, 'localDescription', {get() {
  const told = local.call(this);
  return told && {type: told.type, sdp: strip(told.sdp)};
}});
Object.defineProperty(RTCPeerConnectionIceEvent.prototype, 'candidate', {get: () => null});
"""


def test_where_no_packet_passes_the_view_is_live_over_the_websocket_within_seconds(
    lab: Lab, page: Page, space: OpenSpace
) -> None:
    page.add_init_script(BLOCKED)
    stream = Stream(page, lab, space)
    print(f"blocked: live after {stream.live('websocket', 10):.2f} s")
    steers(stream, space)
    assert not stream.problems


@pytest.mark.parametrize(("allowed", "transport"), [(["images"], "images"), (["websocket"], "websocket")])
def test_a_page_may_choose_its_rungs(
    lab: Lab, page: Page, space: OpenSpace, allowed: list[str], transport: str
) -> None:
    page.add_init_script(f"globalThis.__openspaceTransports = {json.dumps(allowed)};")
    stream = Stream(page, lab, space)
    stream.live(transport)
    steers(stream, space)


def test_the_statistics_name_the_way_and_its_stations(lab: Lab, page: Page, space: OpenSpace) -> None:
    page.add_init_script(NO_WEBRTC)
    stream = Stream(page, lab, space)
    stream.live("websocket")
    page.mouse.move(500, 300)
    page.get_by_role("button", name="Statistics").click()
    space.time.play()
    panel = stream.view.locator(".osw-stats")
    wait_for(lambda: "H.264 (WebCodecs)" in panel.inner_text(), what="the codec")
    for station in ("Draw", "Encode", "Queue", "Network", "Jitter buffer", "Decode", "Present"):
        assert station in panel.inner_text()
