"""Ours on the stream page of a real Jupyter server, on each rung of the transport ladder."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Page

from benchmarks.main_road import instances_of_this_process, lab_server, stamped_host
from benchmarks.senders.measure import System
from benchmarks.senders.scene import SIZE
from openspace_widget import OpenSpace, frames
from openspace_widget.background import background
from tests.e2e.lab import wait_for
from tests.e2e.test_ladder import NO_WEBCODECS, NO_WEBRTC


def webrtc(folder: Path) -> contextlib.AbstractContextManager[System]:
    return _ours("ours, WebRTC", "webrtc", [])


def websocket(folder: Path) -> contextlib.AbstractContextManager[System]:
    return _ours("ours, WebSocket + WebCodecs", "websocket", [NO_WEBRTC])


def images(folder: Path) -> contextlib.AbstractContextManager[System]:
    return _ours("ours, images", "images", [NO_WEBRTC, NO_WEBCODECS])


@contextlib.contextmanager
def _ours(name: str, rung: str, before: list[str]) -> Iterator[System]:
    with tempfile.TemporaryDirectory() as folder, stamped_host(Path(folder)) as (address, secret):
        options = [f"--OpenSpaceExtension.hosts={address}", f"--OpenSpaceExtension.host_secret={secret}"]
        with lab_server(options) as lab, OpenSpace(url=f"{lab.url}?token={lab.token}").wait() as space:
            space.resolution = SIZE
            space.time.pause()
            instance = wait_for(instances_of_this_process)[0]
            server = [lab.process.pid, instance.ppid()]

            def open(page: Page) -> None:
                page.goto(f"{lab.url}openspace/stream/{space.session}?token={lab.token}")
                selector = f".osw-view[data-state=live][data-transport={rung}]"
                page.locator(selector).wait_for(timeout=30_000)

            def grabbed(meanwhile: Callable[[], None]) -> tuple[int, np.ndarray]:
                asked = background().submit(frames.grab(space._session))
                while not asked.done():
                    meanwhile()
                pixels, header = asked.result()
                return int(header["frame"]), pixels[:, :, ::-1]

            yield System(
                name,
                open,
                ".osw-view",
                lambda: {"sender": [instance], "servers": [psutil.Process(pid) for pid in server]},
                grabbed=grabbed,
                before=before,
            )
