"""Every rung of the transport ladder in a real browser, on the stream page: a picture comes, and a drag steers."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from openspace_widget import OpenSpace
from tests.e2e.lab import Lab
from tests.e2e.stream import NO_WEBCODECS, NO_WEBRTC, Stream, steers
from tests.helpers import wait_for


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


# While `blocked`, as where a firewall lets no packet through: no candidate ever reaches the other side.
FIREWALL = """
window.blocked = true;
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) { super(...options); peers.push(this); }
};
const strip = (sdp) => blocked ? sdp.replace(/a=candidate.*\\r\\n/g, '') : sdp;
const peer = Object.getPrototypeOf(RTCPeerConnection.prototype);
const {setRemoteDescription, addIceCandidate} = peer;
peer.setRemoteDescription = function ({type, sdp}) { return setRemoteDescription.call(this, {type, sdp: strip(sdp)}); };
peer.addIceCandidate = async function (one) { if (!blocked) await addIceCandidate.call(this, one); };
const local = Object.getOwnPropertyDescriptor(peer, 'localDescription').get;
Object.defineProperty(peer, 'localDescription', {get() {
  const told = local.call(this);
  return told && {type: told.type, sdp: strip(told.sdp)};
}});
const found = Object.getOwnPropertyDescriptor(RTCPeerConnectionIceEvent.prototype, 'candidate').get;
Object.defineProperty(RTCPeerConnectionIceEvent.prototype, 'candidate', {
  get() { return blocked ? null : found.call(this); },
});
"""
# What the view said of itself, and every pause between two pictures longer than half a second.
DIARY = """
const view = document.querySelector('.osw-view');
window.diary = [];
const told = () => [view.dataset.state, view.dataset.transport];
let last = String(told());
new MutationObserver(() => {
  if (String(told()) !== last) diary.push(told());  // the same said again is no news
  last = String(told());
}).observe(view, {attributeFilter: ['data-state', 'data-transport']});
let frames = view.dataset.frames, at = performance.now();
const look = () => {
  const now = performance.now();
  if (view.dataset.frames !== frames) {
    if (now - at > 5000) diary.push(`nothing for ${now - at} ms`);
    frames = view.dataset.frames; at = now;
  }
  requestAnimationFrame(look);
};
look();
"""


def test_where_no_packet_passes_the_view_is_live_over_the_websocket_within_seconds(
    lab: Lab, page: Page, space: OpenSpace
) -> None:
    page.add_init_script(FIREWALL)
    stream = Stream(page, lab, space)
    print(f"blocked: live after {stream.live('websocket', 10):.2f} s")
    steers(stream, space)
    assert not stream.problems


def test_a_lost_rung_is_replaced_and_climbed_back_to_without_a_break(lab: Lab, page: Page, space: OpenSpace) -> None:
    page.add_init_script(FIREWALL + "blocked = false;")
    stream = Stream(page, lab, space)
    stream.live("webrtc")
    page.evaluate("blocked = true; for (const peer of peers) peer.close();")
    stream.live("websocket", 15)
    steers(stream, space)
    space.time.rate = 3600
    space.time.play()
    page.evaluate("blocked = false;" + DIARY)
    stream.live("webrtc", 90)
    seen = stream.frames()
    wait_for(lambda: stream.frames() > seen + 30, what="the picture goes on")
    assert page.evaluate("diary") == [["live", "webrtc"]], "the picture never stopped, and the chip said nothing"
    space.time.pause()
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


# What the browser counts, with losses added to it while `lossy`.
LOSSY = """
window.peers = [];
window.lossy = false;
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) { super(...options); peers.push(this); }
};
let lost = 0;
const {getStats} = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.getStats = async function () {
  const report = new Map([...await getStats.call(this)]);
  if (lossy) lost += 500;
  for (const [id, each] of report) {
    if (each.type === 'inbound-rtp') report.set(id, {...each, packetsLost: (each.packetsLost ?? 0) + lost});
  }
  return report;
};
"""
ASKS = "/a=rtcp-fb:\\S+ nack\\r/.test(peers[0].remoteDescription.sdp)"


def test_on_a_road_that_is_full_nothing_lost_is_asked_for_again(lab: Lab, page: Page, space: OpenSpace) -> None:
    page.add_init_script(LOSSY)
    stream = Stream(page, lab, space)
    stream.live("webrtc")
    space.time.rate = 3600
    space.time.play()
    assert page.evaluate(ASKS)
    page.evaluate("lossy = true")
    wait_for(lambda: not page.evaluate(ASKS), what="lost packets are let go of")
    page.evaluate("lossy = false")
    seen = stream.frames()
    wait_for(lambda: stream.frames() > seen + 10, what="the picture goes on")
    wait_for(lambda: page.evaluate(ASKS), what="they are asked for again")
    space.time.pause()
    steers(stream, space)
    assert page.evaluate("peers.length") == 1
    assert stream.of("data-transport") == "webrtc"
    assert not stream.problems
