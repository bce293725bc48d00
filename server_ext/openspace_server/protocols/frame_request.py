"""Frame requests: which frame is requested by the verb ``frame``, and in which pixel format it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openspace_server.protocols.fields import ProtocolError, boolean, describe, text
from openspace_server.protocols.limits import check_antialias, check_size

FORMATS = ("rgb", "i420")
MAX_TIME_LENGTH = 64


@dataclass(frozen=True)
class FrameRequest:
    """The next live frame, or a still: a frame made next to the live view.

    The only definition, used by the kernel side, the instance and engines. A value is valid once it exists.

    Attributes:
        size: ``(width, height)``, each 64 to 8192 pixels and at most 7680 x 4320 of them; None for the live view's.
        antialias: samples per pixel: 1 (as the live view), 2, 4, 8 or 16; None for the engine's default.
        time: ISO 8601; None for the present simulation time.
        camera: a navigation state, ``Timestamp`` not applied; None for the present one, which keeps its position
            relative to its anchor also at another ``time``.
        depth, ids: whether to send the depth and the body of each pixel.
        format: ``"rgb"``, or ``"i420"``, the planes that video encoders take.

    Raises:
        ProtocolError: naming the argument that is wrong.
    """

    size: tuple[int, int] | None = None
    antialias: int | None = None
    time: str | None = None
    camera: dict[str, Any] | None = None
    depth: bool = False
    ids: bool = False
    format: str = "rgb"

    def __post_init__(self) -> None:
        fields = self._fields()
        if self.size is not None:
            object.__setattr__(self, "size", _checked_size(self.size))
        if self.antialias is not None:
            check_antialias(self.antialias)
        if self.time is not None:
            text(fields, "time", limit=MAX_TIME_LENGTH)
        if self.camera is not None and not isinstance(self.camera, dict):
            raise ProtocolError(
                f"camera: expected a navigation state, such as a frame's `camera`, got {describe(self.camera)}"
            )
        boolean(fields, "depth")
        boolean(fields, "ids")
        if self.format not in FORMATS:
            raise ProtocolError(f"format: expected rgb or i420, got {describe(self.format)}")
        if self.format == "i420" and self.size is not None and (self.size[0] % 2 or self.size[1] % 2):
            raise ProtocolError(f"size: i420 needs even sides, got {self.size[0]}x{self.size[1]}")

    @property
    def is_live(self) -> bool:
        """Whether the next live frame itself is requested, not a still."""
        chosen = (self.size, self.antialias, self.time, self.camera)
        return all(each is None for each in chosen) and not self.depth and not self.ids

    @classmethod
    def read(cls, arguments: dict[str, Any]) -> FrameRequest:
        """From the arguments of the verb ``frame``; others than these are ignored. Raises ProtocolError."""
        names = cls.__dataclass_fields__
        return cls(**{name: value for name, value in arguments.items() if name in names})

    def as_json(self) -> dict[str, Any]:
        """The arguments of the verb ``frame``; what has its default is left out."""
        defaults = FrameRequest.__dataclass_fields__
        chosen = {name: value for name, value in self._fields().items() if value != defaults[name].default}
        return chosen if self.size is None else chosen | {"size": list(self.size)}

    def _fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _checked_size(size: Any) -> tuple[int, int]:
    if not isinstance(size, list | tuple) or len(size) != 2:
        raise ProtocolError(f"size: expected (width, height), got {describe(size)}")
    try:
        return check_size({"width": size[0], "height": size[1]})
    except ProtocolError as problem:
        raise ProtocolError(f"size: {problem}") from None
