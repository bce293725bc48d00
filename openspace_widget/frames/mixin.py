"""Frames of a session: ``frame``, ``frames``, ``record``, and the size of the live view."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count, repeat
from os import PathLike
from typing import Any

from openspace_server.protocols.frame_request import FrameRequest
from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import iterate, run
from openspace_widget.client.mixin import ClientMixin
from openspace_widget.frames.frame import Frame, grab_frame, stream
from openspace_widget.frames.recording import Recording
from openspace_widget.frames.requests import checked_size, frame_count, frame_request
from openspace_widget.units import iso, moment
from openspace_widget.units import seconds as seconds_of


class Frames(ClientMixin):
    """The frames of :class:`~openspace_widget.OpenSpace`."""

    @property
    def resolution(self) -> tuple[int, int]:
        """``(width, height)`` of the live view in pixels; what is set holds until ``follow_view()``."""
        state = self._ask("state")
        return int(state["width"]), int(state["height"])

    @resolution.setter
    def resolution(self, size: tuple[int, int]) -> None:
        width, height = checked_size(size)
        self._ask("resolution", width=width, height=height)

    def follow_view(self) -> None:
        """Let the size of the view in the browser decide the resolution again."""
        self._ask("follow")

    def frame(
        self,
        size: tuple[int, int] | None = None,
        *,
        antialias: int | None = None,
        time: Any = None,
        camera: dict[str, Any] | None = None,
        depth: bool = False,
        ids: bool = False,
    ) -> Frame:
        """The exact pixels of one frame: the next live one or, with any argument, a still made next to the live view.

        Live viewers do not notice a still: size, time and camera of their view stay. With OpenSpace as the engine
        their view stands still until it is made, and ``antialias`` has no effect.

        Args:
            size: ``(width, height)`` in pixels, 64 to 8192 each, at most 7680 x 4320 in all; None: as the live view.
            antialias: samples per pixel: 1 (as the live view), 2, 4, 8 or 16; None: 4 for stills.
            time: simulation time of the still: ISO 8601 text or a datetime, UTC unless it says otherwise.
            camera: navigation state of the still, such as another frame's ``camera``.
            depth: also give metres to what each pixel shows, as ``frame.depth``.
            ids: also tell which body each pixel shows, as ``frame.ids`` and ``frame.bodies``.

        Returns:
            :class:`Frame`: uint8 ``(height, width, 3)``, RGB, top row first, read-only.

        Raises:
            RequestError: a size, time or camera that cannot be, or an engine that has no depth or ids.
            SessionError: the session ended. NotReadyError: no frame within ``timeout`` seconds.

        Example:
            >>> space.frame().shape
            (180, 320, 3)
            >>> space.frame((640, 360), time="2026-08-12T17:45").time.hour
            17
        """
        return run(grab_frame(self._client, frame_request(size, antialias, time, camera, depth, ids)))

    def frames(
        self,
        fps: float | None = None,
        n: int | None = None,
        seconds: Any = None,
        *,
        every: Any = None,
        size: tuple[int, int] | None = None,
        antialias: int | None = None,
        camera: dict[str, Any] | None = None,
        depth: bool = False,
        ids: bool = False,
    ) -> Iterator[Frame]:
        """One frame after the other, endless without ``n`` and ``seconds``.

        While one frame is used the next ones are drawn and sent, so a loop gets more of them than calls of
        :meth:`frame` would.

        Args:
            fps: frames per second of wall time at most; None: as fast as they come.
            n: number of frames.
            seconds: for how long, with ``fps``: number, text such as ``"1 min"``, or timedelta.
            every: a time-lapse: simulation time from one frame to the next, such as ``"1 h"`` or a timedelta,
                beginning now; exact, whatever the machine's speed. Live viewers do not notice.
            size, antialias, camera, depth, ids: as for :meth:`frame`.

        Raises:
            ArgumentError: a rate, number or duration that cannot be. Else as :meth:`frame`.

        Example:
            >>> [frame.shape for frame in space.frames(n=2)]
            [(180, 320, 3), (180, 320, 3)]
            >>> days = [frame.time.day for frame in space.frames(n=3, every="1 day")]
            >>> days[1] - days[0], days[2] - days[1]
            (1, 1)
        """
        request = frame_request(size, antialias, None, camera, depth, ids)
        return iterate(sequence(self._client, fps, n, seconds, every, request))

    def record(self, path: str | PathLike[str], *, overwrite: bool = True) -> Recording:
        """Record the live stream as it is: no quality is lost and hardly any work is done.

        Use it around what is to be recorded, ``with space.record("live.mp4"): …``, or call ``start()`` and ``stop()``.
        While nothing moves, no frames come; the file has the duration of each. A frame of another size begins a
        further file.

        Args:
            path: ``.mp4`` or ``.mkv``.
            overwrite: whether a file of that name may be replaced.

        Raises:
            ArgumentError: another ending. FileExistsError, FileNotFoundError.
            SessionError: the stream was lost; what was recorded stays as ``….partial.mp4``.

        Example:
            >>> with space.record("moon.mp4") as recording:
            ...     arrived = space.fly_to("Moon", duration=0.5)
            >>> recording.videos[0].size
            (320, 180)
        """
        return Recording(self._client, path, overwrite)


async def sequence(
    client: Client, fps: float | None, n: int | None, length: Any, every: Any, request: FrameRequest
) -> AsyncGenerator[Frame, None]:
    """See :meth:`Frames.frames`."""
    number = frame_count(fps, n, length)
    if every is None:
        requests: Iterator[FrameRequest] = repeat(request) if number is None else repeat(request, number)
    else:
        step = seconds_of(every, "every")
        start = moment((await client.ask("state"))["time"])
        moments = count() if number is None else range(number)
        requests = (replace(request, time=iso(start + timedelta(seconds=step * i))) for i in moments)
    source = stream(client, requests, fps)
    try:
        async for frame in source:
            yield frame
    finally:
        await source.aclose()
