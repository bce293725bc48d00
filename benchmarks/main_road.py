"""The main road, measured in a real Chromium: start, frames per second, processor time, input to pixel, ``frame()``.

    python -m benchmarks.main_road [--seconds 10] [--inputs 60]

Input to pixel is measured without a camera: the instance paints a bar code (frame id and last input) into each picture,
the page notes when it sends each input and reads the bar code back whenever the compositor presents a frame.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.harness import options
from benchmarks.harness.report import median, percentile, publish
from openspace_widget import OpenSpace
from openspace_widget.client.event_loop import background
from tests.e2e.lab import CHROMIUM, CHROMIUM_OPTIONS, Lab, Sheet, start_server, stop_server
from tests.helpers import wait_for

SIZE = (1280, 720)

# Notes when each input leaves, and reads the bar code (see streaming/stamp.py) of each presented frame.
PROBE = """
window.probe = {sent: new Map(), latencies: [], presented: 0};
const send = RTCDataChannel.prototype.send;
RTCDataChannel.prototype.send = function (data) {
  if (this.label === 'input') {
    const seq = JSON.parse(data).seq;
    window.probe.sent.set(seq, performance.now());
  }
  return send.call(this, data);
};
window.watch = (video, read) => {
  const canvas = new OffscreenCanvas(512, 16);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const seen = () => {
    const now = performance.now();
    window.probe.presented += 1;
    if (read()) {
      context.drawImage(video, 0, video.videoHeight - 16, 512, 16, 0, 0, 512, 16);
      const pixels = context.getImageData(0, 8, 512, 1).data;
      let seq = 0;
      for (let bit = 0; bit < 32; bit++) seq = seq * 2 + (pixels[(bit * 16 + 8) * 4] > 128 ? 1 : 0);
      for (const [sent, at] of window.probe.sent) {
        if (sent <= seq) { window.probe.latencies.push(now - at); window.probe.sent.delete(sent); }
      }
    }
    video.requestVideoFrameCallback(seen);
  };
  video.requestVideoFrameCallback(seen);
};
"""

STOPWATCH = """() => {
  const began = (event) => { if (event.key === 'Enter') window.began = performance.now(); };
  window.addEventListener('keydown', began, true);
  const look = () => document.querySelector('.osw-view[data-state="live"]')
    ? (window.took = performance.now() - window.began) : requestAnimationFrame(look);
  look();
}"""
LIVE = "() => document.querySelector('.osw-view')?.dataset.state === 'live'"
WATCH = "window.reading = true; watch(document.querySelector('.osw-view video'), () => window.reading)"


@contextmanager
def stamped_host(folder: Path) -> Iterator[tuple[str, str]]:
    """A render host that paints bar codes; its ``address:port:gateway_port`` and secret."""
    secret = secrets.token_urlsafe(24)
    command = [sys.executable, "-m", "openspace_server.cli", "host", "--port", "0", "--gateway-port", "0"]
    command += ["--api-port", "0", "--announce", "--end-with-stdin", "--stamp", "--log-dir", str(folder)]
    environment = {**os.environ, "OPENSPACE_HOST_SECRET": secret}
    host = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert host.stdin is not None
    assert host.stdout is not None
    ready = json.loads(host.stdout.readline())
    yield f"127.0.0.1:{ready['port']}:{ready['gateway_port']}", secret
    host.stdin.close()
    host.wait(20)


@contextmanager
def lab_server(options: list[str] | None = None) -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as folder:
        lab = start_server(Path(folder), "jupyterlab", "lab/tree/", "LabApp", options or [])
        try:
            yield lab
        finally:
            for session in lab.sessions():
                OpenSpace(session["id"], url=f"{lab.url}?token={lab.token}").close()
            stop_server(lab)


def start_times(browser: Browser, runs: int) -> dict[str, list[float]]:
    """Milliseconds from running the cell with ``OpenSpace()`` to the first presented frame in JupyterLab."""
    times: dict[str, list[float]] = {"cold": [], "running host": []}
    for _ in range(runs):
        with lab_server() as lab:
            for kind in ("cold", "running host"):
                name = f"{kind.replace(' ', '_')}.ipynb"
                cells = ["from openspace_widget import OpenSpace", "space = OpenSpace()\nspace"]
                page = browser.new_page(viewport={"width": 1400, "height": 900})
                sheet = Sheet(page, lab, lab.notebook(name, cells)).open()
                sheet.run(0)
                page.evaluate(STOPWATCH)
                sheet.run(1)
                page.wait_for_function("() => window.took !== undefined", timeout=60_000)
                times[kind].append(page.evaluate("window.took"))
                page.close()
    return times


class Drag:
    """A mouse button held down over the view, moved in small steps by the browser's own input road."""

    def __init__(self, page: Page) -> None:
        self.page = page
        box = page.locator(".osw-view").bounding_box()
        assert box is not None
        self.x, self.y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.step = 0

    def __enter__(self) -> Drag:
        self.page.mouse.move(self.x, self.y)
        self.page.mouse.down()
        return self

    def __exit__(self, *_: object) -> None:
        self.page.mouse.up()

    def move(self) -> None:
        self.step += 1
        self.page.mouse.move(self.x + 3 * (self.step % 100), self.y)


def processor_share(process: psutil.Process, seconds: float, work: Any) -> float:
    """Percent of one core that ``process`` used while ``work(until)`` ran."""

    def used() -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    began, before = time.monotonic(), used()
    work(began + seconds)
    return 100 * (used() - before) / (time.monotonic() - began)


def live_figures(browser: Browser, seconds: float, inputs: int) -> dict[str, Any]:
    """Everything about a live view of 1280x720 on the stream page."""
    with tempfile.TemporaryDirectory() as folder, stamped_host(Path(folder)) as (address, secret):
        options = [f"--OpenSpaceExtension.hosts={address}", f"--OpenSpaceExtension.host_secret={secret}"]
        with lab_server(options) as lab:
            space = OpenSpace(url=f"{lab.url}?token={lab.token}").wait()
            space.resolution = SIZE
            space.time.pause()
            instance = wait_for(instances_of_this_process)[0]
            page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
            page.add_init_script(PROBE)
            page.goto(f"{lab.url}openspace/stream/{space.session}?token={lab.token}")
            page.wait_for_function(
                "() => document.querySelector('.osw-view')?.dataset.state === 'live'", timeout=30_000
            )
            page.evaluate(
                "window.reading = true; watch(document.querySelector('.osw-view video'), () => window.reading)"
            )

            def rest(end: float) -> None:
                page.wait_for_timeout((end - time.monotonic()) * 1000)

            with Drag(page) as drag:
                for n in range(inputs + 5):
                    drag.move()
                    page.wait_for_timeout(180 + 7 * (n % 9))
                latencies = page.evaluate("window.probe.latencies")[5:]
                page.evaluate("window.reading = false")

                def drag_until(end: float) -> None:
                    while time.monotonic() < end:
                        drag.move()
                        page.wait_for_timeout(8)

                drag_until(time.monotonic() + 2)
                shown, began = page.evaluate("window.probe.presented"), time.monotonic()
                moving = processor_share(instance, seconds, drag_until)
                rate = (page.evaluate("window.probe.presented") - shown) / (time.monotonic() - began)
                stats = background().run(space._client.session.ask("stats"))
            page.wait_for_timeout(3000)
            idle = processor_share(
                instance, seconds, lambda end: page.wait_for_timeout((end - time.monotonic()) * 1000)
            )
            space.time.play()
            page.wait_for_timeout(1500)
            real_time = processor_share(instance, seconds, rest)
            browser_stats = page.evaluate("() => document.querySelector('.osw-view').dataset.frames")
            grabs = []
            for _ in range(60):
                began = time.perf_counter()
                picture = space.frame()
                grabs.append(1000 * (time.perf_counter() - began))
            assert picture.shape == (SIZE[1], SIZE[0], 3)
            memory = instance.memory_info().rss / 1e6
            page.close()
            return {
                "input_to_pixel_ms": latencies,
                "frames_per_second": rate,
                "instance_moving_percent": moving,
                "instance_still_percent": idle,
                "instance_real_time_percent": real_time,
                "instance_memory_mb": memory,
                "frame_ms": grabs[5:],
                "frames_presented": browser_stats,
                "stats_while_moving": stats,
            }


def instances_of_this_process() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "openspace_server.instance" in child.cmdline()]


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of each processor measurement")
    parser.add_argument("--inputs", type=int, default=60, help="inputs whose way to the screen is timed")
    parser.add_argument("--starts", type=int, default=3, help="cold starts to time; 0 leaves them out")
    chosen = options.parse(parser, seconds=1, inputs=3, starts=1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        live = live_figures(browser, chosen.seconds, chosen.inputs)
        starts = start_times(browser, chosen.starts)
        browser.close()
    latency, grabs = live["input_to_pixel_ms"], live["frame_ms"]
    rows = [
        ("frames per second in Chromium, camera moving", f"{live['frames_per_second']:.1f}", "30"),
        ("instance, camera moving, % of a core", f"{live['instance_moving_percent']:.1f}", "<= 50"),
        ("instance, nothing moves (paused), % of a core", f"{live['instance_still_percent']:.1f}", "<= 3"),
        ("instance, real time, camera at rest, % of a core", f"{live['instance_real_time_percent']:.1f}", "<= 3"),
        ("instance memory, MB", f"{live['instance_memory_mb']:.0f}", ""),
        ("input to presented pixel, median ms", f"{median(latency):.1f}", "<= 35"),
        ("input to presented pixel, 95th percentile ms", f"{percentile(latency, 95):.1f}", ""),
        ("frame(), median ms", f"{median(grabs):.1f}", "<= 30"),
        ("frame(), 95th percentile ms", f"{percentile(grabs, 95):.1f}", ""),
    ]
    if chosen.starts:
        rows += [
            ("OpenSpace() to first frame, cold, median s", f"{median(starts['cold']) / 1000:.2f}", "<= 3"),
            ("the same on a running host, median s", f"{median(starts['running host']) / 1000:.2f}", "<= 1"),
        ]
    publish("main_road", rows, {**live, "start_ms": starts})


if __name__ == "__main__":
    main()
