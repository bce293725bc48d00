"""The published signaling dialect on the gateway's port: hosts, viewers, calls, and what real hosts must not hear."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from playwright.async_api import async_playwright
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from openspace_server.protocols import published_signaling as published
from openspace_server.render_host.host import RenderHost
from openspace_server.render_host.settings import INSTANCE_COMMAND, Timings
from tests.helpers import until
from tests.render_host.helpers import WAIT, command, host, start_running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OFFER, ANSWER = "v=0 the offer", "v=0 the answer"


class Peer:
    """A host or a viewer, which says what the published ones say."""

    def __init__(self, socket: Any, id: int) -> None:
        self.socket, self.id = socket, id

    async def say(self, type: str, content: object) -> None:
        await self.socket.send(json.dumps({"type": type, "caller_id": self.id, "content": content}))

    async def sdp(self, type: str, sdp: str) -> None:
        await self.say("SDP", {"sdp": {"type": type, "sdp": sdp}})

    async def ice(self, number: int, index: object = 0) -> None:
        await self.say("ICE", {"ice": {"candidate": f"candidate:{number}", "sdpMLineIndex": index}})

    async def hear(self) -> Any:
        """The next message: JSON decoded, other texts as they are."""
        text = await asyncio.wait_for(self.socket.recv(), WAIT)
        return json.loads(text) if text.startswith("{") else text

    async def closed(self) -> None:
        await asyncio.wait_for(self.socket.wait_closed(), WAIT)


@contextlib.asynccontextmanager
async def registered(running: RenderHost, id: int) -> AsyncIterator[Peer]:
    """A peer that has registered; a host has asked for its session, too."""
    async with websockets.connect(f"ws://127.0.0.1:{running.gateway_port}/", compression=None) as socket:
        peer = Peer(socket, id)
        await peer.say("REGISTER", "null" if id < 100 else {"content": None})
        if id < 100:
            await peer.say("SESSION", 100 + id)
        assert await peer.hear() == "REGISTER"
        yield peer


def test_a_host_is_called_when_its_viewer_comes_and_hears_only_what_it_waits_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running, registered(running, 3) as streaming:
            async with registered(running, 103) as viewer:
                assert await streaming.hear() == "SESSION_OK"
                await viewer.sdp("answer", "too early")
                await viewer.ice(1)
                await streaming.sdp("offer", OFFER)
                offer = {"type": "SDP", "caller_id": 3, "content": {"sdp": {"type": "offer", "sdp": OFFER}}}
                assert await viewer.hear() == offer
                await streaming.ice(7)
                assert (await viewer.hear())["content"]["ice"]["candidate"] == "candidate:7"
                await viewer.sdp("offer", "hosts take none")
                await viewer.socket.send("no JSON")
                await viewer.ice(2, index=-1)
                await viewer.say("ICE", {"ice": {"sdpMLineIndex": 0}})
                await viewer.sdp("answer", ANSWER)
                await viewer.sdp("answer", "again")
                await viewer.ice(3)
                answer = {"type": "SDP", "caller_id": 103, "content": {"sdp": {"type": "answer", "sdp": ANSWER}}}
                assert await streaming.hear() == answer, "one answer, after the offer"
                numbers = [(await streaming.hear())["content"]["ice"]["candidate"] for _ in range(2)]
                assert numbers == ["candidate:1", "candidate:3"], "candidates only after the answer, none without parts"
            await streaming.closed()  # so that it begins anew, as real ones do

    asyncio.run(scenario())


def test_the_last_viewer_gets_the_one_stream_and_requests_of_who_left_are_forgotten(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            async with registered(running, 0):
                pass
            async with registered(running, 100) as first, registered(running, 0) as streaming:
                assert await streaming.hear() == "SESSION_OK"
                async with registered(running, 100) as second:
                    assert await first.hear() == (
                        "ERROR another viewer has taken over: this OpenSpace streams to one viewer only"
                    )
                    await streaming.closed()
                    async with registered(running, 0) as again:
                        assert await again.hear() == "SESSION_OK"
                        await again.sdp("offer", OFFER)
                        assert (await second.hear())["type"] == "SDP"
                    assert await second.hear() == "ERROR the OpenSpace that streams has disconnected"

    asyncio.run(scenario())


@pytest.mark.process
def test_our_views_watch_a_host_in_our_own_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path, secret="sesame", published=True) as running:
            await command(
                running.port,
                {"command": "START", "session": "mine", "token": "t"},
                additional_headers={"Authorization": "Bearer sesame"},
            )
            async with registered(running, 0) as streaming:
                url = f"ws://127.0.0.1:{running.gateway_port}/signaling"
                async with websockets.connect(url, compression=None) as view:
                    join = {"type": "join", "session": "mine", "role": "controller", "viewer": "v", "token": "t"}
                    await until(lambda: running.slots[0].state == "RUNNING", "RUNNING")
                    await view.send(json.dumps(join))
                    assert await streaming.hear() == "SESSION_OK"
                    await streaming.sdp("offer", OFFER)
                    assert json.loads(await view.recv()) == {"type": "offer", "sdp": OFFER}
                    await view.send(json.dumps({"type": "ice-candidate", "candidate": None}))
                    await view.send(json.dumps({"type": "answer", "sdp": ANSWER}))
                    assert (await streaming.hear())["content"]["sdp"]["sdp"] == ANSWER
                    # a second view is no rival: the instance itself serves it
                    async with websockets.connect(url, compression=None) as other:
                        await other.send(json.dumps(join))
                        assert json.loads(await other.recv())["type"] == "join"
                await streaming.closed()
            async with websockets.connect(f"ws://127.0.0.1:{running.gateway_port}/") as stranger:
                await Peer(stranger, 100).say("REGISTER", {"content": None})
                assert await stranger.recv() == (
                    "ERROR instance 0 belongs to a session that can be watched in its owner's pages only"
                )

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ({"type": "SESSION", "content": 100, "caller_id": 0}, "expected REGISTER as the first message, got SESSION"),
        ({"type": "REGISTER", "content": "null", "caller_id": "0"}, "caller_id: expected an integer from 0 to 199"),
    ],
)
def test_what_is_no_beginning_is_refused(tmp_path: Path, first: dict[str, Any], reason: str) -> None:
    async def scenario() -> None:
        async with (
            host(tmp_path) as running,
            websockets.connect(f"ws://127.0.0.1:{running.gateway_port}/") as socket,
        ):
            await socket.send(json.dumps(first))
            assert reason in await socket.recv()

    asyncio.run(scenario())


def test_a_host_with_a_secret_speaks_it_only_when_told_to(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            host(tmp_path, secret="sesame") as running,
            websockets.connect(f"ws://127.0.0.1:{running.gateway_port}/") as socket,
        ):
            await socket.send(json.dumps({"type": "REGISTER", "content": "null", "caller_id": 0}))
            assert await socket.recv() == (
                "ERROR the published signaling dialect is disabled on this host, because it has no secrets: "
                "start the host with --published-signaling"
            )

    asyncio.run(scenario())


def test_the_web_gui_gets_at_least_six_candidates_from_any_offer() -> None:
    sdp = "v=0\r\nm=video 9 x 96\r\na=candidate:1 1 udp 1 h 1 typ host\r\nm=application 9 y z\r\na=mid:1\r\n"
    found = published.candidates_of(sdp)
    assert len(found) == 6
    assert found[0] == {"candidate": "candidate:1 1 udp 1 h 1 typ host", "sdpMLineIndex": 0}


# What the published web GUI's stream view does, step by step, in words of our own.
PAGE = """<!doctype html><video id="remote-video" autoplay muted playsinline></video><script>
window.watch = (url, id) => new Promise((resolve) => {
  const result = {errors: [], candidates: 0, width: 0, frames: 0, channels: 0};
  const caller_id = 100 + id;
  const socket = new WebSocket(url);
  const say = (type, content) => socket.send(JSON.stringify({type, content, caller_id}));
  const peer = new RTCPeerConnection();
  const dummy = document.createElement('canvas');
  [dummy.width, dummy.height] = [320, 240];
  dummy.getContext('2d').fillRect(0, 0, 320, 240);
  for (const track of dummy.captureStream().getTracks()) peer.addTrack(track);
  const own = [];
  let answered = false;
  peer.onicecandidate = ({candidate}) => {
    if (answered) say('ICE', {ice: candidate}); else own.push(candidate);
  };
  peer.ondatachannel = () => { result.channels += 1; };
  const video = document.getElementById('remote-video');
  peer.ontrack = ({streams, track}) => { video.srcObject = streams[0] || new MediaStream([track]); };
  const count = () => {
    result.frames += 1;
    [result.width, result.height] = [video.videoWidth, video.videoHeight];
    if (result.frames >= 5) resolve(result); else video.requestVideoFrameCallback(count);
  };
  video.requestVideoFrameCallback(count);
  const consider = async () => {
    if (answered || !peer.remoteDescription || result.candidates < 6) return;
    answered = true;
    const answer = await peer.createAnswer();
    await peer.setLocalDescription(answer);
    say('SDP', {sdp: answer});
    for (const candidate of own) say('ICE', {ice: candidate});
  };
  socket.onopen = () => say('REGISTER', {content: null});
  socket.onmessage = async ({data}) => {
    if (data === 'REGISTER') return;
    if (data.startsWith('ERROR')) { result.errors.push(data); socket.close(); return resolve(result); }
    const {type, content} = JSON.parse(data);
    if (type === 'SDP') await peer.setRemoteDescription(content.sdp);
    if (type === 'ICE') { result.candidates += 1; peer.addIceCandidate(content.ice).catch(() => {}); }
    await consider();
  };
  setTimeout(() => resolve(result), 15000);
});
</script>"""


class _Page(RequestHandler):
    def get(self) -> None:
        self.write(PAGE)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_the_published_web_gui_watches_our_instance(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = HTTPServer(Application([("/", _Page)]))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        page_url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        options = {"instance_command": INSTANCE_COMMAND, "timings": Timings(stop=4.0)}
        async with (
            host(tmp_path, allowed_origins=frozenset({page_url}), width=640, height=360, **options) as running,
            async_playwright() as playwright,
        ):
            await start_running(running.port, "")
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = await browser.new_page()
            await page.goto(page_url)
            gateway = f"ws://127.0.0.1:{running.gateway_port}/"
            watching = asyncio.create_task(page.evaluate("([url, id]) => watch(url, id)", [gateway, 0]))
            result = await asyncio.wait_for(watching, 30)
            await browser.close()
            assert not result["errors"]
            assert result["candidates"] >= 6
            assert (result["width"], result["height"]) == (640, 360)
        server.stop()

    asyncio.run(scenario())
