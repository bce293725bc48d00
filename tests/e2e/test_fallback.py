"""Transport fallback in a real browser, on the stream page: each transport shows frames and carries input."""

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
def test_the_best_transport_of_the_browser_is_live_and_steers(
    lab: Lab, page: Page, space: OpenSpace, missing: str, transport: str
) -> None:
    page.add_init_script(missing)
    stream = Stream(page, lab, space)
    print(f"{transport}: live after {stream.live(transport):.2f} s")
    steers(stream, space)
    assert stream.view.locator(".osw-chip").inner_text() == "", "nothing to say while live"
    assert not stream.problems


# While `blocked`, as behind a firewall that lets no packet through: no candidate reaches the other side.
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
  const description = local.call(this);
  return description && {type: description.type, sdp: strip(description.sdp)};
}});
const found = Object.getOwnPropertyDescriptor(RTCPeerConnectionIceEvent.prototype, 'candidate').get;
Object.defineProperty(RTCPeerConnectionIceEvent.prototype, 'candidate', {
  get() { return blocked ? null : found.call(this); },
});
"""
# The view's states and transports, and every pause between two frames longer than five seconds.
DIARY = """
const view = document.querySelector('.osw-view');
window.diary = [];
const now = () => [view.dataset.state, view.dataset.transport];
let last = String(now());
new MutationObserver(() => {
  if (String(now()) !== last) diary.push(now());  // an attribute may be set to the same value again
  last = String(now());
}).observe(view, {attributeFilter: ['data-state', 'data-transport']});
let frames = view.dataset.frames, at = performance.now();
const look = () => {
  const time = performance.now();
  if (view.dataset.frames !== frames) {
    if (time - at > 5000) diary.push(`nothing for ${time - at} ms`);
    frames = view.dataset.frames; at = time;
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


def test_a_lost_transport_is_replaced_and_used_again_without_a_break(lab: Lab, page: Page, space: OpenSpace) -> None:
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
    wait_for(lambda: stream.frames() > seen + 30, what="frames continue")
    assert page.evaluate("diary") == [["live", "webrtc"]], "the video never stopped, and the chip stayed empty"
    space.time.pause()
    steers(stream, space)
    assert not stream.problems


@pytest.mark.parametrize(("allowed", "transport"), [(["images"], "images"), (["websocket"], "websocket")])
def test_a_page_may_choose_its_transports(
    lab: Lab, page: Page, space: OpenSpace, allowed: list[str], transport: str
) -> None:
    page.add_init_script(f"globalThis.__openspaceTransports = {json.dumps(allowed)};")
    stream = Stream(page, lab, space)
    stream.live(transport)
    steers(stream, space)


def test_the_statistics_name_the_transport_and_the_stages(lab: Lab, page: Page, space: OpenSpace) -> None:
    page.add_init_script(NO_WEBRTC)
    stream = Stream(page, lab, space)
    stream.live("websocket")
    page.mouse.move(500, 300)
    page.get_by_role("button", name="Statistics").click()
    space.time.play()
    panel = stream.view.locator(".osw-stats")
    wait_for(lambda: "H.264 (WebCodecs)" in panel.inner_text(), what="the codec")
    for stage in ("Draw", "Encode", "Queue", "Network", "Jitter buffer", "Decode", "Present"):
        assert stage in panel.inner_text()


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


def test_on_a_congested_network_lost_packets_are_not_requested_again(lab: Lab, page: Page, space: OpenSpace) -> None:
    page.add_init_script(LOSSY)
    stream = Stream(page, lab, space)
    stream.live("webrtc")
    space.time.rate = 3600
    space.time.play()
    assert page.evaluate(ASKS)
    page.evaluate("lossy = true")
    wait_for(lambda: not page.evaluate(ASKS), what="retransmission stops")
    page.evaluate("lossy = false")
    seen = stream.frames()
    wait_for(lambda: stream.frames() > seen + 10, what="frames continue")
    wait_for(lambda: page.evaluate(ASKS), what="retransmission starts again")
    space.time.pause()
    steers(stream, space)
    assert page.evaluate("peers.length") == 1
    assert stream.of("data-transport") == "webrtc"
    assert not stream.problems
