"""How fast a tour renders: 10 s at 1920 x 1080 and 60 frames per second, embedded engine, on this machine.

python -m benchmarks.tour_render [--seconds 10] [--size 1920 1080] [--path tour.mp4]
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import options
from benchmarks.harness.report import publish
from openspace_widget import OpenSpace, Stop, Tour

BOUND = 20.0
"""Frames per second at least."""


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--size", type=int, nargs=2, default=(1920, 1080))
    parser.add_argument("--endings", nargs="+", default=[".mp4"])
    chosen = options.parse(parser, seconds=0.5, size=(320, 180))
    tour = Tour(
        [
            Stop("Earth", altitude="9000 km", hold=0.2 * chosen.seconds),
            Stop("Saturn", altitude="300000 km", seconds=0.6 * chosen.seconds, hold=0.2 * chosen.seconds),
        ],
        start="2026-03-20T12:00",
    )
    rows, figures = [], {"seconds": chosen.seconds, "size": list(chosen.size)}
    with tempfile.TemporaryDirectory() as folder, OpenSpace(size=(1280, 720)) as space:
        space.wait()
        for ending in chosen.endings:
            measured = _render(space, tour, Path(folder) / f"tour{ending}", tuple(chosen.size))
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
