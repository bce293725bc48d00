"""The media socket in a real Chromium: H.264 through WebCodecs, images through ``createImageBitmap``."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from playwright.async_api import async_playwright

from tests.instance.harness import SECRET, join_message, run, running
from tests.instance.transports.bridge import serve

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PAGE = """<!doctype html><canvas id="c" width="512" height="32"></canvas><script>
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
window.watch = async (mode, inputs) => {
  const socket = new WebSocket(location.href.replace('http', 'ws') + 'ws/media');
  socket.binaryType = 'arraybuffer';
  const context = document.getElementById('c').getContext('2d', {willReadFrequently: true});
  const result = {shown: 0, latencies: [], sizes: [], seqs: [], hello: null, errors: []};
  let finish, sentAt = 0, seq = 0, waiting = true;
  const done = new Promise((resolve) => { finish = resolve; });
  const steer = () => {
    seq += 1; sentAt = performance.now(); waiting = true;
    socket.send(JSON.stringify({type: 'input', seq, held: true, axes: {orbitX: seq / 50}}));
  };
  const show = (picture, width, height) => {
    context.drawImage(picture, 0, height - 32, 512, 32, 0, 0, 512, 32);
    picture.close();
    const pixels = context.getImageData(0, 24, 512, 1).data;
    let read = 0;
    for (let bit = 0; bit < 32; bit++) read = read * 2 + (pixels[(bit * 16 + 8) * 4] > 128 ? 1 : 0);
    result.shown += 1; result.sizes.push([width, height]); result.seqs.push(read);
    if (waiting && read === seq) {
      waiting = false;
      if (seq) result.latencies.push(performance.now() - sentAt);
      if (seq >= inputs) { socket.close(); finish(); } else setTimeout(steer, 60);
    }
  };
  const decoder = mode === 'h264' && new VideoDecoder({
    output: (frame) => show(frame, frame.displayWidth, frame.displayHeight),
    error: (error) => { result.errors.push(String(error)); finish(); },
  });
  if (decoder) decoder.configure({codec: 'avc1.42e01f', optimizeForLatency: true});
  socket.onmessage = async ({data}) => {
    if (typeof data === 'string') {
      const message = JSON.parse(data);
      if (message.type === 'hello') result.hello = message;
      if (message.type === 'error') result.errors.push(message.reason);
      return;
    }
    const view = new DataView(data);
    const [kind, flags, start] = [view.getUint8(4), view.getUint8(5), view.getUint16(6, true)];
    const number = view.getUint32(12, true);
    const bytes = new Uint8Array(data, start);
    if (kind === 1) {
      decoder.decode(new EncodedVideoChunk({
        type: flags & 1 ? 'key' : 'delta', timestamp: view.getFloat64(16, true), data: bytes,
      }));
    } else {
      const type = kind === 2 ? 'image/jpeg' : 'image/webp';
      const bitmap = await createImageBitmap(new Blob([bytes], {type}));
      show(bitmap, bitmap.width, bitmap.height);
    }
    socket.send(JSON.stringify({type: 'ack', number}));
  };
  socket.onopen = () => socket.send(JSON.stringify({type: 'media', mode, format: 'jpeg'}));
  await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 12000))]);
  result.median = median(result.latencies);
  return result;
};
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize("mode", ["h264", "images"])
def test_a_browser_shows_what_the_socket_brings(mode: str) -> None:
    async def scenario() -> None:
        async with running(stamp=True, width=1280, height=720) as instance, async_playwright() as playwright:
            server, address = serve(PAGE, instance.port, SECRET, join_message())
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = await browser.new_page()
            await page.goto(address)
            result: dict[str, Any] = await page.evaluate("([mode, inputs]) => watch(mode, inputs)", [mode, 20])
            await browser.close()
            server.stop()
            print({**result, "hello": None, "sizes": None})
            assert not result["errors"]
            assert result["hello"]["role"] == "controller"
            assert len(result["latencies"]) == 20
            assert result["sizes"][-1] == [1280, 720]
            assert result["seqs"] == sorted(result["seqs"])

    run(scenario())
