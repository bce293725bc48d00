"""``space.frame()`` and ``space.frames()``: exact pixels of drawn pictures, no video codec in between."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from typing import Any, Self

import av
import numpy as np

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.limits import check_antialias
from openspace_widget.client.session import Session
from openspace_widget.errors import ArgumentError
from openspace_widget.units import iso, moment, seconds

AHEAD = 3
"""Pictures asked for before the first of them is used, so that drawing, transport and use overlap."""
STILL_TIMEOUT = 120.0
"""Seconds a large still may take at least."""


class Frame(np.ndarray[Any, np.dtype[np.uint8]]):
    """One picture: uint8 ``(height, width, 3)``, RGB, top row first, read-only.

    It is an array everywhere and shows itself as a picture in a cell; so do its crops. Results of computing with it
    are plain arrays.

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
        """Write the picture as PNG. Raises OSError."""
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
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt = picture.width, picture.height, "rgb24"
    file = io.BytesIO()
    for packet in [*codec.encode(picture), *codec.encode(None)]:
        file.write(bytes(packet))
    return file.getvalue()


def request(
    size: tuple[int, int] | None = None,
    antialias: int | None = None,
    time: Any = None,
    camera: dict[str, Any] | None = None,
    depth: bool = False,
    ids: bool = False,
    format: str = "rgb",
) -> dict[str, Any]:
    """The arguments of the verb ``frame``. Raises ArgumentError."""
    wanted: dict[str, Any] = {"pieces": True}
    if size is not None:
        wanted["size"] = list(size)
    if antialias is not None:
        try:
            wanted["antialias"] = check_antialias(antialias)
        except ProtocolError as problem:
            raise ArgumentError(str(problem)) from None
    if time is not None:
        wanted["time"] = iso(time)
    if camera is not None:
        wanted["camera"] = dict(camera)
    if depth or ids:
        wanted |= {"depth": bool(depth), "ids": bool(ids)}
    if format != "rgb":
        wanted["format"] = format
    return wanted


async def grab(session: Session, wanted: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
    """The next drawn frame, or the still that :func:`request` describes.

    Returns:
        pixels, uint8 ``(height, width, 3)``, RGB, top row first; and its header: ``frame`` (id), ``time`` (ISO 8601
        UTC), ``camera`` (navigation state).
    """
    (header, pixels), *_ = await _ask(session, wanted)
    return pixels, header


async def grab_frame(session: Session, wanted: dict[str, Any] | None = None) -> Frame:
    """As :func:`grab`, with depth and ids where they were asked for."""
    (header, pixels), *others = await _ask(session, wanted)
    frame = Frame(pixels, header)
    for told, array in others:
        if told["kind"] == "depth":
            frame.depth = array
        elif told["kind"] == "ids":
            frame.ids = array
    return frame


async def _ask(session: Session, wanted: dict[str, Any] | None) -> list[tuple[dict[str, Any], np.ndarray]]:
    wanted = wanted or {"pieces": True}
    # What the session's own timeout allows for a picture of the usual size is not enough for 8K with four samples.
    timeout = max(session.timeout, STILL_TIMEOUT) if "size" in wanted else None
    return await session.ask_arrays("frame", timeout, **wanted)


async def digest(session: Session, frame: int) -> str:
    """SHA-256 of the RGB pixels of a recently grabbed frame, computed by the instance that drew it."""
    return str((await session.ask("drawn", frame=frame))["sha256"])


async def stream(session: Session, wanted: Iterable[dict[str, Any]], fps: float | None) -> AsyncGenerator[Frame, None]:
    """A frame for each of ``wanted``, in order; ``fps`` of them per second at most, or as fast as they come."""
    loop = asyncio.get_running_loop()
    pending: deque[asyncio.Task[Frame]] = deque()
    rest = iter(wanted)
    due = loop.time()

    async def take(arguments: dict[str, Any], at: float) -> Frame:
        await asyncio.sleep(at - loop.time())
        return await grab_frame(session, arguments)

    try:
        while True:
            while len(pending) < AHEAD and (arguments := next(rest, None)) is not None:
                pending.append(asyncio.create_task(take(arguments, due)))
                due = max(due + 1 / fps, loop.time()) if fps else due
            if not pending:
                return
            yield await pending.popleft()
    finally:
        for task in pending:
            task.cancel()


def count(fps: float | None, n: int | None, length: Any) -> int | None:
    """How many frames ``frames(fps, n, seconds)`` means; None: no end.

    Raises:
        ArgumentError: a rate, number or length that cannot be.
    """
    if fps is not None and not 0 < fps <= 1000:
        raise ArgumentError(f"fps: expected frames per second, above 0 to 1000, got {fps!r}")
    if n is not None and (isinstance(n, bool) or n != int(n) or n < 0):
        raise ArgumentError(f"n: expected a number of frames, got {n!r}")
    if length is None:
        return None if n is None else int(n)
    if n is not None:
        raise ArgumentError("give n (a number of frames) or seconds, not both")
    if fps is None:
        raise ArgumentError("seconds: also say how many frames a second, such as fps=30")
    return max(0, round(seconds(length, "seconds") * fps))
