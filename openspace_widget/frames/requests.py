"""Frame requests, made of what users pass as arguments."""

from __future__ import annotations

from typing import Any

from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.frame_request import FrameRequest
from openspace_server.protocols.limits import check_size
from openspace_widget.errors import ArgumentError
from openspace_widget.units import iso, moment, seconds


def checked_size(size: Any) -> tuple[int, int]:
    """``size`` as ``(width, height)``. Raises ArgumentError."""
    try:
        width, height = size
        return check_size({"width": width, "height": height})
    except (TypeError, ValueError) as problem:
        reason = problem if isinstance(problem, ProtocolError) else f"expected (width, height), got {size!r}"
        raise ArgumentError(f"size: {reason}") from None


def frame_request(
    size: Any = None,
    antialias: Any = None,
    time: Any = None,
    camera: Any = None,
    depth: Any = False,
    ids: Any = False,
) -> FrameRequest:
    """The request for a frame with these arguments of :meth:`OpenSpace.frame`. Raises ArgumentError."""
    if size is not None:
        size = checked_size(size)
    if time is not None:
        time = iso(moment(time))
    try:
        return FrameRequest(size, antialias, time, camera, bool(depth), bool(ids))
    except ProtocolError as problem:
        raise ArgumentError(str(problem)) from None


def frame_count(fps: float | None, n: int | None, length: Any) -> int | None:
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
