"""Messages of viewers and instances on the channels ``input`` and ``control`` (and on the bulk socket).

``input`` carries running totals: ``{"type": "input", "seq", "held", "axes": {...}}``. An axis holds the sum of all
motion since the channel opened, so a lost message costs nothing and a lost release cannot leave the camera drifting.
``control`` carries ``request`` → ``reply`` | ``error`` with the same ``id``, ``report`` (no answer), and unrequested
``hello``, ``state``, ``stats``, ``control``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from openspace_server.protocols.fields import ProtocolError, boolean, describe, integer, number, parse_object, text

AXES = ("orbitX", "orbitY", "zoom", "roll", "lookX", "lookY")
"""Units of the totals: orbit and look in view heights dragged (right and down positive), zoom in natural logarithms
of nearness (+1 = e times nearer the surface), roll in radians (clockwise positive)."""

MAX_CONTROL_BYTES = 64 * 1024
MAX_TOTAL = 1e9
MAX_REPORTED_MS = 600_000


@dataclass(frozen=True)
class InputTotals:
    """One input message. ``is_held``: whether a button, finger or key is down (``held`` on the wire)."""

    seq: int
    is_held: bool
    axes: dict[str, float] = field(default_factory=dict)

    def encode(self) -> str:
        return json.dumps({"type": "input", "seq": self.seq, "held": self.is_held, "axes": self.axes})

    @classmethod
    def decode(cls, raw: str | bytes) -> InputTotals:
        if len(raw) > 4096:
            raise ProtocolError("input message longer than 4096 bytes")
        message = parse_object(raw)
        if message.get("type") != "input":
            raise ProtocolError(f"type: expected input, got {describe(message.get('type'))}")
        axes = message.get("axes")
        if not isinstance(axes, dict) or not set(axes) <= set(AXES):
            raise ProtocolError(f"axes: expected an object with keys of {', '.join(AXES)}, got {describe(axes)}")
        totals = {axis: number(axes, axis) for axis in axes}
        if any(abs(total) > MAX_TOTAL for total in totals.values()):
            raise ProtocolError(f"axes: a total beyond {MAX_TOTAL:g}")
        return cls(integer(message, "seq", 0, 2**53), boolean(message, "held", False), totals)


@dataclass(frozen=True)
class Request:
    """``{"type": "request", "id", "verb", "arguments": {...}}``: the id is the sender's, echoed in the answer."""

    id: int
    verb: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> str:
        return json.dumps({"type": "request", "id": self.id, "verb": self.verb, "arguments": self.arguments})

    @classmethod
    def decode(cls, raw: str | bytes) -> Request:
        if len(raw) > MAX_CONTROL_BYTES:
            raise ProtocolError(f"control message longer than {MAX_CONTROL_BYTES} bytes")
        return cls.read(parse_object(raw))

    @classmethod
    def read(cls, message: dict[str, Any]) -> Request:
        if message.get("type") != "request":
            raise ProtocolError(f"type: expected request, got {describe(message.get('type'))}")
        arguments = message.get("arguments", {})
        if not isinstance(arguments, dict):
            raise ProtocolError(f"arguments: expected an object, got {describe(arguments)}")
        return cls(integer(message, "id", 0, 2**53), text(message, "verb", limit=64), arguments)


@dataclass(frozen=True)
class Report:
    """Measurements of a viewer's browser since its last report, about every quarter of a second.

    ``{"type": "report", "fps", "loss", "jitter_ms", "rtt_ms", "freezes", "decode_ms", "frames_decoded",
    "jitter_buffer_ms", "present_ms", "bit_rate"}``; all but ``fps`` and ``loss`` may be left out or null.

    Attributes:
        fps: frames that arrived per second.
        loss: fraction of the packets lost, 0 to 1.
        jitter_ms, rtt_ms, decode_ms (per frame), jitter_buffer_ms, present_ms (from decoded to shown): milliseconds.
        freezes, frames_decoded: counts since the connection began.
        bit_rate: that arrived, bit/s.
    """

    fps: float
    loss: float
    jitter_ms: float | None = None
    rtt_ms: float | None = None
    freezes: int = 0
    decode_ms: float | None = None
    frames_decoded: int | None = None
    jitter_buffer_ms: float | None = None
    bit_rate: float | None = None
    present_ms: float | None = None

    def encode(self) -> str:
        return json.dumps({"type": "report", **asdict(self)})

    @classmethod
    def read(cls, message: dict[str, Any]) -> Report:
        """Raises ProtocolError naming the field that is wrong."""

        def some(name: str, high: float) -> float | None:
            return None if message.get(name) is None else _between(message, name, high)

        return cls(
            fps=_between(message, "fps", 1000),
            loss=_between(message, "loss", 1),
            jitter_ms=some("jitter_ms", MAX_REPORTED_MS),
            rtt_ms=some("rtt_ms", MAX_REPORTED_MS),
            freezes=0 if message.get("freezes") is None else integer(message, "freezes", 0, 2**53),
            decode_ms=some("decode_ms", MAX_REPORTED_MS),
            frames_decoded=None
            if message.get("frames_decoded") is None
            else integer(message, "frames_decoded", 0, 2**53),
            jitter_buffer_ms=some("jitter_buffer_ms", MAX_REPORTED_MS),
            bit_rate=some("bit_rate", 1e12),
            present_ms=some("present_ms", MAX_REPORTED_MS),
        )


def decode_control(raw: str | bytes) -> Request | Report:
    """Decode a message of a viewer on ``control``. Raises ProtocolError."""
    if len(raw) > MAX_CONTROL_BYTES:
        raise ProtocolError(f"control message longer than {MAX_CONTROL_BYTES} bytes")
    message = parse_object(raw)
    if message.get("type") == "report":
        return Report.read(message)
    return Request.read(message)


def _between(message: dict[str, Any], name: str, high: float) -> float:
    value = number(message, name)
    if not 0 <= value <= high:
        raise ProtocolError(f"{name}: {value:g} is outside 0 to {high:g}")
    return value


def reply(id: int, result: Any) -> str:
    return json.dumps({"type": "reply", "id": id, "result": result})


def error(id: int | None, reason: str) -> str:
    return json.dumps({"type": "error", "id": id, "reason": reason})
