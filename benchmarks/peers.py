"""Ours beside its peers in one run: motion to photon, frames per second, processor time, bits and likeness.

    python -m benchmarks.peers [--quick] [--cheap] [--only webrtc aiortc-h264 ...]

Every sender draws the same scene with the same engine at 1280x720 and is steered by the same drag in one Chromium:
ours over WebRTC, over the WebSocket with WebCodecs and as images; stock aiortc as its documentation has it (H.264, and
VP8, its default); jupyter_rfb in the same JupyterLab; a GStreamer webrtcbin sender, where Debian's packages are there.
Each picture carries a bar code of frame and input, which the page reads back whenever a picture is presented.
With ``--cheap`` all draw a noisy patch that slides, which takes a millisecond: what is left is the stream's own road.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from benchmarks.harness import options
from benchmarks.harness.report import median, percentile, publish
from benchmarks.senders import others, ours
from benchmarks.senders.measure import Plan, System, measure
from benchmarks.senders.scene import ENGINE
from tests.e2e.lab import CHROMIUM, CHROMIUM_OPTIONS

ROOT = Path(__file__).parents[1]

SYSTEMS: dict[str, Callable[[Path], Any]] = {
    "webrtc": ours.webrtc,
    "websocket": ours.websocket,
    "images": ours.images,
    "aiortc-h264": others.aiortc_h264,
    "aiortc-vp8": others.aiortc_vp8,
    "gstreamer": others.gstreamer,
    "jupyter-rfb": others.jupyter_rfb,
}
CHEAP = "tests.instance.engines:MovingEngine"
BOUNDS = {"webrtc": "<= 20 / 40", "websocket": "<= 25 / 45"}


HEADINGS = (
    "sender",
    "single input, ms",
    "while dragging, ms",
    "pictures/s",
    "Mbit/s",
    "SSIM",
    "sender CPU %",
    "servers CPU %",
    "browser CPU %",
    "bound, ms",
)


def row(system: str, figures: dict[str, Any]) -> tuple[str, ...]:
    def times(which: str) -> str:
        return f"{median(figures[which]):.0f} / {percentile(figures[which], 95):.0f}"

    cpu = figures["percent_of_a_core"]
    return (
        figures["name"],
        times("input_to_pixel_ms"),
        times("input_to_pixel_dragging_ms"),
        f"{figures['frames_per_second']:.1f}",
        f"{figures['bit_rate'] / 1e6:.1f}",
        f"{median(figures['ssim']):.3f}",
        *(f"{cpu[role]:.0f}" if role in cpu else "" for role in ("sender", "servers", "browser")),
        BOUNDS.get(system, ""),
    )


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--quick", action="store_true", help="about two minutes in place of five")
    parser.add_argument("--only", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--cheap", action="store_true", help="a picture that is drawn in a millisecond, for the road")
    chosen = options.parse(parser)
    if chosen.cheap:
        path = os.pathsep.join([str(ROOT / "server_ext"), str(ROOT), os.environ.get("PYTHONPATH", "")])
        os.environ |= {ENGINE: CHEAP, "OPENSPACE_TEST_ENGINES": "1", "PYTHONPATH": path}
    plan = Plan(inputs=3, seconds=1) if chosen.smoke else Plan(inputs=25, seconds=4) if chosen.quick else Plan()
    figures: dict[str, Any] = {}
    missing: dict[str, str] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        for name in chosen.only:
            with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
                try:
                    with SYSTEMS[name](Path(folder)) as system:
                        assert isinstance(system, System)
                        figures[name] = measure(browser, system, plan)
                except (others.Missing, PlaywrightError, AssertionError) as problem:
                    if chosen.smoke and not isinstance(problem, others.Missing):
                        raise
                    missing[name] = str(problem).splitlines()[0]
                    print(f"{name}: {problem}", file=sys.stderr)
                else:
                    print(row(name, figures[name]), file=sys.stderr)
        browser.close()
    rows = [row(name, figure) for name, figure in figures.items()]
    print("\nInput to presented pixel: median / 95th percentile. CPU in percent of a core.")
    publish("peers_cheap" if chosen.cheap else "peers", rows, {"systems": figures, "missing": missing}, HEADINGS)
    stock = figures.get("aiortc-h264")
    if stock and "webrtc" in figures:
        part = median(figures["webrtc"]["input_to_pixel_ms"]) / median(stock["input_to_pixel_ms"])
        print(f"ours over WebRTC: {part:.2f} of stock aiortc's median (bound: 0.33)")
    for name, why in missing.items():
        print(f"{name} was not measured: {why}")


if __name__ == "__main__":
    main()
