"""How fast frames come as arrays: ``space.frame()`` one by one, ``space.frames()`` in a loop, and stills of 4K.

python -m benchmarks.frames [--count 200]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.harness import options
from benchmarks.harness.report import median, percentile, publish
from openspace_widget import OpenSpace


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--count", type=int, default=200)
    count = options.parse(parser, count=3).count
    with OpenSpace(size=(1280, 720)) as space:
        space.frame()
        one = _timed(space.frame, count)
        began = time.perf_counter()
        looped = sum(1 for _ in space.frames(n=count)) / (time.perf_counter() - began)
        plain = _timed(lambda: space.frame((3840, 2160), antialias=1), max(5, count // 20))
        smooth = _timed(lambda: space.frame((3840, 2160)), 5)
        large = _timed(lambda: space.frame((7680, 4320), antialias=1), 3)
    rows = [
        ("frame() at 1280 x 720, median", f"{one['median']:.1f} ms", "<= 20 ms"),
        ("frame() at 1280 x 720, 95 %", f"{one['p95']:.1f} ms", ""),
        ("frames() at 1280 x 720, per second", f"{looped:.1f}", ">= 40"),
        ("frame((3840, 2160), antialias=1), median", f"{plain['median']:.0f} ms", "<= 250 ms"),
        ("frame((3840, 2160)), four samples, median", f"{smooth['median']:.0f} ms", ""),
        ("frame((7680, 4320), antialias=1), median", f"{large['median']:.0f} ms", ""),
    ]
    figures = {"frame": one, "frames_per_second": looped, "4k": plain, "4k_smooth": smooth, "8k": large}
    publish("frames", rows, figures)


def _timed(call: Callable[[], Any], count: int) -> dict[str, Any]:
    """Milliseconds."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1e3)
    return {"median": median(times), "p95": percentile(times, 95), "count": count}


if __name__ == "__main__":
    main()
