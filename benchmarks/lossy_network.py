"""A real Chromium behind a bad network: pictures per second, longest freeze and bits, 1280x720 at 30 per second.

    python benchmarks/lossy_network.py [--seconds 10] [--only loss-5 step]

A relay in user space loses, delays, jitters and narrows the packets from the instance. The page reports what it sees
as the view does, so this measures the adaptation, too.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "server_ext")]

from benchmarks.instances import moving  # noqa: E402
from benchmarks.report import publish  # noqa: E402
from benchmarks.udp_relay import Conditions, UdpRelay  # noqa: E402
from tests.instance.bridge import serve  # noqa: E402
from tests.instance.harness import SECRET, join_message  # noqa: E402

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_OPTIONS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
ENGINE = "benchmarks.engines:NoisyEngine"
SETTLING = 3.0
"""Seconds before a measurement begins."""

PAGE = """<!doctype html><video id="v" autoplay muted playsinline width="640"></video><script>
window.shown = [];
window.connect = async () => {
  const video = document.getElementById('v');
  const seen = (now) => { window.shown.push(Date.now()); video.requestVideoFrameCallback(seen); };
  video.requestVideoFrameCallback(seen);
  const connection = window.connection = new RTCPeerConnection({iceServers: []});
  connection.ontrack = ({track}) => { video.srcObject = new MediaStream([track]); };
  connection.ondatachannel = ({channel}) => { if (channel.label === 'control') window.control = channel; };
  const socket = new WebSocket(location.href.replace('http', 'ws') + 'ws/signaling');
  socket.onmessage = async ({data}) => {
    const message = JSON.parse(data);
    if (message.type !== 'offer') return;
    const lines = message.sdp.split('\\r\\n');
    const [, , , , host, port] = lines.find((line) => / udp /i.test(line) && line.includes('a=candidate')).split(' ');
    const front = await window.leadTo(host, Number(port));
    const sdp = lines.flatMap((line) => line.startsWith('a=candidate') ? [] : line === 'a=end-of-candidates'
      ? ['a=candidate:1 1 udp 2130706431 127.0.0.1 ' + front + ' typ host', line] : [line]).join('\\r\\n');
    await connection.setRemoteDescription({type: 'offer', sdp});
    await connection.setLocalDescription(await connection.createAnswer());
    const answer = connection.localDescription.sdp.split('\\r\\n').filter((line) => !line.startsWith('a=candidate'));
    socket.send(JSON.stringify({type: 'answer', sdp: answer.join('\\r\\n')}));
  };
  let before = null;
  setInterval(async () => {
    let inbound = null, roundTrip = null;
    for (const entry of (await connection.getStats()).values()) {
      if (entry.type === 'inbound-rtp' && entry.kind === 'video') inbound = entry;
      if (entry.type === 'candidate-pair' && entry.nominated) roundTrip = entry.currentRoundTripTime;
    }
    const last = before; before = inbound;
    if (!last || !inbound || !window.control || window.control.readyState !== 'open') return;
    const grew = (name) => Math.max(0, (inbound[name] || 0) - (last[name] || 0));
    const seconds = (inbound.timestamp - last.timestamp) / 1000, lost = grew('packetsLost');
    window.inbound = inbound;
    window.control.send(JSON.stringify({
      type: 'report', fps: grew('framesReceived') / seconds, loss: lost / Math.max(1, lost + grew('packetsReceived')),
      jitter_ms: inbound.jitter * 1000, rtt_ms: roundTrip === null ? null : roundTrip * 1000,
      freezes: inbound.freezeCount || 0, frames_decoded: inbound.framesDecoded,
      decode_ms: grew('framesDecoded') ? 1000 * grew('totalDecodeTime') / grew('framesDecoded') : 0,
      bit_rate: grew('bytesReceived') * 8 / seconds,
    }));
  }, 250);
};
</script>"""

SCENARIOS: dict[str, Conditions] = {
    "loss-0": Conditions(delay=0.05),
    "loss-1": Conditions(delay=0.05, loss=0.01),
    "loss-5": Conditions(delay=0.05, loss=0.05),
    "loss-10": Conditions(delay=0.05, loss=0.10),
    "jitter-30": Conditions(delay=0.01, jitter=0.03),
    "jitter-100": Conditions(delay=0.01, jitter=0.1),
    "delay-200": Conditions(delay=0.1),
}
STEPS = (5e6, 0.5e6, 5e6)


def judged(shown: list[float], begin: float, end: float) -> dict[str, float]:
    """Pictures per second and the longest time without one, in milliseconds, of times in seconds."""
    inside = [begin, *(at for at in shown if begin <= at <= end), end]
    longest = max(b - a for a, b in itertools.pairwise(inside))
    return {"frame_rate": (len(inside) - 2) / (end - begin), "longest_freeze_ms": longest * 1e3}


async def watch(browser: Browser, conditions: Conditions, plan: list[tuple[float, float | None]]) -> dict[str, Any]:
    """Watch for the seconds of each part of ``plan``, the second number being its bandwidth in bit/s."""
    relay = UdpRelay(conditions)
    await relay.listen()
    async with moving(ENGINE) as (instance, owner):
        server, address = serve(PAGE, instance.port, SECRET, join_message())
        page = await browser.new_page()
        await page.expose_function("leadTo", relay.lead_to)
        await page.goto(address)
        await page.evaluate("connect()")
        await page.wait_for_function("window.shown.length > 10", timeout=20_000)
        conditions.bandwidth = plan[0][1]
        await asyncio.sleep(SETTLING)
        parts = []
        for seconds, bandwidth in plan:
            conditions.bandwidth = bandwidth
            begin, before = time.time(), await owner.ask("stats")
            await asyncio.sleep(seconds)
            stats = await owner.ask("stats")
            parts.append((begin, time.time(), before, stats))
        shown = [at / 1e3 for at in await page.evaluate("window.shown")]
        inbound = await page.evaluate("window.inbound")
        await page.close()
        server.stop()
    relay.close()
    return {
        "parts": [
            {
                **judged(shown, begin, end),
                "bit_rate": (stats["bytes_encoded"] - before["bytes_encoded"]) * 8 / (end - begin),
                "key_frames": stats["key_frames"] - before["key_frames"],
                "targets": stats["targets"],
            }
            for begin, end, before, stats in parts
        ],
        "freezes": inbound.get("freezeCount"),
        "plis": inbound.get("pliCount"),
        "nacks": inbound.get("nackCount"),
        "lost": relay.lost,
        "passed": relay.passed,
    }


async def measure(names: list[str], seconds: float) -> dict[str, Any]:
    figures = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        for name in names:
            if name == "step":
                plan = [(seconds, bandwidth) for bandwidth in STEPS]
                figures[name] = await watch(browser, Conditions(delay=0.02), plan)
            else:
                figures[name] = await watch(browser, SCENARIOS[name], [(seconds, None)])
            print(name, figures[name], file=sys.stderr)
        await browser.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="length of each measurement")
    parser.add_argument("--only", nargs="+", choices=[*SCENARIOS, "step"], default=[*SCENARIOS, "step"])
    chosen = parser.parse_args()
    figures = asyncio.run(measure(chosen.only, chosen.seconds))
    table = []
    for name, figure in figures.items():
        for part, bandwidth in zip(figure["parts"], STEPS if name == "step" else [None], strict=True):
            label = name if bandwidth is None else f"{name} to {bandwidth / 1e6:g} Mbit/s"
            measured = f"{part['frame_rate']:.1f}/s, longest freeze {part['longest_freeze_ms']:.0f} ms"
            bound = {"loss-5": ">= 24/s, <= 500 ms", "step": "<= 2000 ms"}.get(name, "")
            table.append((label, f"{measured}, {part['bit_rate'] / 1e6:.2f} Mbit/s", bound))
    publish("lossy_network", table, {"scenarios": figures})


if __name__ == "__main__":
    main()
