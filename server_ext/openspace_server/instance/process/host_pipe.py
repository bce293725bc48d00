"""The two pipes to the render host: its commands on stdin, our events on stdout, one JSON object a line."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openspace_server.protocols.fields import ProtocolError, boolean, integer, parse_object, text
from openspace_server.protocols.limits import DEFAULT_SIZE, check_bit_rate, check_frame_rate, check_size

MAX_LINE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Configuration:
    """The host's first line. ``bit_rate`` in bit/s, None to follow the picture's size; ``frame_rate`` per second,
    None for as many as the machine can afford; ``api_port`` 0 for a free one, ``api_tcp_port`` 0 for none."""

    id: int
    engine: str
    width: int
    height: int
    frame_rate: int | None
    bit_rate: int | None
    api_port: int
    api_tcp_port: int
    session: str
    secret: str
    stamp: bool

    @classmethod
    def decode(cls, raw: str | bytes) -> Configuration:
        """Raises ProtocolError naming the field that is wrong."""
        given = {name: value for name, value in parse_object(raw).items() if value is not None}
        width, height = check_size(given, DEFAULT_SIZE)
        secret = text(given, "secret", limit=256)
        if not secret:
            raise ProtocolError("secret: must not be empty")
        return cls(
            id=integer(given, "id", 0, 2**31, 0),
            engine=text(given, "engine", limit=128, default="embedded"),
            width=width,
            height=height,
            frame_rate=check_frame_rate(given) if "frame_rate" in given else None,
            bit_rate=check_bit_rate(given) if "bit_rate" in given else None,
            api_port=integer(given, "api_port", 0, 65535, 0),
            api_tcp_port=integer(given, "api_tcp_port", 0, 65535, 0),
            session=text(given, "session", limit=128, default=""),
            secret=secret,
            stamp=boolean(given, "stamp", False),
        )


class HostPipe:
    """Owns the process's stdin and stdout: what else is printed goes to stderr from now on."""

    def __init__(self) -> None:
        self._events = os.dup(1)
        os.dup2(2, 1)
        self._received = b""

    def send(self, event: str, **fields: Any) -> None:
        """Write one event. A host that is gone is no error: its end of file on stdin tells."""
        line = json.dumps({"event": event, **fields}, separators=(",", ":")) + "\n"
        with contextlib.suppress(OSError):
            os.write(self._events, line.encode())

    def read_line(self) -> bytes | None:
        """The next line, None at end of file. Blocks. Raises ProtocolError for a line beyond 64 KiB."""
        while b"\n" not in self._received:
            if len(self._received) > MAX_LINE_BYTES:
                raise ProtocolError(f"line longer than {MAX_LINE_BYTES} bytes")
            try:
                part = os.read(0, 65536)
            except OSError:
                part = b""
            if not part:
                return None
            self._received += part
        line, self._received = self._received.split(b"\n", 1)
        return line

    def listen(self, command: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        """Call ``command`` with each further line and ``ended`` at end of file, from a daemon thread."""

        def read() -> None:
            with contextlib.suppress(RuntimeError, ProtocolError):  # the event loop is closed: we are ending anyway
                while (line := self.read_line()) is not None:
                    command(line)
            with contextlib.suppress(RuntimeError):
                ended()

        threading.Thread(target=read, name="host-pipe", daemon=True).start()
