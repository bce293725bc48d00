"""What the way through OpenSpace's window costs: time from input to picture beside the embedded engine, and CPU.

    python -m benchmarks.openspace_capture [--inputs 60] [--frames 300]

The engine is the tests' double of OpenSpace, which draws at 60 frames per second on a virtual display, as OpenSpace
does on a real one. Time is counted from sending the input on the socket until the first picture that shows something
new has arrived there; simulation time stands still, so that only input changes the picture.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from benchmarks.harness import options
from benchmarks.harness.report import median, percentile, publish
from openspace_server.engines.openspace import OpenSpaceEngine
from openspace_server.engines.openspace.engine import _same
from openspace_server.instance.streaming.encoder import convert
from tests.engines.openspace.installed import install
from tests.instance.harness import Media, bulk, media, spawned

SIZE = (1280, 720)
MORE_BOUND, CAPTURE_BOUND = 20.0, 6.0
STILL = 0.4
"""Seconds without a new picture after which the picture stands still."""


async def latencies(engine: str, inputs: int) -> list[float]:
    """Milliseconds from input to picture."""
    async with spawned(engine, width=SIZE[0], height=SIZE[1]) as instance:
        while (await instance.event())["event"] != "running":
            pass
        async with bulk(instance) as steering, media(instance) as viewer:
            await steering.ask("set_paused", paused=True)
            found = []
            for n in range(1, inputs + 1):
                last = await at_rest(viewer)
                sent = time.perf_counter()
                viewer.steer(held=False, orbitX=0.02 * n)
                while (await viewer.next_frame())[0].frame_id == last:
                    pass
                found.append((time.perf_counter() - sent) * 1e3)
            return found


async def at_rest(viewer: Media) -> int:
    """Wait until nothing new comes; the id of the last frame."""
    last = -1
    while True:
        try:
            async with asyncio.timeout(STILL):
                while (frame := (await viewer.next_frame())[0].frame_id) == last:
                    pass
            last = frame
        except TimeoutError:
            return last


def capture_cost(frames: int) -> tuple[float, float]:
    """Milliseconds of processor time per frame: the grab alone; with comparison and conversion for the encoder."""
    engine = OpenSpaceEngine()
    engine.open(*SIZE)
    try:
        grabber = engine._grabber
        assert grabber is not None
        before = grabber.grab()
        costs = []
        for whole in (False, True):
            started = time.process_time()
            for n in range(frames):
                picture = grabber.grab()
                if whole:
                    _same(before, picture)
                    convert(picture, n, 0, stamped=False)
                    before = picture
            costs.append((time.process_time() - started) * 1e3 / frames)
        return costs[0], costs[1]
    finally:
        engine.close()


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--inputs", type=int, default=60)
    parser.add_argument("--frames", type=int, default=300)
    arguments = options.parse(parser, inputs=3, frames=10)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OPENSPACE_DIR"] = str(install(Path(folder) / "OpenSpace"))
        embedded = asyncio.run(latencies("embedded", arguments.inputs))
        captured = asyncio.run(latencies("openspace", arguments.inputs))
        grab, whole = capture_cost(arguments.frames)
    more = median(captured) - median(embedded)
    rows = [
        ("embedded: input → picture", f"{median(embedded):.1f} ms, 95 %: {percentile(embedded, 95):.1f}", ""),
        ("openspace: input → picture", f"{median(captured):.1f} ms, 95 %: {percentile(captured, 95):.1f}", ""),
        ("openspace is later by", f"{more:.1f} ms", f"≤ {MORE_BOUND:g} ms"),
        ("grabbing a 720p frame, CPU", f"{grab:.2f} ms", f"≤ {CAPTURE_BOUND:g} ms"),
        ("… compared and converted, CPU", f"{whole:.2f} ms", f"≤ {CAPTURE_BOUND:g} ms"),
    ]
    figures = {
        "embedded_ms": embedded,
        "openspace_ms": captured,
        "more_ms": more,
        "grab_cpu_ms": grab,
        "capture_cpu_ms": whole,
    }
    publish("openspace_capture", rows, figures)


if __name__ == "__main__":
    main()
