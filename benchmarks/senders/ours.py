"""Ours on the stream page of a real Jupyter server, on each rung of the transport ladder."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Page

from benchmarks.main_road import instances_of_this_process, lab_server, stamped_host
from benchmarks.senders.measure import System
from benchmarks.senders.scene import SIZE, engine_name
from openspace_widget import OpenSpace
from openspace_widget.client.event_loop import background
from openspace_widget.frames.frame import grab
from tests.e2e.stream import NO_WEBCODECS, NO_WEBRTC
from tests.helpers import wait_for

RUNGS: dict[str, list[str]] = {"webrtc": [], "websocket": [NO_WEBRTC], "images": [NO_WEBRTC, NO_WEBCODECS]}
"""What a page must do without, so that its view begins on each rung."""


def webrtc(folder: Path) -> contextlib.AbstractContextManager[System]:
    return _ours("ours, WebRTC", "webrtc")


def websocket(folder: Path) -> contextlib.AbstractContextManager[System]:
    return _ours("ours, WebSocket + WebCodecs", "websocket")


def images(folder: Path) -> contextlib.AbstractContextManager[System]:
    return _ours("ours, images", "images")


@dataclass(frozen=True)
class Served:
    """A session of 1280x720 on a Jupyter server and a render host of its own, with bar codes."""

    url: str
    token: str
    space: OpenSpace
    instance: psutil.Process
    server: psutil.Process

    def page(self, url: str = "") -> str:
        """The stream page, at another address of the server if there is one."""
        return f"{url or self.url}openspace/stream/{self.space.session}?token={self.token}"


@contextlib.contextmanager
def serving() -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder, stamped_host(Path(folder)) as (address, secret):
        options = [f"--OpenSpaceExtension.hosts={address}", f"--OpenSpaceExtension.host_secret={secret}"]
        options.append(f"--OpenSpaceExtension.engines={engine_name()}")
        with (
            lab_server(options) as lab,
            OpenSpace(engine=engine_name(), url=f"{lab.url}?token={lab.token}").wait() as space,
        ):
            space.resolution = SIZE
            space.time.pause()
            instance = wait_for(instances_of_this_process)[0]
            yield Served(lab.url, lab.token, space, instance, psutil.Process(lab.process.pid))


@contextlib.contextmanager
def _ours(name: str, rung: str) -> Iterator[System]:
    with serving() as served:
        host = psutil.Process(served.instance.ppid())

        def open(page: Page) -> None:
            page.goto(served.page())
            page.locator(f".osw-view[data-state=live][data-transport={rung}]").wait_for(timeout=30_000)

        def grabbed(meanwhile: Callable[[], None]) -> tuple[int, np.ndarray]:
            asked = background().submit(grab(served.space._client))
            while not asked.done():
                meanwhile()
            pixels, header = asked.result()
            return int(header["frame"]), pixels[:, :, ::-1]

        yield System(
            name,
            open,
            ".osw-view",
            lambda: {"sender": [served.instance], "servers": [served.server, host]},
            grabbed=grabbed,
            before=RUNGS[rung],
        )
