"""JPEG and WebP images of the newest frame, for browsers that cannot decode video from a socket."""

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
from openspace_server.instance.streaming.send_stats import SendStats, SendTotals
from openspace_server.protocols.media import Kind

REST = 0.15
"""A view that has been at rest for so many seconds is sent once more, in high quality."""
QUALITY = {Kind.JPEG: (75, 92), Kind.WEBP: (60, 85)}
"""In motion, and at rest."""


@dataclass(frozen=True)
class DrawnFrame:
    """A frame as drawn; ``at`` in seconds of :func:`time.monotonic`."""

    frame: Frame
    input_seq: int
    at: float


@dataclass(frozen=True)
class Image:
    """One compressed frame."""

    data: bytes
    kind: Kind
    width: int
    height: int
    drawn: DrawnFrame


class ImageFanOut:
    """Holds the newest frame and compresses it when a viewer is ready for it, once for all that are.

    ``on_change()`` is called when a viewer is attached or detached.
    """

    def __init__(self, on_change: Callable[[], None], totals: SendTotals | None = None, *, stamped: bool) -> None:
        self.newest: DrawnFrame | None = None
        self.arrived = asyncio.Event()
        self._on_change = on_change
        self._totals = totals
        self._stamped = stamped
        self._feeds: set[ImageFeed] = set()
        self._worker: ThreadPoolExecutor | None = None
        self._made: dict[tuple[Kind, bool], asyncio.Future[Image]] = {}

    @property
    def is_watched(self) -> bool:
        return bool(self._feeds)

    def attach(self, kind: Kind) -> ImageFeed:
        feed = ImageFeed(self, kind, self._totals)
        self._feeds.add(feed)
        self._on_change()
        return feed

    def detach(self, feed: ImageFeed) -> None:
        self._feeds.discard(feed)
        if not self._feeds:
            self.newest = None
            self._made.clear()
            if self._worker is not None:
                self._worker.shutdown(wait=False)
                self._worker = None
        self._on_change()

    def publish(self, frame: DrawnFrame) -> None:
        """A newer frame was drawn."""
        if self._feeds:
            self.newest = frame
            self._made.clear()
            self.arrived.set()
            self.arrived = asyncio.Event()

    async def image(self, kind: Kind, *, is_fine: bool) -> Image:
        """The newest frame, compressed."""
        assert self.newest is not None
        if (kind, is_fine) not in self._made:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, "images")
            loop = asyncio.get_running_loop()
            quality = QUALITY[kind][is_fine]
            work = loop.run_in_executor(self._worker, _compress, self.newest, kind, quality, self._stamped)
            self._made[kind, is_fine] = work
        return await asyncio.shield(self._made[kind, is_fine])


class ImageFeed:
    """One viewer's images."""

    def __init__(self, fan_out: ImageFanOut, kind: Kind, totals: SendTotals | None) -> None:
        self.stats = SendStats(totals)
        self._fan_out = fan_out
        self._kind = kind
        self._shown: DrawnFrame | None = None
        self._is_fine = True

    async def get(self) -> Image:
        """The newest frame that this viewer has not received yet, waiting for one if need be."""
        while self._fan_out.newest is None or self._fan_out.newest is self._shown:
            if self._fan_out.newest is not None and not self._is_fine:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REST):
                        await self._fan_out.arrived.wait()
                        continue
                break
            await self._fan_out.arrived.wait()
        self._is_fine = self._fan_out.newest is self._shown
        self._shown = self._fan_out.newest
        image = await self._fan_out.image(self._kind, is_fine=self._is_fine)
        self.stats.on_taken(image.drawn.at if not self._is_fine else image.drawn.at + REST, len(image.data))
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
