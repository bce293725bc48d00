"""Frames: exact pixels as they were drawn, no video codec in between."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from typing import Any, Self

import av
import numpy as np

from openspace_server.protocols.frame_request import FrameRequest
from openspace_widget.client.client import Client
from openspace_widget.units import moment

LIVE = FrameRequest()
AHEAD = 3
"""Frames asked for before the first of them is used, so that drawing, transport and use overlap."""
STILL_TIMEOUT = 120.0
"""Seconds a large still may take at least."""


class Frame(np.ndarray[Any, np.dtype[np.uint8]]):
    """One frame: uint8 ``(height, width, 3)``, RGB, top row first, read-only.

    It is an array everywhere and shows itself as an image in a cell; so do its crops. Results of computing with it are
    plain arrays.

    Attributes:
        id: number of the frame among those its instance drew.
        time: simulation time, an aware datetime in UTC.
        camera: navigation state: ``Anchor``, ``Position`` (metres from it), ``Up``, ``ReferenceFrame``.
        depth: with ``depth=True``, float64 ``(height, width)``: metres from the camera to the body that each pixel
            shows, infinite where it shows none; else None.
        ids: with ``ids=True``, uint16 ``(height, width)``: 1 + the index in ``bodies`` of the body that each pixel
            shows, 0 for none; else None. ``frame.ids == 1 + frame.bodies.index("Venus")`` is a mask.
        bodies: the identifiers that ``ids`` counts; empty without ``ids=True``.

    Example:
        >>> frame = space.frame()
        >>> frame.shape, frame.dtype
        ((180, 320, 3), dtype('uint8'))
        >>> bool(frame.max() > 100)
        True
    """

    id: int
    time: datetime
    camera: dict[str, Any]
    depth: np.ndarray | None
    ids: np.ndarray | None
    bodies: tuple[str, ...]

    def __new__(cls, pixels: np.ndarray, header: dict[str, Any]) -> Self:
        frame = np.asarray(pixels).view(cls)
        frame.id = int(header["frame"])
        frame.time = moment(header["time"])
        frame.camera = dict(header["camera"])
        frame.bodies = tuple(header.get("bodies") or ())
        return frame

    def __array_finalize__(self, source: Any) -> None:
        self.id = getattr(source, "id", 0)
        self.time = getattr(source, "time", datetime.min)
        self.camera = getattr(source, "camera", {})
        self.bodies = getattr(source, "bodies", ())
        self.depth = self.ids = None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar or plain.ndim == 0 else plain

    def save(self, path: Any) -> None:
        """Write it as a PNG file. Raises OSError."""
        with open(path, "wb") as file:  # noqa: PTH123  a path-like or text
            file.write(png(self))

    def _repr_png_(self) -> bytes | None:
        shown = self.ndim == 3 and self.shape[2] == 3 and self.dtype == np.uint8 and self.size > 0
        return png(self) if shown else None

    def __repr__(self) -> str:
        if self.ndim == 3:
            return f"<Frame {self.shape[1]}x{self.shape[0]}, {self.time:%Y-%m-%d %H:%M:%S} UTC>"
        return repr(np.asarray(self))


def png(pixels: np.ndarray) -> bytes:
    """``pixels``, uint8 ``(height, width, 3)`` RGB, as the bytes of a PNG file."""
    image = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt = image.width, image.height, "rgb24"
    file = io.BytesIO()
    for packet in [*codec.encode(image), *codec.encode(None)]:
        file.write(bytes(packet))
    return file.getvalue()


async def grab(client: Client, request: FrameRequest = LIVE) -> tuple[np.ndarray, dict[str, Any]]:
    """The next drawn frame, or the still that ``request`` describes.

    Returns:
        pixels, uint8 ``(height, width, 3)``, RGB, top row first; and its header: ``frame`` (id), ``time`` (ISO 8601
        UTC), ``camera`` (navigation state).
    """
    (header, pixels), *_ = await _ask(client, request)
    return pixels, header


async def grab_frame(client: Client, request: FrameRequest = LIVE) -> Frame:
    """As :func:`grab`, with depth and ids where they were asked for."""
    (header, pixels), *others = await _ask(client, request)
    frame = Frame(pixels, header)
    for header, array in others:
        if header["kind"] == "depth":
            frame.depth = array
        elif header["kind"] == "ids":
            frame.ids = array
    return frame


async def _ask(client: Client, request: FrameRequest) -> list[tuple[dict[str, Any], np.ndarray]]:
    # The session's own timeout, good for frames of the usual size, is not enough for 8K with four samples.
    timeout = max(client.session.timeout, STILL_TIMEOUT) if request.size is not None else None
    return await client.session.ask_arrays("frame", timeout, pieces=True, **request.as_json())


async def digest(client: Client, frame: int) -> str:
    """SHA-256 of the RGB pixels of a recently grabbed frame, computed by the instance that drew it."""
    return str((await client.ask("drawn", frame=frame))["sha256"])


async def stream(client: Client, requests: Iterable[FrameRequest], fps: float | None) -> AsyncGenerator[Frame, None]:
    """A frame for each of ``requests``, in order; ``fps`` of them per second at most, or as fast as they come."""
    loop = asyncio.get_running_loop()
    pending: deque[asyncio.Task[Frame]] = deque()
    rest = iter(requests)
    due = loop.time()

    async def take(request: FrameRequest, at: float) -> Frame:
        await asyncio.sleep(at - loop.time())
        return await grab_frame(client, request)

    try:
        while True:
            while len(pending) < AHEAD and (request := next(rest, None)) is not None:
                pending.append(asyncio.create_task(take(request, due)))
                due = max(due + 1 / fps, loop.time()) if fps else due
            if not pending:
                return
            yield await pending.popleft()
    finally:
        for task in pending:
            task.cancel()
