"""REST request bodies as typed values; every refusal names the field."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from openspace_server.protocols.fields import ProtocolError, boolean, describe, number, parse_object, text
from openspace_server.protocols.limits import DEFAULT_SIZE, check_size
from openspace_server.protocols.signaling import Role

MAX_BODY_BYTES = 64 * 1024
MAX_NAME = 128
MAX_KEY = 128
DEFAULT_HOURS = 24.0
MAX_HOURS = 30 * 24.0
"""How long a share link is valid: by default, and at most."""
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories: controls, lone surrogates (no UTF-8), line and paragraph separators."""


@dataclass(frozen=True)
class NewSession:
    """What ``POST sessions`` asks for; sizes in pixels. ``region`` is preferred, not required; with ``queue``, it waits
    for a slot if none is free."""

    name: str
    engine: str
    width: int
    height: int
    region: str = ""
    queue: bool = False

    @property
    def digest(self) -> str:
        """Tells apart two requests that carry the same idempotency key."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def decode_new_session(body: bytes, default_engine: str, engines: Collection[str]) -> NewSession:
    """Decode the body of ``POST sessions``; an empty body means all defaults.

    Raises:
        ProtocolError: naming the field and what was expected.
    """
    message = _object(body, ("engine", "width", "height", "name", "region", "queue"))
    engine = text(message, "engine", limit=64, default=default_engine)
    if engine not in engines:
        raise ProtocolError(f"engine: expected one of {', '.join(engines)}, got {describe(engine)}")
    name = text(message, "name", limit=MAX_NAME, default="")
    if any(unicodedata.category(character) in UNPRINTABLE for character in name):
        raise ProtocolError(f"name: has characters that cannot be shown: {describe(name)}")
    width, height = check_size(message, DEFAULT_SIZE)
    region = text(message, "region", limit=64, default="")
    return NewSession(name, engine, width, height, region, boolean(message, "queue", False))


def decode_resolution(body: bytes) -> tuple[int, int]:
    """Decode the body of ``PATCH sessions/{id}``: ``(width, height)`` in pixels, both required.

    Raises:
        ProtocolError: naming the field and what was expected.
    """
    return check_size(_object(body, ("width", "height")))


def decode_share(body: bytes) -> tuple[Role, float]:
    """Decode the body of ``POST sessions/{id}/shares``: the role, and for how many hours.

    Raises:
        ProtocolError: naming the field and what was expected.
    """
    message = _object(body, ("role", "hours"))
    role = text(message, "role", limit=16, default=Role.SPECTATOR)
    if role not in Role.__members__.values():
        raise ProtocolError(f"role: expected viewer or controller, got {describe(role)}")
    hours = number(message, "hours", DEFAULT_HOURS)
    if not 0 < hours <= MAX_HOURS:
        raise ProtocolError(f"hours: expected more than 0 and at most {MAX_HOURS:g}, got {hours:g}")
    return Role(role), hours


def decode_key(body: bytes) -> str:
    """Decode the body of ``POST sessions/{id}/enter``: the share link's key. Raises ProtocolError."""
    return text(_object(body, ("key",)), "key", limit=MAX_KEY)


def check_key(key: str | None) -> str | None:
    """The value of the header ``Idempotency-Key``, if any.

    Raises:
        ProtocolError: empty, too long or not printable ASCII.
    """
    if key is None:
        return None
    if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise ProtocolError(f"Idempotency-Key: expected 1 to {MAX_KEY} printable ASCII characters, got {describe(key)}")
    return key


def _object(body: bytes, known: tuple[str, ...]) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise ProtocolError(f"body: longer than {MAX_BODY_BYTES} bytes")
    message = parse_object(body) if body.strip() else {}
    for field in message:
        if field not in known:
            raise ProtocolError(f"{describe(field)}: unknown field; known are {', '.join(known)}")
    return message
