"""The pipes to the render host: its commands on stdin, events on stdout, one JSON object per line."""

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
    """The host's first line. ``bit_rate`` in bit/s, None to follow the frame size; ``frame_rate`` per second, None for
    as many as the machine can afford; ``api_port`` 0 for a free one, ``api_tcp_port`` 0 for none."""

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
        fields = {name: value for name, value in parse_object(raw).items() if value is not None}
        width, height = check_size(fields, DEFAULT_SIZE)
        secret = text(fields, "secret", limit=256)
        if not secret:
            raise ProtocolError("secret: must not be empty")
        return cls(
            id=integer(fields, "id", 0, 2**31, 0),
            engine=text(fields, "engine", limit=128, default="embedded"),
            width=width,
            height=height,
            frame_rate=check_frame_rate(fields) if "frame_rate" in fields else None,
            bit_rate=check_bit_rate(fields) if "bit_rate" in fields else None,
            api_port=integer(fields, "api_port", 0, 65535, 0),
            api_tcp_port=integer(fields, "api_tcp_port", 0, 65535, 0),
            session=text(fields, "session", limit=128, default=""),
            secret=secret,
            stamp=boolean(fields, "stamp", False),
        )


class HostPipe:
    """Owns the process's stdin and stdout: anything else that is printed goes to stderr from now on."""

    def __init__(self) -> None:
        self._events = os.dup(1)
        os.dup2(2, 1)
        self._received = b""

    def send(self, event: str, **fields: Any) -> None:
        """Write one event. A host that is gone is no error: end of file on stdin follows."""
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

    def listen(self, on_line: Callable[[bytes], None], on_closed: Callable[[], None]) -> None:
        """Call ``on_line`` with each further line and ``on_closed`` at end of file, from a daemon thread."""

        def read() -> None:
            with contextlib.suppress(RuntimeError, ProtocolError):  # the event loop is closed: the process is ending
                while (line := self.read_line()) is not None:
                    on_line(line)
            with contextlib.suppress(RuntimeError):
                on_closed()

        threading.Thread(target=read, name="host-pipe", daemon=True).start()
