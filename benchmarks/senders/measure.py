"""Measures one system in the browser, the same way for all."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from playwright.sync_api import Browser, Page

from benchmarks.harness.similarity import ssim
from openspace_server.instance.streaming.stamp import HEIGHT as STAMP_HEIGHT

PROBE = (Path(__file__).parent / "probe.js").read_text()
STEP = 3
"""Pixels that each input drags."""
STEPS = 100
COMPARED = 6
"""Pictures compared with how they were drawn."""


@dataclass(frozen=True)
class Plan:
    """How much to measure: single inputs, and seconds of a steady drag."""

    inputs: int = 60
    seconds: float = 8.0


@dataclass
class System:
    """Something that shows the scene on a page and can be steered.

    ``before`` are scripts that take something away from the browser, run before all others.

    Attributes:
        open: brings the page to where the picture moves; waits until it is there.
        target: CSS selector of what to drag.
        processes: those whose processor time is told, by role; the browser's is added.
        script: to run in the page before its own, after the probe.
        grabbed: a picture as it was drawn, by its number, of those that the page has just presented; None for senders
            that keep them in ``references``.
    """

    name: str
    open: Callable[[Page], None]
    target: str
    processes: Callable[[], dict[str, list[psutil.Process]]]
    references: Path | None = None
    script: str = ""
    viewport: tuple[int, int] = (1280, 720)
    grabbed: Callable[[Callable[[], None]], tuple[int, np.ndarray]] | None = None
    before: list[str] = field(default_factory=list)


class Hand:
    """A mouse button held down over the picture, moved in small steps."""

    def __init__(self, page: Page, target: str) -> None:
        self._page = page
        box = page.locator(target).first.bounding_box()
        assert box is not None, f"{target} is not there"
        self._x, self._y = round(box["x"] + box["width"] / 3), round(box["y"] + box["height"] / 2)
        self._step = 0

    def __enter__(self) -> Hand:
        self._page.mouse.move(self._x, self._y)
        self._page.mouse.down()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self._page.mouse.up()

    def step(self) -> None:
        self._step += 1
        self._page.mouse.move(self._x + STEP * (self._step % STEPS), self._y)

    def drag(self, seconds: float) -> None:
        """A steady drag, an input about every 16 ms."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step()
            self._page.wait_for_timeout(12)


def measure(browser: Browser, system: System, plan: Plan) -> dict[str, Any]:
    """All figures of one system. Times in milliseconds, processor time in percent of a core."""
    page = browser.new_page(viewport={"width": system.viewport[0], "height": system.viewport[1]})
    try:
        for script in (*system.before, PROBE, system.script):
            page.add_init_script(script)
        system.open(page)
        with Hand(page, system.target) as hand:
            page.evaluate("probe.reading = true")
            hand.drag(2)
            page.wait_for_timeout(600)
            page.evaluate("probe.reset()")
            for n in range(plan.inputs):
                hand.step()
                page.wait_for_timeout(180 + 7 * (n % 9))
            alone = page.evaluate("probe.latencies")
            page.evaluate("probe.reset()")
            hand.drag(3)
            dragging = page.evaluate("probe.latencies")
            page.evaluate("probe.reading = false")
            steady = steadily(page, hand, system, browser, plan.seconds)
            likeness = list(compared(page, hand, system))
        return {
            "name": system.name,
            "input_to_pixel_ms": alone,
            "input_to_pixel_dragging_ms": dragging,
            **steady,
            "ssim": likeness,
        }
    finally:
        page.close()


def steadily(page: Page, hand: Hand, system: System, browser: Browser, seconds: float) -> dict[str, Any]:
    """Frames per second, bits and processor time while dragging; the page reads no pictures meanwhile."""
    processes = {**system.processes(), "browser": chromium()}
    before = {role: used(members) for role, members in processes.items()}
    shown, bytes, began = page.evaluate("probe.presented"), page.evaluate("probe.received()"), time.monotonic()
    hand.drag(seconds)
    passed = time.monotonic() - began
    return {
        "frames_per_second": (page.evaluate("probe.presented") - shown) / passed,
        "bit_rate": (page.evaluate("probe.received()") - bytes) * 8 / passed,
        "percent_of_a_core": {
            role: 100 * (used(members) - before[role]) / passed for role, members in processes.items()
        },
    }


def compared(page: Page, hand: Hand, system: System) -> Iterator[float]:
    """Likeness of presented pictures to the drawn ones, while dragging."""
    page.evaluate("every => Object.assign(probe, {reading: true, capturing: true, every})", 1 if system.grabbed else 10)
    hand.drag(1)
    tries = 0
    done: set[int] = set()
    while len(done) < COMPARED and tries < 4 * COMPARED:
        tries += 1
        if system.grabbed is not None:
            number, drawn = system.grabbed(lambda: hand.drag(0.05))
            hand.drag(0.15)
        else:
            hand.drag(0.4)
            here = [int(number) for number in page.evaluate("Object.keys(probe.captured)")]
            kept = [number for number in here if (system.references / f"{number}.npy").exists()]  # type: ignore[operator]
            number = next((number for number in reversed(kept) if number not in done), 0)
            if not number:
                continue
            drawn = np.load(system.references / f"{number}.npy")[:, :, :3]  # type: ignore[operator]
        if not page.evaluate("number => number in probe.captured", number):
            continue
        png = base64.b64decode(page.evaluate("number => probe.png(number)", number))
        seen = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        if seen.shape != drawn.shape[:2]:
            seen = cv2.resize(seen, drawn.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        rows = slice(0, drawn.shape[0] - STAMP_HEIGHT)
        yield ssim(cv2.cvtColor(np.ascontiguousarray(drawn), cv2.COLOR_BGR2GRAY)[rows], seen[rows])
        done.add(number)


def used(processes: list[psutil.Process]) -> float:
    """Seconds of processor time, of those that are still there."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def chromium() -> list[psutil.Process]:
    """All processes of this benchmark's browser."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "chrom" in _name(child)]


def family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.Error:
        return ""
