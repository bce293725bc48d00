"""What the embedded engine costs in software: CPU per picture, start, memory, points and stills.

    python -m benchmarks.draw_cost [--size 1280x720] [--pictures 120]

Each scene runs in a process of its own. CPU is that of the whole process per picture while the camera moves; the
median of blocks, so that neighbours on the machine count little.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import options
from benchmarks.harness.report import median, publish
from openspace_server.render_host.instance_process import one_thread

MOMENT = "2026-06-12T17:45:00Z"
MILLION = 1_000_000
BOUNDS: dict[str, tuple[str, float]] = {
    "overview": ("ms", 8.0),
    "earth": ("ms", 10.0),
    "points 200k": ("ms", 25.0),
    "start": ("s", 1.5),
    "memory": ("MB", 350.0),
}
SCENES = ("overview", "earth", "earth ground", "saturn", "among the stars", "points 200k", "points 1M", "stills")


def rss() -> float:
    """Resident memory of this process, MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def measure(scene: str, size: tuple[int, int], pictures: int) -> dict[str, Any]:
    """In the child: figures of one scene."""
    began = time.perf_counter()
    from openspace_server.engines.base import Motion
    from openspace_server.engines.embedded import EmbeddedEngine

    engine = EmbeddedEngine()
    engine.open(*size)
    engine.draw(time.monotonic())
    out: dict[str, Any] = {"start": time.perf_counter() - began}
    engine.set_time(MOMENT, time.monotonic())
    engine.set_paused(True, time.monotonic())
    place(engine, scene)
    engine.draw(time.monotonic())
    if scene == "stills":
        return {**out, **stills(engine)}
    if scene == "points 1M":
        out |= million(engine)
    cpu, walls = [], []
    for _ in range(max(1, pictures // 10)):
        before = time.process_time()
        for _ in range(10):
            wall = time.perf_counter()
            engine.move(Motion({"orbitX": 0.003}, True), time.monotonic())
            engine.draw(time.monotonic())
            walls.append(time.perf_counter() - wall)
        cpu.append((time.process_time() - before) / 10)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {**out, "cpu_ms": median(cpu) * 1e3, "wall_ms": median(walls) * 1e3, "memory": rss(), "peak": peak}


def place(engine: Any, scene: str) -> None:
    cameras: dict[str, dict[str, Any]] = {
        "overview": {"Anchor": "Sun", "ReferenceFrame": "ICRF", "Position": [0, -3e11, 3e11], "Up": [0, 0, 1]},
        "earth": {"Anchor": "Earth", "ReferenceFrame": "ICRF", "Position": [-1.9e7, 8e6, 5e6], "Up": [0, 0, 1]},
        "earth ground": {
            "Anchor": "Earth", "ReferenceFrame": "Earth", "Position": [6.7e6, 0, 0], "Up": [0, 0, 1], "Pitch": 1.0,
        },
        "saturn": {"Anchor": "Saturn", "ReferenceFrame": "ICRF", "Position": [1e8, -3.5e8, 9e7], "Up": [0, 0, 1]},
        "among the stars": {"Anchor": "Sun", "Position": [3e17, 1e17, 1e16], "Up": [0, 0, 1]},
        "points": {"Anchor": "Sun", "Position": [1e26, 0, 0], "Up": [0, 0, 1]},
    }  # fmt: skip
    engine.set_camera(cameras.get(scene.partition(" ")[0], cameras.get(scene, cameras["earth"])), time.monotonic())
    if scene == "earth ground":
        engine.set_camera(cameras[scene], time.monotonic())
    if scene == "points 200k":
        engine.add_points(TABLE, some(200_000), {})
        engine._scene.points.settle()


TABLE = {"Identifier": "Cloud", "Renderable": {"Type": "RenderablePointCloud", "Unit": "Mpc"}}


def some(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1000, (count, 3)).astype(np.float32)


def million(engine: Any) -> dict[str, Any]:
    """A million points added, at rest, and replaced four times a second while the camera moves."""
    from openspace_server.engines.base import Motion

    frames = [some(MILLION, seed) for seed in (1, 2)]
    before = rss()
    engine.add_points(TABLE, frames[0], {})
    walls = []
    while engine.points_pending:
        began = time.perf_counter()
        engine.draw(time.monotonic())
        walls.append(time.perf_counter() - began)
        time.sleep(0.02)
    added = max(walls)
    engine.still(time.monotonic(), antialias=1)
    out = {"added_stall_ms": added * 1e3, "points_memory": rss() - before}
    began, updates, walls = time.monotonic(), 0, []
    while time.monotonic() - began < 5:
        start = time.perf_counter()
        if time.monotonic() - began > updates / 4:
            engine.update_points("Cloud", frames[updates % 2])
            updates += 1
        engine.move(Motion({"orbitX": 0.003}, True), time.monotonic())
        engine.draw(time.monotonic())
        walls.append(time.perf_counter() - start)
        time.sleep(max(0.0, 1 / 30 - walls[-1]))
    return {**out, "updates_stall_ms": max(walls) * 1e3, "updates_pictures_per_s": len(walls) / 5}


def stills(engine: Any) -> dict[str, Any]:
    from openspace_server.protocols.frame_request import FrameRequest

    out: dict[str, Any] = {}
    for name, size, antialias in (("1080p", (1920, 1080), 1), ("1080p_4", (1920, 1080), 4), ("8k_4", (7680, 4320), 4)):
        times = []
        for _ in range(1 if size[0] > 4000 else 5):
            began = time.perf_counter()
            engine.still(time.monotonic(), size, antialias=antialias)
            times.append(time.perf_counter() - began)
        out[name] = median(times) * 1e3
    parts, longest = engine.still_in_parts(time.monotonic(), FrameRequest((7680, 4320), depth=True, ids=True)), 0.0
    while True:
        began = time.perf_counter()
        try:
            next(parts)
        except StopIteration:
            break
        longest = max(longest, time.perf_counter() - began)
    return {**out, "8k_part": longest * 1e3}


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--only", choices=SCENES, action="append")
    parser.add_argument("--child", choices=SCENES, help=argparse.SUPPRESS)
    asked = options.parse(parser, pictures=10)
    width, height = (int(side) for side in asked.size.split("x"))
    if asked.child:
        print(json.dumps(measure(asked.child, (width, height), asked.pictures)))
        return
    figures: dict[str, Any] = {"size": asked.size, "load": os.getloadavg()[0]}
    for scene in asked.only or SCENES:
        command = [sys.executable, "-m", "benchmarks.draw_cost", "--child", scene, "--size", asked.size]
        command += ["--pictures", str(asked.pictures)]
        environment = one_thread(os.environ)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
        figures[scene] = json.loads(done.stdout.splitlines()[-1])
    publish("draw_cost", rows(figures), figures)


def rows(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = {name: each for name, each in figures.items() if isinstance(each, dict)}
    out = [
        (f"CPU per picture, {name}", f"{each['cpu_ms']:.1f} ms", f"{BOUNDS[name][1]:g} ms" if name in BOUNDS else "")
        for name, each in found.items()
        if "cpu_ms" in each
    ]
    starts = [each["start"] for each in found.values()]
    out.append(("engine start to first picture", f"{median(starts):.2f} s", "1.5 s with the instance"))
    out += [
        (f"memory, {name}", f"{each['memory']:.0f} MB", "350 MB") for name, each in found.items() if "memory" in each
    ]
    for name, label, bound in (
        ("added_stall_ms", "longest picture while a million points are added", "100 ms"),
        ("points_memory", "memory of a million points, MB", "50"),
        ("updates_stall_ms", "longest picture while a million points change at 4 Hz", "100 ms"),
        ("updates_pictures_per_s", "pictures per second meanwhile (30 asked)", "20"),
        ("1080p", "still of 1920 x 1080", ""),
        ("1080p_4", "still of 1920 x 1080, 4 samples", ""),
        ("8k_4", "still of 7680 x 4320, 4 samples", ""),
        ("8k_part", "longest part of it, with depth and bodies", ""),
    ):
        for each in found.values():
            if name in each:
                unit = "" if "memory" in name or "per_s" in name else " ms"
                out.append((label, f"{each[name]:.0f}{unit}", bound))
    return out


if __name__ == "__main__":
    main()
