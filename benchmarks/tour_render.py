"""How fast a tour renders: 10 s at 1920 x 1080 and 60 frames per second, embedded engine, on this machine.

python -m benchmarks.tour_render [--seconds 10] [--size 1920 1080] [--path tour.mp4]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness.report import publish
from openspace_widget import OpenSpace, Stop, Tour

BOUND = 20.0
"""Frames per second at least."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--size", type=int, nargs=2, default=(1920, 1080))
    arguments.add_argument("--endings", nargs="+", default=[".mp4"])
    given = arguments.parse_args()
    tour = Tour(
        [
            Stop("Earth", altitude="9000 km", hold=0.2 * given.seconds),
            Stop("Saturn", altitude="300000 km", seconds=0.6 * given.seconds, hold=0.2 * given.seconds),
        ],
        start="2026-03-20T12:00",
    )
    rows, figures = [], {"seconds": given.seconds, "size": list(given.size)}
    with tempfile.TemporaryDirectory() as folder, OpenSpace(size=(1280, 720)) as space:
        space.wait()
        for ending in given.endings:
            measured = _render(space, tour, Path(folder) / f"tour{ending}", tuple(given.size))
            figures[ending] = measured
            rows.append((f"{ending}, frames per second", f"{measured['rate']:.1f}", f">= {BOUND:g}"))
            rows.append((f"{ending}, size of the file", f"{measured['bytes'] / 1e6:.1f} MB", ""))
    publish("tour_render", rows, figures)


def _render(space: OpenSpace, tour: Tour, path: Path, size: tuple[int, int]) -> dict[str, Any]:
    began = time.perf_counter()
    video = tour.render(space, path, fps=60, size=size, progress=False)
    took = time.perf_counter() - began
    return {"frames": video.frames, "took": took, "rate": video.frames / took, "bytes": path.stat().st_size}


if __name__ == "__main__":
    main()
