"""Media messages: frames over a WebSocket, for viewers that WebRTC does not reach.

Binary messages go to the viewer: a header of :data:`HEADER_BYTES` bytes (little endian), then one H.264 access unit
(Annex B, parameter sets before each key frame) or one whole image::

    offset  type     field
         0  4 bytes  magic ``OSM1``
         4  uint8    kind: 1 H.264, 2 JPEG, 3 WebP
         5  uint8    flags: bit 0 = independent of earlier frames (a key frame, any image)
         6  uint16   length of the header, after which the frame begins (more fields may be added)
         8  uint16   width in pixels
        10  uint16   height
        12  uint32   number: counts this socket's frames from 1, for acknowledgements
        16  float64  presentation time in microseconds, only grows: WebCodecs' timestamp
        24  uint32   frame id of the engine, modulo 2**32
        28  uint32   sequence number of the last input applied before drawing, modulo 2**32
        32  float64  sent at, in milliseconds of the instance's own clock

Text messages go both ways: ``input`` and all of ``control`` (``protocols/viewer.py``), and from the viewer
``{"type": "media", "mode": "h264" | "images" | "none", "format": "jpeg" | "webp"}``, first and to change the
mode, and ``{"type": "ack", "number"}`` once a frame was received (it acknowledges all earlier ones as well).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from openspace_server.protocols.fields import ProtocolError, describe, integer, text

MAGIC = b"OSM1"
_HEADER = struct.Struct("<4sBBHHHIdIId")
HEADER_BYTES = _HEADER.size
FLAG_KEY = 1
MAX_MESSAGE_BYTES = 64 * 1024
"""Longest message of a viewer."""
MAX_MEDIA_BYTES = 16 * 1024 * 1024
_UINT32 = 0xFFFFFFFF


class Kind(IntEnum):
    """Format of the frame after the header."""

    H264 = 1
    JPEG = 2
    WEBP = 3


class Mode(StrEnum):
    """Frames requested by a viewer: ``NONE`` while its view is hidden."""

    H264 = "h264"
    IMAGES = "images"
    NONE = "none"


@dataclass(frozen=True)
class MediaHeader:
    """Header of one frame, see the module's text. ``pts`` in microseconds, ``sent_at`` in milliseconds."""

    kind: Kind
    key: bool
    width: int
    height: int
    number: int
    pts: float
    frame_id: int
    input_seq: int
    sent_at: float

    def encode(self) -> bytes:
        return _HEADER.pack(
            MAGIC,
            self.kind,
            FLAG_KEY if self.key else 0,
            HEADER_BYTES,
            self.width,
            self.height,
            self.number & _UINT32,
            self.pts,
            self.frame_id & _UINT32,
            self.input_seq & _UINT32,
            self.sent_at,
        )


def decode_media(message: bytes) -> tuple[MediaHeader, bytes]:
    """Header and frame of one binary message.

    Raises:
        ProtocolError: too short, wrong magic, an unknown kind, or an impossible header length.
    """
    if len(message) < HEADER_BYTES:
        raise ProtocolError(f"media message of {len(message)} bytes is shorter than its {HEADER_BYTES} byte header")
    magic, kind, flags, length, width, height, number, pts, frame_id, input_seq, sent_at = _HEADER.unpack_from(message)
    if magic != MAGIC:
        raise ProtocolError(f"media message starts with {describe(magic)}, expected {MAGIC!r}")
    if not HEADER_BYTES <= length <= len(message):
        raise ProtocolError(f"media header announces {length} bytes of {len(message)}")
    if kind not in Kind.__members__.values():
        raise ProtocolError(f"kind: expected 1, 2 or 3, got {kind}")
    key = bool(flags & FLAG_KEY)
    header = MediaHeader(Kind(kind), key, width, height, number, pts, frame_id, input_seq, sent_at)
    return header, message[length:]


@dataclass(frozen=True)
class MediaRequest:
    """``{"type": "media", "mode", "format"}``; ``format`` says which images, for mode ``images`` only."""

    mode: Mode
    format: Kind = Kind.JPEG

    def encode(self) -> str:
        return json.dumps({"type": "media", "mode": self.mode, "format": self.format.name.lower()})

    @classmethod
    def read(cls, message: dict[str, Any]) -> MediaRequest:
        """Raises ProtocolError naming the field that is wrong."""
        mode = text(message, "mode", limit=16)
        if mode not in Mode.__members__.values():
            raise ProtocolError(f"mode: expected h264, images or none, got {describe(mode)}")
        format = text(message, "format", limit=16, default="jpeg")
        if format not in ("jpeg", "webp"):
            raise ProtocolError(f"format: expected jpeg or webp, got {describe(format)}")
        return cls(Mode(mode), Kind[format.upper()])


def read_ack(message: dict[str, Any]) -> int:
    """The number that ``{"type": "ack", "number"}`` acknowledges. Raises ProtocolError."""
    return integer(message, "number", 0, _UINT32)


def ack(number: int) -> str:
    return json.dumps({"type": "ack", "number": number})
