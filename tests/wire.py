"""Wire messages that the tests of Python and of TypeScript share, written to ``tests/fixtures/wire/``.

After a change of the wire, ``python -m tests.wire`` writes the files again. The messages come from
``openspace_server.protocols`` where it builds them; ``tests/instance/viewers/test_wire.py`` holds the others to what a
real instance sends.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tornado.httputil import parse_cookie

from openspace_server.orchestrator.store.shares import Share
from openspace_server.protocols import media, signaling, viewer
from openspace_server.protocols.media import Kind, MediaHeader, MediaRequest, Mode
from openspace_server.protocols.sessions import SessionState, SessionView, SessionWarning
from openspace_server.protocols.signaling import IceServer, Role

FOLDER = Path(__file__).parent / "fixtures" / "wire"

FRAMES = {
    # The parameter set says constrained baseline, level 3.1.
    "key": (MediaHeader(Kind.H264, True, 1280, 720, 1, 1000.0, 42, 9, 250.5), b"\0\0\0\1\x67\x42\xc0\x1f\1"),
    "delta": (MediaHeader(Kind.H264, False, 1280, 720, 2, 2000.0, 43, 9, 283.5), b"\0\0\0\1\x41\1"),
    "jpeg": (MediaHeader(Kind.JPEG, True, 640, 360, 5, 3000.0, 44, 10, 300.0), b"\xff\xd8\xff\xd9"),
    "webp": (MediaHeader(Kind.WEBP, True, 640, 360, 6, 4000.0, 45, 10, 333.0), b"RIFF"),
}
INPUT = viewer.InputTotals(0, False, {"orbitX": 0.25})
REQUEST = viewer.Request(1, "set_rate", {"rate": 60})
REPORT = viewer.Report(
    fps=40,
    loss=0.1,
    jitter_ms=1.5,
    rtt_ms=20,
    freezes=2,
    decode_ms=2,
    frames_decoded=18,
    jitter_buffer_ms=5,
    bit_rate=4_000_000,
    present_ms=3,
)
MEDIA_REQUESTS = {
    "h264": MediaRequest(Mode.H264),
    "images": MediaRequest(Mode.IMAGES),
    "none": MediaRequest(Mode.NONE),
}
CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}
ENCODER = "H.264 (x264 ultrafast, zero latency)"
STATE = {
    "type": "state",
    "time": "2026-08-12T17:45:00.000Z",
    "rate": 1.0,
    "paused": False,
    "focus": "Earth",
    "flying": False,
    "width": 1280,
    "height": 720,
    "frame_rate": 30,
    "chosen_frame_rate": None,
    "bit_rate": 4_000_000,
    "viewers": 1,
    "following": True,
    "encoder": ENCODER,
    "picks": "never",
    "controller": {"viewer": None, "owner": True},
    "requests": [],
}
VIEWER = {"viewer": "ada", "role": "controller", "owner": True, "steers": True}


def fixtures() -> dict[str, Any]:
    """The files' contents by their names."""
    return {
        "media": _media(),
        "viewer": _from_viewer(),
        "instance": _from_instance(),
        "signaling": _signaling(),
        "sessions": _sessions(),
        "tunnel": _tunnel(),
        "cookies": _cookies(),
    }


def read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def write() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in fixtures().items():
        (FOLDER / f"{name}.json").write_text(encode(content), "utf-8")


def encode(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _media() -> dict[str, Any]:
    """Binary messages of the media socket, in hexadecimal."""
    frames = {
        name: {
            "message": (header.encode() + data).hex(),
            "kind": header.kind.name.lower(),
            "key": header.key,
            "width": header.width,
            "height": header.height,
            "number": header.number,
            "timestamp": header.pts,
            "sent_at": header.sent_at,
            "data": data.hex(),
        }
        for name, (header, data) in FRAMES.items()
    }
    header, data = FRAMES["key"]
    raw = header.encode() + data
    length = media.HEADER_BYTES
    return {
        "frames": frames,
        "longer_header": {
            "message": (raw[:6] + (length + 4).to_bytes(2, "little") + raw[8:length] + b"more" + data).hex(),
            "data": data.hex(),
        },
        "malformed": {
            "short": raw[: length - 1].hex(),
            "magic": (b"OSM2" + raw[4:]).hex(),
            "kind": (raw[:4] + b"\x09" + raw[5:]).hex(),
            "header_length": (raw[:6] + (5000).to_bytes(2, "little") + raw[8:]).hex(),
        },
    }


def _from_viewer() -> dict[str, Any]:
    """Text messages that views send to the instance."""
    return {
        "input": json.loads(INPUT.encode()),
        "request": json.loads(REQUEST.encode()),
        "report": json.loads(REPORT.encode()),
        "media": {name: json.loads(request.encode()) for name, request in MEDIA_REQUESTS.items()},
        "ack": json.loads(media.ack(1)),
    }


def _from_instance() -> dict[str, Any]:
    """Text messages that the instance sends to views."""
    return {
        "hello": {
            "type": "hello",
            **VIEWER,
            "engine": {"engine": "embedded", "renderer": "software", "gpu": False},
            "targets": [
                {"identifier": "Earth", "name": "Earth", "kind": "planet"},
                {"identifier": "Moon", "name": "Moon", "kind": "moon"},
            ],
            "encoder": ENCODER,
            "state": STATE,
        },
        "state": STATE,
        "control": {
            "type": "control",
            "steers": False,
            "controller": {"viewer": "bob", "owner": False},
            "requests": ["ada"],
        },
        "stats": {
            "type": "stats",
            "frame_rate": 30.0,
            "bit_rate": 4_000_000,
            "draw_rate": 30.0,
            "draw_ms": 6.5,
            "encode_ms": 3.25,
            "frames_drawn": 300,
            "frames_encoded": 290,
            "frames_sent": 290,
            "key_frames": 2,
            "bytes_encoded": 5_000_000,
            "rungs": [
                {"rung": 0, "width": 1280, "height": 720, "frame_rate": 30.0, "bit_rate": 4_000_000, "encode_ms": 3.25}
            ],
            "queue_ms": 0.25,
            "send_ms": 0.5,
            "dropped": 0,
            "encoder": ENCODER,
            "targets": {"0": {"bit_rate": 4_000_000, "frame_rate": 30, "scale": 1.0}},
            "viewers": 1,
            "each": [
                {
                    **VIEWER,
                    "transport": "websocket h264",
                    "rung": 0,
                    "frame_rate": 30.0,
                    "bit_rate": 4_000_000,
                    "queue_ms": 0.25,
                    "send_ms": 0.5,
                    "frames_sent": 290,
                    "bytes_sent": 5_000_000,
                    "dropped": 0,
                    "round_trip_ms": 4.0,
                }
            ],
        },
        "who": {"you": "ada", "viewers": [{**VIEWER, "asks": False, "transport": "websocket h264"}]},
        "reply": json.loads(viewer.reply(1, STATE)),
        "error": json.loads(viewer.error(1, "unknown target 'Vulcan'")),
        "error_without_request": json.loads(viewer.error(None, "control message longer than 65536 bytes")),
    }


def _signaling() -> dict[str, Any]:
    servers = (IceServer(("stun:192.0.2.1",)), IceServer(("turn:192.0.2.1",), "1:a", "b"))
    return {
        "offer": json.loads(signaling.offer("v=0\r\n")),
        "answer": json.loads(signaling.answer("v=0 answer")),
        "candidate": json.loads(signaling.ice_candidate(CANDIDATE)),
        "last_candidate": {"type": "ice-candidate", "candidate": None},
        "ice_servers": {
            "type": "ice-servers",
            "ice_servers": [server.as_json() for server in servers],
            "policy": "relay",
        },
        "ping": {"type": "ping"},
        "pong": {"type": "pong"},
        "error": json.loads(signaling.error("the session has ended")),
    }


def _sessions() -> dict[str, Any]:
    """Session views and share links in REST, and messages of the events socket."""
    running = SessionView(
        id="6f1c",
        name="space",
        state=SessionState.RUNNING,
        reason="",
        engine="embedded",
        width=1280,
        height=720,
        created="2026-11-21T05:00:00.000Z",
    ).as_json()
    warning = SessionWarning("there are no viewers", "2026-11-21T09:00:00.000Z", "open it").as_json()
    share = Share(
        "1", "6f1c", Role.SPECTATOR, "2026-11-21T05:00:00.000Z", "2026-11-22T05:00:00.000Z", 86_400.0
    ).as_json()
    path = "/user/ada/openspace/stream/6f1c#share=k"
    return {
        "states": [str(state) for state in SessionState],
        "final_states": [str(state) for state in SessionState if state.is_ended],
        "running_states": [str(state) for state in SessionState if state.has_instance],
        "session": running,
        "event": {"type": "session", **running},
        "queued_event": {"type": "session", **running, "state": "REQUESTED", "place": 2},
        "warning": warning | {"seconds": 40.0},
        "no_warning": SessionWarning().as_json(),
        "error_event": {"type": "error", "reason": "closed yesterday"},
        "shares": {"shares": [share]},
        "new_share": {**share, "path": path, "url": f"https://hub.example{path}"},
    }


def _tunnel() -> dict[str, Any]:
    """Messages between a page and the kernel; ``widget.view.comm_tunnel`` lists them."""
    ours = {"road": "openspace", "socket": "m"}
    return {
        "from_page": {
            "open": {**ours, "do": "open", "channel": "media"},
            "send": {**ours, "do": "send", "text": "{}"},
            "close": {**ours, "do": "close"},
        },
        "from_kernel": {
            "opened": {**ours, "do": "opened"},
            "message": {**ours, "do": "message", "text": "{}"},
            "closed": {**ours, "do": "closed", "code": 4404, "reason": "it was closed"},
        },
    }


def _cookies() -> dict[str, Any]:
    """A ``Cookie`` header with two ``_xsrf`` cookies, and the one that the server compares with."""
    header = "a=1; _xsrf=first; b=2; _xsrf=2|last|3"
    return {"header": header, "xsrf": parse_cookie(header)["_xsrf"]}


if __name__ == "__main__":
    write()
