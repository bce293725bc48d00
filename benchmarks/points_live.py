"""Live video and input while a million points come four times a second, in a real Chromium.

    python -m benchmarks.points_live [--seconds 15] [--inputs 40] [--websocket]

As ``main_road.py`` measures them: frames presented per second while the camera moves, and from input to pixel; before
points come, while they lie there, and while they come, through shared memory or, as from another machine, over the
bulk WebSocket.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.harness import options
from benchmarks.harness.points_carriers import elsewhere, frame
from benchmarks.harness.report import median, percentile, publish
from benchmarks.main_road import LIVE, PROBE, SIZE, WATCH, Drag, lab_server, stamped_host
from openspace_widget import OpenSpace
from openspace_widget.client import bulk_socket
from tests.e2e.lab import CHROMIUM, CHROMIUM_OPTIONS


def look(page: Page, seconds: float, inputs: int) -> dict[str, Any]:
    """Frames per second and milliseconds from input to pixel of the view as it is."""
    page.evaluate("window.probe.latencies = []; window.probe.sent.clear(); window.reading = true")
    with Drag(page) as drag:
        for n in range(inputs):
            drag.move()
            page.wait_for_timeout(180 + 7 * (n % 9))
        latencies = page.evaluate("window.probe.latencies")
        page.evaluate("window.reading = false")
        shown, began = page.evaluate("window.probe.presented"), time.monotonic()
        while time.monotonic() < began + seconds:
            drag.move()
            page.wait_for_timeout(8)
        rate = (page.evaluate("window.probe.presented") - shown) / (time.monotonic() - began)
    return {"frames_per_second": rate, "input_to_pixel_ms": latencies}


def figures(seconds: float, inputs: int) -> dict[str, Any]:
    """Everything, with 1280x720 on the stream page."""
    with (
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as folder,
        stamped_host(Path(folder)) as (address, secret),
        lab_server([f"--OpenSpaceExtension.hosts={address}", f"--OpenSpaceExtension.host_secret={secret}"]) as lab,
    ):
        space = OpenSpace(url=f"{lab.url}?token={lab.token}").wait()
        space.resolution = SIZE
        space.time.pause()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.add_init_script(PROBE)
        page.goto(f"{lab.url}openspace/stream/{space.session}?token={lab.token}")
        page.wait_for_function(LIVE, timeout=30_000)
        page.evaluate(WATCH)
        told: dict[str, Any] = {"no points": look(page, seconds, inputs)}
        xyz = frame() * 15e3
        points = space.add_points("points", xyz, unit="km", parent="Earth")
        told["a million points"] = look(page, seconds, inputs)
        ending = threading.Event()

        def endless() -> Any:
            while not ending.is_set():
                yield xyz

        playing = threading.Thread(target=lambda: told.update(played=vars(points.play(endless(), hz=4))))
        playing.start()
        told["a million points at 4 Hz"] = look(page, seconds, inputs)
        ending.set()
        playing.join()
        browser.close()
        space.close()
        return told


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="length of each measurement of frames")
    parser.add_argument("--inputs", type=int, default=40, help="inputs whose way to the screen is timed")
    parser.add_argument("--websocket", action="store_true", help="as if the kernel ran on another machine")
    chosen = options.parse(parser, seconds=1, inputs=3)
    if chosen.websocket:
        bulk_socket.share = elsewhere
    told = figures(chosen.seconds, chosen.inputs)
    rows = []
    for name in ("no points", "a million points", "a million points at 4 Hz"):
        bound = ">= 20" if name.endswith("Hz") else ""
        rows.append((f"{name}: frames per second, camera moving", f"{told[name]['frames_per_second']:.1f}", bound))
        latency = told[name]["input_to_pixel_ms"]
        rows.append((f"{name}: input to pixel, median ms", f"{median(latency):.0f}", ""))
        rows.append((f"{name}: input to pixel, p95 ms", f"{percentile(latency, 95):.0f}", ""))
    played = told["played"]
    rows.append(("frames of points taken", f"{played['shown']} of {played['frames']}, {played['hz']:.2f} Hz", "4 Hz"))
    publish("points_live", rows, told)


if __name__ == "__main__":
    main()
