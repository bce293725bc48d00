"""Viewers come and go for an hour: does anything grow that should not?

    python -m benchmarks.soak [--minutes 60]    (at least 6: the first four are not counted)

Several viewers at a time, over WebRTC, the WebSocket, as images and over the bulk socket, join an instance whose
picture moves, stay for a few seconds and leave, one in four without a word. Told is the slope of the instance's memory
with its 95 % confidence interval, and its threads, tasks and open files before and after, with nobody there.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import psutil

from benchmarks.harness import options
from benchmarks.harness.instances import ENDLESS, Meter, moving
from benchmarks.harness.report import publish
from benchmarks.viewers import join_peer, receive_unseen
from tests.instance.harness import Bulk, Media, Process, join_message, media, socket, soon

AT_A_TIME = 4
STAY = (2.0, 6.0)
"""Seconds that a viewer stays, at least and at most."""
RUDE = 0.25
"""This part of the viewers leaves without a word."""
KINDS = ("webrtc", "websocket", "images", "bulk")
LOOK_EVERY = 5.0
BLOCKS = 16
"""Samples are averaged over so many blocks first: neighbours are not independent."""
STUDENT_95 = 2.145
"""Of Student's t for two sides and ``BLOCKS - 2`` degrees of freedom."""
FILLING = 240.0
"""Seconds that are left out of the slope."""
SETTLING = 30.0
SIZE = (640, 360)


# -- the crowd, in a process of its own --------------------------------------------------------------------------------


async def crowd(port: int, seconds: float) -> None:
    """Viewers for so long; prints how many came, and the problems."""
    instance = Process(None)  # type: ignore[arg-type]
    instance.port = port
    receive_unseen([0])
    end, chance = time.monotonic() + seconds, random.Random(1)
    came = dict.fromkeys(KINDS, 0)

    async def come_and_go(first: int) -> None:
        number = first
        while time.monotonic() < end:
            kind = KINDS[number % len(KINDS)]
            number += 1
            try:
                await asyncio.wait_for(visit(instance, kind, chance.uniform(*STAY), chance.random() < RUDE), 40)
                came[kind] += 1
            except Exception as problem:
                print(f"{kind}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)
                await asyncio.sleep(0.5)

    await asyncio.gather(*(come_and_go(n) for n in range(AT_A_TIME)))
    print(" ".join(f"{kind}={count}" for kind, count in came.items()), flush=True)


async def visit(instance: Process, kind: str, stay: float, rude: bool) -> None:
    if kind == "webrtc":
        viewer = await join_peer(instance)
        await asyncio.sleep(stay)
        if rude:  # no packet more from it: the instance must find out
            for task in viewer._tasks:
                task.cancel()
            transport = viewer.connection.sctp.transport
            await transport.transport._connection.close()
        await viewer.close()
    elif kind == "bulk":
        async with visiting_bulk(instance, rude) as viewer:
            end = time.monotonic() + stay
            while time.monotonic() < end:
                await viewer.frame()
                await asyncio.sleep(0.5)
    else:
        async with media(instance, "viewer", "h264" if kind == "websocket" else "images") as viewer:
            await soon(viewer.next_frame())
            await asyncio.sleep(stay)
            viewer.frames.clear()
            if rude:
                drop(viewer)


@contextlib.asynccontextmanager
async def visiting_bulk(instance: Process, rude: bool) -> AsyncIterator[Bulk]:
    connection = await socket(instance, "bulk")
    connection.write_message(join_message("viewer"))
    viewer = Bulk(connection)
    try:
        yield viewer
    finally:
        if rude:
            drop(viewer)
        connection.close()
        viewer.reading.cancel()


def drop(viewer: Bulk | Media) -> None:
    """Cut the connection without WebSocket's farewell."""
    stream = getattr(viewer.connection.protocol, "stream", None)
    if stream is not None:
        stream.close()


# -- the instance ------------------------------------------------------------------------------------------------------


async def look(instance: Process, owner: Bulk) -> dict[str, float]:
    text = (await owner.ask("metrics"))["text"]
    process = psutil.Process(instance.process.pid)
    return {
        "threads": instance.threads(),
        "open files": instance.descriptors(),
        "tasks": float(re.search(r"^openspace_instance_tasks (\S+)", text, re.M)[1]),  # type: ignore[index]
        "memory, MB": process.memory_info().rss / 1e6,
    }


async def alone(owner: Bulk) -> None:
    """Wait until nobody but the owner is there."""
    while (await owner.ask("state"))["viewers"] > 1:  # noqa: ASYNC110
        await asyncio.sleep(0.2)


async def run(minutes: float, engine: str) -> dict[str, Any]:
    width, height = SIZE
    async with moving(engine, width=width, height=height) as (instance, owner):
        await send_crowd(instance, 2 * STAY[1])  # everything that is loaded once is there after it
        await asyncio.wait_for(alone(owner), SETTLING)
        before = await settled(instance, owner, None)
        print(f"before: {before}", file=sys.stderr)
        samples: list[tuple[float, float]] = []
        meter, began = Meter(instance.process.pid), time.monotonic()
        watching = asyncio.ensure_future(watch(instance, owner, samples))
        came = await send_crowd(instance, minutes * 60)
        passed = time.monotonic() - began
        share = meter.look()
        watching.cancel()
        await asyncio.wait_for(alone(owner), SETTLING)
        after = await settled(instance, owner, before)
        print(f"after: {after}", file=sys.stderr)
    return {"before": before, "after": after, "samples": samples, "seconds": passed, "came": came, "percent": share}


async def send_crowd(instance: Process, seconds: float) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.soak", "--crowd", str(instance.port), "--seconds", str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode == 0, "the crowd failed"
    return told.decode().strip()


async def watch(instance: Process, owner: Bulk, samples: list[tuple[float, float]]) -> None:
    process, began = psutil.Process(instance.process.pid), time.monotonic()
    while True:
        samples.append((time.monotonic() - began, process.memory_info().rss / 1e6))
        owner.inbox.clear()  # news that nobody reads
        if len(samples) % 120 == 0:  # a flight ends after an hour at most
            owner.request("fly_to", target="Moon", duration=ENDLESS)
        await asyncio.sleep(LOOK_EVERY)


async def settled(instance: Process, owner: Bulk, before: dict[str, float] | None) -> dict[str, float]:
    """How it stands when what is ending has ended: as few as before, or what is left after a while."""
    end = time.monotonic() + SETTLING
    figures = await look(instance, owner)
    while time.monotonic() < end:
        await asyncio.sleep(1)
        latest = await look(instance, owner)
        counts = ("threads", "open files", "tasks")
        if before is None:
            if all(latest[name] == figures[name] for name in counts) and time.monotonic() > end - SETTLING + 8:
                return latest
        elif all(latest[name] <= before[name] for name in counts):
            return latest
        figures = latest
    return figures


def slope(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """MB per hour and half the width of its 95 % confidence interval, by least squares over the means of blocks.

    The first minutes are left out: caches and the allocator's arenas fill.
    """
    kept = [sample for sample in samples if sample[0] >= FILLING]
    if len(kept) < BLOCKS:
        return float("nan"), float("nan")
    cuts = [kept[n * len(kept) // BLOCKS : (n + 1) * len(kept) // BLOCKS] for n in range(BLOCKS)]
    hours = [statistics.fmean(at for at, _ in cut) / 3600 for cut in cuts]
    sizes = [statistics.fmean(size for _, size in cut) for cut in cuts]
    per_hour, start = statistics.linear_regression(hours, sizes)
    residual = sum((size - start - per_hour * hour) ** 2 for hour, size in zip(hours, sizes, strict=True))
    spread = sum((hour - statistics.fmean(hours)) ** 2 for hour in hours)
    return per_hour, STUDENT_95 * (residual / (BLOCKS - 2) / spread) ** 0.5


def main() -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--engine", default="embedded", help="what draws")
    parser.add_argument("--crowd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    chosen = options.parse(parser, minutes=0.1)
    if chosen.crowd:
        asyncio.run(crowd(chosen.crowd, chosen.seconds))
        return
    figures = asyncio.run(run(chosen.minutes, chosen.engine))
    per_hour, half = slope(figures["samples"])
    before, after = figures["before"], figures["after"]
    rows = [
        ("viewers that came and went", figures["came"], ""),
        ("minutes", f"{figures['seconds'] / 60:.1f}", ""),
        ("instance meanwhile, % of a core", f"{figures['percent']:.0f}", ""),
        ("memory, MB per hour", f"{per_hour:+.1f} ± {half:.1f}", "0 within the interval"),
        *(
            (
                f"{name}, before → after",
                f"{before[name]:.0f} → {after[name]:.0f}",
                "no more" if "mem" not in name else "",
            )
            for name in before
        ),
    ]
    publish("soak", rows, {**figures, "megabytes_per_hour": per_hour, "half_interval": half})


if __name__ == "__main__":
    main()
