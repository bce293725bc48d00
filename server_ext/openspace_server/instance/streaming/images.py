"""Pictures as JPEG or WebP images, for browsers that cannot decode video from a socket: always the newest one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from openspace_server.engines.base import Frame
from openspace_server.instance.streaming.encoder import convert
from openspace_server.instance.streaming.send_stats import Flow
from openspace_server.protocols.media import Kind

REST = 0.15
"""A picture that has stood still for so many seconds is sent once more, finely."""
QUALITY = {Kind.JPEG: (75, 92), Kind.WEBP: (60, 85)}
"""While it moves, and at rest."""


@dataclass(frozen=True)
class DrawnFrame:
    """A frame as drawn; ``at`` in seconds of :func:`time.monotonic`."""

    frame: Frame
    input_seq: int
    at: float


@dataclass(frozen=True)
class Image:
    """One compressed picture."""

    data: bytes
    kind: Kind
    width: int
    height: int
    drawn: DrawnFrame


class ImageFan:
    """Holds the newest frame and compresses it when somebody is ready for it, once for all who are.

    ``changed`` is called when a viewer comes or goes.
    """

    def __init__(self, changed: Callable[[], None], *, stamped: bool) -> None:
        self.newest: DrawnFrame | None = None
        self.news = asyncio.Event()
        self._changed = changed
        self._stamped = stamped
        self._feeds: set[ImageFeed] = set()
        self._worker: ThreadPoolExecutor | None = None
        self._made: dict[tuple[Kind, bool], asyncio.Future[Image]] = {}

    @property
    def watched(self) -> bool:
        return bool(self._feeds)

    def attach(self, kind: Kind) -> ImageFeed:
        feed = ImageFeed(self, kind)
        self._feeds.add(feed)
        self._changed()
        return feed

    def detach(self, feed: ImageFeed) -> None:
        self._feeds.discard(feed)
        if not self._feeds:
            self.newest = None
            self._made.clear()
            if self._worker is not None:
                self._worker.shutdown(wait=False)
                self._worker = None
        self._changed()

    def drawn(self, frame: DrawnFrame) -> None:
        """There is a newer frame."""
        if self._feeds:
            self.newest = frame
            self._made.clear()
            self.news.set()
            self.news = asyncio.Event()

    async def image(self, kind: Kind, *, fine: bool) -> Image:
        """The newest frame, compressed."""
        assert self.newest is not None
        if (kind, fine) not in self._made:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, "images")
            loop = asyncio.get_running_loop()
            quality = QUALITY[kind][fine]
            work = loop.run_in_executor(self._worker, _compress, self.newest, kind, quality, self._stamped)
            self._made[kind, fine] = work
        return await asyncio.shield(self._made[kind, fine])


class ImageFeed:
    """One viewer's images."""

    def __init__(self, fan: ImageFan, kind: Kind) -> None:
        self.flow = Flow()
        self._fan = fan
        self._kind = kind
        self._shown: DrawnFrame | None = None
        self._fine = True

    async def get(self) -> Image:
        """The newest picture that this viewer has not got, waiting for one if need be."""
        while self._fan.newest is None or self._fan.newest is self._shown:
            if self._fan.newest is not None and not self._fine:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REST):
                        await self._fan.news.wait()
                        continue
                break
            await self._fan.news.wait()
        self._fine = self._fan.newest is self._shown
        self._shown = self._fan.newest
        image = await self._fan.image(self._kind, fine=self._fine)
        self.flow.taken(image.drawn.at if not self._fine else image.drawn.at + REST, len(image.data))
        return image


def _compress(drawn: DrawnFrame, kind: Kind, quality: int, stamped: bool) -> Image:
    pixels: np.ndarray = drawn.frame.pixels
    if stamped:
        planes = convert(pixels, drawn.frame.id, drawn.input_seq, stamped=True).planes
        pixels = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    else:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)
    if kind is Kind.JPEG:
        _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    else:
        _, data = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, quality])
    return Image(data.tobytes(), kind, pixels.shape[1], pixels.shape[0], drawn)
