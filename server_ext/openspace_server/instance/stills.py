"""What the verb ``frame`` may be asked for beyond the next live picture, and how the engine is asked."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from openspace_server.engines.base import Still
from openspace_server.instance.draw_loop import DrawLoop
from openspace_server.protocols.fields import ProtocolError, boolean, describe, integer, text
from openspace_server.protocols.picture import check_size

SAMPLES = (1, 2, 4, 8, 16)
FORMATS = ("rgb", "i420")


@dataclass(frozen=True)
class Wanted:
    """``size`` in pixels, ``antialias`` samples per pixel; None: the live view's size, the engine's own choice."""

    size: tuple[int, int] | None = None
    antialias: int | None = None
    time: str | None = None
    camera: dict[str, Any] | None = None
    depth: bool = False
    ids: bool = False
    format: str = "rgb"

    @property
    def live(self) -> bool:
        """Whether the next live picture itself is what is wanted."""
        chosen = (self.size, self.antialias, self.time, self.camera)
        return all(each is None for each in chosen) and not self.depth and not self.ids

    @classmethod
    def read(cls, arguments: dict[str, Any]) -> Wanted:
        """Raises ProtocolError naming the argument that is wrong."""
        size = antialias = time = None
        if (given := arguments.get("size")) is not None:
            if not isinstance(given, list) or len(given) != 2:
                raise ProtocolError(f"size: expected [width, height], got {describe(given)}")
            size = check_size({"width": given[0], "height": given[1]})
        if arguments.get("antialias") is not None:
            antialias = integer(arguments, "antialias", 1, max(SAMPLES))
            if antialias not in SAMPLES:
                raise ProtocolError(f"antialias: expected {', '.join(map(str, SAMPLES))} samples, got {antialias}")
        if arguments.get("time") is not None:
            time = text(arguments, "time", limit=64)
        camera = arguments.get("camera")
        if camera is not None and not isinstance(camera, dict):
            raise ProtocolError(f"camera: expected a navigation state, got {describe(camera)}")
        format = text(arguments, "format", limit=16, default="rgb")
        if format not in FORMATS:
            raise ProtocolError(f"format: expected rgb or i420, got {describe(format)}")
        if format == "i420" and size is not None and (size[0] % 2 or size[1] % 2):
            raise ProtocolError(f"size: i420 needs even sides, got {size[0]}x{size[1]}")
        depth, ids = boolean(arguments, "depth", False), boolean(arguments, "ids", False)
        return cls(size, antialias, time, camera, depth, ids, format)


async def take(draw_loop: DrawLoop, wanted: Wanted) -> Still:
    """A picture beside the live one, which goes on in between. Raises EngineError."""
    arguments: dict[str, Any] = {"time": wanted.time, "camera": wanted.camera, "depth": wanted.depth, "ids": wanted.ids}
    if wanted.antialias is not None:
        arguments["antialias"] = wanted.antialias
    parts = await draw_loop.call(lambda engine, now: engine.still_in_parts(now, wanted.size, **arguments))
    try:
        while (still := await draw_loop.call(lambda engine, now: _step(parts))) is None:
            pass
        return still
    finally:
        draw_loop.call(lambda engine, now: parts.close())


def _step(parts: Generator[None, None, Still]) -> Still | None:
    try:
        next(parts)
    except StopIteration as done:
        still: Still = done.value
        return still
    return None
