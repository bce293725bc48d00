"""The view behind a bad network: pictures per second, longest freeze and bits on each rung of the transport ladder.

    python -m benchmarks.network [--quick] [--rungs webrtc websocket images] [--only loss-5 step]

A real Jupyter server and the real stream page in Chromium, at 1280x720 and 30 per second, the Earth turning. Relays in
user space lose, delay, jitter and narrow all that goes from the server to the browser, over UDP and over TCP. The view
may change the rung, as it does for users; told is the one that it ended on.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.harness import options
from benchmarks.harness.report import publish
from benchmarks.harness.tcp_relay import TcpRelay
from benchmarks.harness.udp_relay import Conditions, UdpRelay
from benchmarks.senders.measure import PROBE
from benchmarks.senders.ours import RUNGS, Served, serving
from openspace_widget.client.event_loop import background
from tests.e2e.lab import CHROMIUM, CHROMIUM_OPTIONS

SETTLING = 3.0
"""Seconds before a measurement begins."""
TURNING = 6000
"""Simulated seconds per second."""
STEPS = (5e6, 0.5e6, 5e6)
SCENARIOS: dict[str, Conditions] = {
    "loss-0": Conditions(delay=0.05),
    "loss-1": Conditions(delay=0.05, loss=0.01),
    "loss-5": Conditions(delay=0.05, loss=0.05),
    "loss-10": Conditions(delay=0.05, loss=0.10),
    "jitter-0": Conditions(delay=0.01),
    "jitter-30": Conditions(delay=0.01, jitter=0.03),
    "jitter-100": Conditions(delay=0.01, jitter=0.1),
    "round-trip-20": Conditions(delay=0.01),
    "round-trip-100": Conditions(delay=0.05),
    "round-trip-200": Conditions(delay=0.1),
    "step": Conditions(delay=0.02),
}
SAME = {"jitter-0": "round-trip-20", "loss-0": "round-trip-100"}
"""Not measured twice."""
QUICK = ("round-trip-100", "loss-5", "step")
BOUNDS = {"loss-5": ">= 24/s, <= 500 ms", "step": "<= 2000 ms"}

# The instance's address in the offer is replaced by the relay's, and the browser's own is not told.
DETOUR = """
if (window.RTCPeerConnection) {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
    const lines = description.sdp.split('\\r\\n');
    const [, , , , host, port] = lines.find((line) => / udp /i.test(line) && line.includes('a=candidate')).split(' ');
    const front = await window.leadTo(host, Number(port));
    const sdp = lines.flatMap((line) => line.startsWith('a=candidate') ? [] : line === 'a=end-of-candidates'
      ? ['a=candidate:1 1 udp 2130706431 127.0.0.1 ' + front + ' typ host', line] : [line]).join('\\r\\n');
    return set.call(this, {type: 'offer', sdp});
  };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data !== 'string' || !data.startsWith('{"type":"ice-candidate"')) send.call(this, data);
  };
}
"""


def judged(shown: list[float], begin: float, end: float) -> dict[str, float]:
    """Pictures per second and the longest time without one, in milliseconds, of times in seconds."""
    inside = [begin, *(at for at in shown if begin <= at <= end), end]
    longest = max(b - a for a, b in itertools.pairwise(inside))
    return {"frame_rate": (len(inside) - 2) / (end - begin), "longest_freeze_ms": longest * 1e3}


class Road:
    """Both relays, under the same conditions."""

    def __init__(self, served: Served) -> None:
        at = urlsplit(served.url)
        assert at.port is not None
        self.udp, self.tcp = UdpRelay(Conditions()), TcpRelay(Conditions(), at.port)
        background().run(self.udp.listen())
        self.url = at._replace(netloc=f"127.0.0.1:{background().run(self.tcp.listen())}").geturl()

    def become(self, conditions: Conditions) -> None:
        self.udp.conditions = self.tcp.conditions = conditions

    def close(self) -> None:
        async def close() -> None:
            self.udp.close()
            await self.tcp.close()

        background().run(close())


@contextlib.contextmanager
def watching(browser: Browser, served: Served, road: Road, rung: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.expose_function("leadTo", road.udp.lead_to)
    for script in (*RUNGS[rung], PROBE, DETOUR):
        page.add_init_script(script)
    page.goto(served.page(road.url))
    page.locator(f".osw-view[data-state=live][data-transport={rung}]").wait_for(timeout=30_000)
    try:
        yield page
    finally:
        page.close()


def watch(browser: Browser, served: Served, rung: str, name: str, seconds: float) -> list[dict[str, Any]]:
    """The parts of one scenario, each of so many seconds."""
    road = Road(served)
    conditions = SCENARIOS[name]
    plan = [replace(conditions, bandwidth=rate) for rate in STEPS] if name == "step" else [conditions]
    parts = []
    try:
        with watching(browser, served, road, rung) as page:
            road.become(plan[0])
            page.wait_for_timeout(SETTLING * 1e3)
            for part in plan:
                road.become(part)
                begin, before = time.time(), page.evaluate("probe.received()")
                page.wait_for_timeout(seconds * 1e3)
                end, after = time.time(), page.evaluate("probe.received()")
                shown = [at / 1e3 for at in page.evaluate("probe.times")]
                parts.append(
                    {
                        **judged(shown, begin, end),
                        "bit_rate": (after - before) * 8 / (end - begin),
                        "bandwidth": part.bandwidth,
                        "rung": page.locator(".osw-view").get_attribute("data-transport") or "none",
                    }
                )
    finally:
        road.close()
    return parts


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="length of each measurement")
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)} only, 5 s each")
    parser.add_argument("--rungs", nargs="+", choices=list(RUNGS), default=list(RUNGS))
    parser.add_argument("--only", nargs="+", choices=list(SCENARIOS), default=[n for n in SCENARIOS if n not in SAME])
    chosen = options.parse(parser, seconds=1, only=["loss-5"])
    names, seconds = (QUICK, 5.0) if chosen.quick else (chosen.only, chosen.seconds)
    figures: dict[str, dict[str, Any]] = {}
    with sync_playwright() as playwright, serving() as served:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        served.space.time.rate = TURNING
        served.space.time.play()
        for rung, name in itertools.product(chosen.rungs, names):
            try:
                figures.setdefault(rung, {})[name] = watch(browser, served, rung, name, seconds)
                print(rung, name, figures[rung][name], file=sys.stderr)
            except Exception as problem:
                if chosen.smoke:
                    raise
                print(f"{rung}, {name}: {problem}", file=sys.stderr)
        browser.close()
    rows = []
    for rung, scenarios in figures.items():
        for name, parts in scenarios.items():
            for part in parts:
                label = name if part["bandwidth"] is None else f"{name} to {part['bandwidth'] / 1e6:g} Mbit/s"
                measured = (
                    f"{part['frame_rate']:.1f}",
                    f"{part['longest_freeze_ms']:.0f}",
                    f"{part['bit_rate'] / 1e6:.2f}",
                )
                rows.append((rung, label, *measured, part["rung"], BOUNDS.get(name, "")))
    headings = ("began on", "network", "pictures/s", "longest freeze, ms", "Mbit/s", "ended on", "bound")
    publish("network", rows, {"rungs": figures, "same": SAME}, headings)


if __name__ == "__main__":
    main()
