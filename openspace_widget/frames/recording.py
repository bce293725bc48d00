"""Recordings of the live view: the stream's own H.264 packets, not encoded again."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Callable
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av

from openspace_server.protocols import media
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.media import Kind, MediaHeader, MediaRequest, Mode
from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import elsewhere, run
from openspace_widget.errors import ArgumentError, OpenSpaceError, SessionError
from openspace_widget.frames.video import FORMATS, Video, parent_of

CLOCK = Fraction(1, 90_000)
"""Time base of the files."""
FIRST_FRAME = 15.0
"""Seconds to wait for the first frame."""


class Recording:
    """A recording of the live view, as ``with space.record("live.mp4") as recording:`` gives it.

    Until it ends the file is called ``….partial.mp4``; it is playable however the recording ends. When the size of the
    live view changes, a further file begins: ``live-2.mp4``.

    Attributes:
        videos: the files, once it has ended: each a :class:`~openspace_widget.Video`.
    """

    def __init__(self, client: Client, path: str | PathLike[str], overwrite: bool = True) -> None:
        self._path = Path(path).expanduser()
        if self._path.suffix.lower() not in (".mp4", ".mkv"):
            raise ArgumentError(
                f"path: a live recording keeps the stream's H.264, in .mp4 or .mkv; got {str(path)!r}. "
                "Other formats: Tour.render, or frames"
            )
        parent_of(self._path)
        if self._path.exists() and not overwrite:
            raise FileExistsError(f"{self._path} is there already; overwrite=True replaces it")
        self._session = client.session
        self._task: asyncio.Task[None] | None = None
        self._parts: list[_Part] = []
        self._has_begun: asyncio.Event | None = None
        self._is_ended = False
        self.videos: list[Video] = []

    def start(self) -> Self:
        """Begin; returns when the first frame has come. Raises SessionError, NotReadyError."""
        run(self.begin())
        return self

    def stop(self) -> list[Video]:
        """End and finish the file. Raises SessionError if the stream was lost meanwhile; the part is kept then."""
        run(self.end())
        return self.videos

    async def begin(self) -> None:
        """As :meth:`start`, on the background loop."""
        if self._task is not None:
            raise OpenSpaceError("this recording has begun already; space.record() makes another one")
        await self._session.wait_running()
        self._has_begun = asyncio.Event()
        self._task = asyncio.create_task(self._record())
        begun = asyncio.create_task(self._has_begun.wait())
        done, _ = await asyncio.wait((self._task, begun), timeout=FIRST_FRAME, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if not self._has_begun.is_set():
            self._task.cancel()
            if self._task in done:
                await self._task
            raise SessionError("no frame came to record: the instance sends none over its media socket")

    async def end(self) -> None:
        """As :meth:`stop`, on the background loop."""
        if self._task is None or self._is_ended:
            return
        self._is_ended = True
        self._task.cancel()
        problem: BaseException | None = None
        try:
            await self._task
        except asyncio.CancelledError:
            pass
        except OpenSpaceError as lost:
            problem = lost
        if self._parts:
            self._parts[-1].close()
        if problem is not None:
            for part in self._parts:
                problem.add_note(f"what was recorded until then is in {part.partial}")
            raise problem
        self.videos = [part.publish() for part in self._parts]
        self._parts = []

    async def _record(self) -> None:
        socket = await self._session.connection.websocket(f"sessions/{self._session.id}/media")
        try:
            await socket.write_message(MediaRequest(Mode.H264).encode())
            while (message := await socket.read_message()) is not None:
                if isinstance(message, bytes):
                    try:
                        header, data = media.decode_media(message)
                    except ProtocolError as problem:
                        raise SessionError(f"the stream cannot be recorded: {problem}") from None
                    await socket.write_message(media.ack(header.number))
                    self._add(header, data)
            await self._session.wait_not_running(2.0)
            raise SessionError(
                self._session.end_message()
                if self._session.state.is_ended
                else "the stream was lost while it was recorded"
            )
        finally:
            socket.close()

    def _add(self, header: MediaHeader, data: bytes) -> None:
        part = self._parts[-1] if self._parts else None
        if part is None or (header.width, header.height) != part.size:
            if not header.key or header.kind != Kind.H264:
                return  # nothing to begin with
            if part is not None:
                part.close()
            path = self._path
            if self._parts:
                path = path.with_name(f"{path.stem}-{len(self._parts) + 1}{path.suffix}")
            part = _Part(path, (header.width, header.height), data)
            self._parts.append(part)
            assert self._has_begun is not None
            self._has_begun.set()
        part.add(header, data)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem is None:
            self.stop()
            return
        # What went wrong in the block is what matters; the file is finished all the same.
        with contextlib.suppress(OpenSpaceError):
            self.stop()

    async def __aenter__(self) -> Self:
        await elsewhere(self.begin())
        return self

    async def __aexit__(self, *problem: object) -> None:
        with contextlib.suppress(*([] if problem[0] is None else [OpenSpaceError])):
            await elsewhere(self.end())

    def _repr_html_(self) -> str | None:
        return "".join(video._repr_html_() for video in self.videos) or None

    def __repr__(self) -> str:
        state = f"{len(self.videos)} files" if self.videos else "under way" if self._task else "not begun"
        return f"<Recording {self._path}: {state}>"


class _Part:
    """One file, of frames of one size."""

    def __init__(self, path: Path, size: tuple[int, int], key: bytes) -> None:
        self.path, self.size = path, size
        self.partial = path.with_name(f"{path.stem}.partial{path.suffix}")
        self.partial.unlink(missing_ok=True)
        options = {"movflags": "+faststart"} if path.suffix.lower() == ".mp4" else {}
        container = FORMATS[path.suffix.lower()].container
        self._container = av.open(str(self.partial), "w", format=container, options=options)
        # A decoder of the first frame knows the parameters that the file's header needs.
        with av.open(io.BytesIO(key), format="h264") as source:
            self._stream: Any = self._container.add_stream_from_template(source.streams.video[0])
        self._stream.time_base = CLOCK
        self._clock: Callable[[], float] = asyncio.get_running_loop().time
        self._waiting: tuple[int, bool, bytes] | None = None
        self._first = 0.0
        self._since = 0.0
        self._last = -1
        self._count = 0
        self._closed = False

    def add(self, header: MediaHeader, data: bytes) -> None:
        """Each frame is written when the next one comes, since only then its duration is known."""
        if self._count == 0:
            self._first = header.pts
        at = max(self._last + 1, round((header.pts - self._first) * 1e-6 / CLOCK))
        self._write(at)
        self._waiting, self._last, self._count = (at, header.key, data), at, self._count + 1
        self._since = self._clock()

    def close(self) -> None:
        """Finish the file; the last frame lasts until now. Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        try:
            self._last += max(1, round((self._clock() - self._since) / CLOCK))
            self._write(self._last)
        finally:
            self._container.close()

    def publish(self) -> Video:
        """Give the file its name."""
        self.partial.replace(self.path)
        seconds = float(self._last * CLOCK) or 1.0
        return Video(self.path, self._count, self._count / seconds, self.size)

    def _write(self, until: int) -> None:
        if self._waiting is None:
            return
        at, key, data = self._waiting
        packet = av.Packet(data)
        packet.stream, packet.time_base = self._stream, CLOCK
        packet.pts = packet.dts = at
        packet.duration = max(1, until - at)
        packet.is_keyframe = key
        self._container.mux(packet)
        self._waiting = None
