"""Signaling of the published streaming system: ``REGISTER``, ``SESSION``, ``SDP`` and ``ICE`` as JSON, acknowledged by
literal texts. A host (OpenSpace with GStreamer) has the id N, its only viewer (the web GUI) 100 + N.

A real host aborts when it gets an SDP that it does not expect or an incomplete candidate, so none is made here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from openspace_server.protocols.fields import ProtocolError, describe, integer, parse_object
from openspace_server.protocols.signaling import MAX_SDP

TYPES = ("REGISTER", "SESSION", "SDP", "ICE")
REGISTERED = "REGISTER"
SESSION_OK = "SESSION_OK"
VIEWER_BASE = 100
MAX_CANDIDATE = 2048
LEAST_CANDIDATES = 6
"""The web GUI counts candidates, including repeated ones, and answers only after this many."""


@dataclass(frozen=True)
class Published:
    """One message. ``sdp`` is ``(type, text)`` in SDP messages, ``candidate`` the browser's object in ICE messages."""

    type: str
    caller: int
    sdp: tuple[str, str] | None = None
    candidate: dict[str, Any] | None = None

    @property
    def is_viewer(self) -> bool:
        return self.caller >= VIEWER_BASE

    @property
    def host(self) -> int:
        """The id of the calling host, or of the host that the caller watches."""
        return self.caller - VIEWER_BASE if self.is_viewer else self.caller


def is_published(message: dict[str, Any]) -> bool:
    return message.get("type") in TYPES


def decode(raw: str | bytes) -> Published:
    """Raises ProtocolError naming the field that is wrong."""
    message = parse_object(raw)
    type = message.get("type")
    if type not in TYPES:
        raise ProtocolError(f"type: expected one of {', '.join(TYPES)}, got {describe(type)}")
    caller = integer(message, "caller_id", 0, 2 * VIEWER_BASE - 1)
    content = message.get("content")
    if type == "SDP":
        return Published(type, caller, sdp=_sdp(content))
    if type == "ICE":
        return Published(type, caller, candidate=_candidate(content))
    return Published(type, caller)


def sdp(caller: int, type: str, text: str) -> str:
    return json.dumps({"type": "SDP", "caller_id": caller, "content": {"sdp": {"type": type, "sdp": text}}})


def ice(caller: int, candidate: dict[str, Any]) -> str:
    return json.dumps({"type": "ICE", "caller_id": caller, "content": {"ice": candidate}})


def error(reason: str) -> str:
    """A text that viewers show, and that makes hosts retry."""
    return f"ERROR {reason}"


def usable(candidate: dict[str, Any]) -> bool:
    """Whether a real host accepts this candidate."""
    index = candidate.get("sdpMLineIndex")
    line = candidate.get("candidate")
    is_index = isinstance(index, int) and not isinstance(index, bool) and index >= 0
    return is_index and isinstance(line, str) and line.startswith("candidate:")


def candidates_of(text: str) -> list[dict[str, Any]]:
    """The candidates within an SDP, as messages of their own; repeated until there are :data:`LEAST_CANDIDATES`."""
    found: list[dict[str, Any]] = []
    sections = re.split(r"^(?=m=)", text, flags=re.MULTILINE)[1:]
    for index, section in enumerate(sections):
        lines = re.findall(r"^a=(candidate:[^\r\n]+)", section, re.MULTILINE)
        found.extend({"candidate": line, "sdpMLineIndex": index} for line in lines)
    repeats = -(-LEAST_CANDIDATES // len(found)) if found else 0
    return found * max(1, repeats)


def _sdp(content: Any) -> tuple[str, str]:
    inner = content.get("sdp") if isinstance(content, dict) else None
    if not isinstance(inner, dict) or inner.get("type") not in ("offer", "answer"):
        raise ProtocolError(f"content: expected an SDP of type offer or answer, got {describe(content)}")
    text = inner.get("sdp")
    if not isinstance(text, str) or len(text) > MAX_SDP:
        raise ProtocolError(f"content: expected an SDP of at most {MAX_SDP} characters")
    return str(inner["type"]), text


def _candidate(content: Any) -> dict[str, Any] | None:
    inner = content.get("ice") if isinstance(content, dict) else None
    if inner is None:
        return None  # the end of candidates
    if not isinstance(inner, dict) or len(str(inner.get("candidate"))) > MAX_CANDIDATE:
        raise ProtocolError(f"content: expected an ICE candidate, got {describe(inner)}")
    return inner
