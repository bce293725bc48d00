"""Agent protocol, for hosts that dial in: a handshake in which both sides prove the host's secret, then sealed frames.

Handshake, as JSON text: ``challenge {nonce}`` from the orchestrator, ``hello {name, time, nonce, body, mac}`` from the
agent, ``welcome {lease, mac}`` from the orchestrator, or ``error {reason}``. ``body`` is JSON in a string, so that the
MAC covers exactly the bytes sent. After the handshake come binary frames: MAC (32 bytes) over direction, counter and
payload; payload: kind (1 byte), number (4 bytes), data.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from openspace_server.protocols.credentials import WINDOW, mac, same
from openspace_server.protocols.fields import ProtocolError, parse_object, text

MAX_HANDSHAKE_BYTES = 16 * 1024
CHUNK_BYTES = 256 * 1024
MAX_FRAME_BYTES = CHUNK_BYTES + 1024
MAC_BYTES = 32
_HEAD = struct.Struct(">BI")
TRAITS = ("region", "graphics_card", "ram", "storage", "engines")


class Kind(IntEnum):
    """Content of a frame. The frame's number is that of its command or stream."""

    COMMAND = 0
    REPLY = 1
    OPEN = 2
    TEXT = 3
    BINARY = 4
    PART = 5
    CLOSE = 6
    CREDIT = 7
    HEARTBEAT = 8


@dataclass(frozen=True)
class Frame:
    kind: Kind
    number: int
    data: bytes = b""


@dataclass(frozen=True)
class Hello:
    """The host that dials in. ``traits``: its description of itself, see TRAITS."""

    name: str
    time: str
    nonce: str
    body: str
    mac: str

    @property
    def traits(self) -> dict[str, str]:
        fields = parse_object(self.body)
        return {name: text(fields, name, limit=255) for name in TRAITS if name in fields}

    def proves(self, secret: str, challenge: str, now: float) -> bool:
        fresh = self.time.isdecimal() and len(self.time) < 13 and abs(now - int(self.time)) <= WINDOW
        return fresh and same(self.mac, _hello_mac(secret, challenge, self))

    def encode(self) -> str:
        return json.dumps({"type": "hello", **vars(self)})


def challenge(nonce: str) -> str:
    return json.dumps({"type": "challenge", "nonce": nonce})


def hello(secret: str, name: str, nonce: str, challenge_nonce: str, traits: dict[str, str], now: float) -> Hello:
    """The agent's answer to the challenge."""
    unsigned = Hello(name, str(int(now)), nonce, json.dumps(traits), "")
    return Hello(name, unsigned.time, nonce, unsigned.body, _hello_mac(secret, challenge_nonce, unsigned))


def decode_hello(raw: str | bytes) -> Hello:
    message = decode(raw, "hello")
    return Hello(**{name: text(message, name, limit=4096) for name in ("name", "time", "nonce", "body", "mac")})


def welcome(secret: str, challenge_nonce: str, nonce: str, lease: float) -> str:
    proof = mac(secret, "welcome", nonce, challenge_nonce, str(lease))
    return json.dumps({"type": "welcome", "lease": lease, "mac": proof})


def check_welcome(secret: str, challenge_nonce: str, nonce: str, message: dict[str, Any]) -> float:
    """The lease in seconds. Raises ProtocolError unless the orchestrator proves that it knows the secret."""
    lease = message.get("lease")
    if not isinstance(lease, float | int) or not 0 < lease < 1e6:
        raise ProtocolError("welcome: no lease")
    proof = mac(secret, "welcome", nonce, challenge_nonce, str(lease))
    if not same(text(message, "mac", limit=128), proof):
        raise ProtocolError("welcome: the orchestrator does not know this host's secret")
    return float(lease)


def decode(raw: str | bytes, *types: str) -> dict[str, Any]:
    """Decode a handshake message of one of ``types``. Raises ProtocolError, also for an ``error``, with its reason."""
    if isinstance(raw, bytes) or len(raw) > MAX_HANDSHAKE_BYTES:
        raise ProtocolError("handshake: expected a short text message")
    message = parse_object(raw)
    if message.get("type") == "error":
        raise ProtocolError(text(message, "reason", limit=1024, default="refused"))
    if message.get("type") not in types:
        raise ProtocolError(f"handshake: expected {' or '.join(types)}")
    return message


def session_key(secret: str, challenge_nonce: str, nonce: str) -> bytes:
    return bytes.fromhex(mac(secret, "key", challenge_nonce, nonce))


class Seal:
    """Seals the frames that one side sends, and opens those that it receives. Both sides count frames, so that none can
    be replayed or omitted."""

    def __init__(self, key: bytes, agent: bool) -> None:
        self._key = key
        self._out, self._in = (b"a", b"o") if agent else (b"o", b"a")
        self._sent = self._received = 0

    def seal(self, frame: Frame) -> bytes:
        payload = _HEAD.pack(frame.kind, frame.number) + frame.data
        proof = self._mac(self._out, self._sent, payload)
        self._sent += 1
        return proof + payload

    def open(self, raw: str | bytes) -> Frame:
        """The next frame of the other side. Raises ProtocolError for anything else."""
        if isinstance(raw, str) or len(raw) < MAC_BYTES + _HEAD.size:
            raise ProtocolError("agent connection: expected a sealed frame")
        payload = raw[MAC_BYTES:]
        if not hmac.compare_digest(raw[:MAC_BYTES], self._mac(self._in, self._received, payload)):
            raise ProtocolError("agent connection: a frame with a wrong seal")
        self._received += 1
        kind, number = _HEAD.unpack_from(payload)
        if kind not in list(Kind):
            raise ProtocolError(f"agent connection: unknown kind of frame {kind}")
        return Frame(Kind(kind), number, payload[_HEAD.size :])

    def _mac(self, direction: bytes, count: int, payload: bytes) -> bytes:
        return hmac.digest(self._key, direction + count.to_bytes(8, "big") + payload, hashlib.sha256)


def _hello_mac(secret: str, challenge_nonce: str, hello: Hello) -> str:
    return mac(secret, "hello", challenge_nonce, hello.nonce, hello.time, hello.name, hello.body)
