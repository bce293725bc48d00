"""From reloading the stream page of a running session to its live picture, in a real Chromium, and where the time goes.

    python -m benchmarks.reload [--reloads 20] [--transport webrtc|websocket|images]

Times are the page's own, from the start of its navigation; ``live`` is said after a frame was presented.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.harness import options
from benchmarks.harness.report import median, percentile, publish
from tests.e2e.lab import CHROMIUM, CHROMIUM_OPTIONS, start_server, stop_server
from tests.e2e.stream import started
from tests.helpers import wait_for

BOUND_MS = 500.0
STAGES = ("script", "view", "session known", "offer", "connected", "track", "live")

DIARY = """
if (%(allowed)s) globalThis.__openspaceTransports = %(allowed)s;
window.diary = {};
const note = (what) => { window.diary[what] ??= performance.now(); };
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(url) {
    super(url);
    note('script');
    this.addEventListener('message', ({data}) => {
      if (url.endsWith('/events')) note('session known');
      if (typeof data === 'string' && data.includes('"offer"')) note('offer');
    });
  }
};
const Peer = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Peer {
  constructor(...options) {
    super(...options);
    this.addEventListener('connectionstatechange', () => {
      if (this.connectionState === 'connected') note('connected');
    });
    this.addEventListener('track', () => note('track'));
  }
};
const look = () => {
  const view = document.querySelector('.osw-view');
  if (view) note('view');
  if (view?.dataset.state === 'live') note('live'); else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def reload_once(page: Page) -> dict[str, float]:
    page.reload()
    wait_for(lambda: page.evaluate("window.diary?.live !== undefined"), "the live picture", 30)
    diary: dict[str, float] = page.evaluate("window.diary")
    return diary


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--reloads", type=int, default=20)
    parser.add_argument("--transport", choices=("webrtc", "websocket", "images"), default="")
    chosen = options.parse(parser, reloads=1)
    settings = ["--ServerApp.jpserver_extensions=openspace_server=True"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = start_server(Path(folder) / "server", "jupyter_server", "", "ServerApp", settings)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        try:
            with started(lab) as space:
                page = browser.new_page(viewport={"width": 1280, "height": 720})
                allowed = json.dumps([chosen.transport] if chosen.transport else None)
                page.add_init_script(DIARY % {"allowed": allowed})
                page.goto(f"{lab.url}openspace/stream/{space.session}?token={lab.token}")
                wait_for(lambda: page.evaluate("window.diary.live !== undefined"), "the first picture", 30)
                diaries = [reload_once(page) for _ in range(chosen.reloads)]
        finally:
            browser.close()
            stop_server(lab)
    report(diaries, chosen.transport or "webrtc")


def report(diaries: list[dict[str, float]], transport: str) -> None:
    figures, rows = {}, []
    for stage in STAGES:
        times = [diary[stage] for diary in diaries if stage in diary]
        if times:
            figures[stage] = {"median_ms": round(median(times), 1), "p95_ms": round(percentile(times, 95), 1)}
            bound = f"≤ {BOUND_MS:.0f} ms" if stage == "live" else ""
            rows.append((stage, f"{median(times):.0f} / {percentile(times, 95):.0f} ms", bound))
    rows[-1] = (f"live over {transport}", *rows[-1][1:])
    publish("reload", rows, {"transport": transport, "reloads": len(diaries), "stages": figures})


if __name__ == "__main__":
    main()
