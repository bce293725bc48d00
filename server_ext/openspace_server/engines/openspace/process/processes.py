"""The processes of OpenSpace and its display, started and observed through their watchdog."""

from __future__ import annotations

import contextlib
import json
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.process import watchdog as watchdog
from openspace_server.engines.openspace.process.instance_folder import InstanceFolder

END_TIMEOUT = 2 * watchdog.GRACE + 2
NO_DISPLAY = (
    "OpenSpace needs a display, and {reason}: install Xvfb (Debian, Ubuntu: apt-get install xvfb; Fedora: dnf install "
    "xorg-x11-server-Xvfb), or set OPENSPACE_DISPLAY to an X display such as :0 in the render host's environment"
)
TAIL_BYTES = 16 * 1024
POLL = 0.1
KILLED = -9


class Processes:
    """Started when constructed; :meth:`close` ends everything and deletes the folder. ``on_ended`` is called, on a
    thread of its own, when OpenSpace has ended."""

    def __init__(
        self,
        folder: InstanceFolder,
        command: list[str],
        environment: dict[str, str],
        screen: tuple[int, int] | None,
        on_ended: Callable[[], None],
    ) -> None:
        self._folder = folder
        self._on_ended = on_ended
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.exit_code: int | None = None
        self.display: str | None = None
        request = {
            "folder": str(folder.root),
            "screen": screen,
            "command": command,
            "cwd": str(folder.base),
            "environment": environment,
            "console": str(folder.console),
            "authority": str(folder.authority),
        }
        # By its path: as a module it would load the package around it first.
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", str(Path(watchdog.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # so that killing the instance's group leaves it running
        )
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.write(json.dumps(request).encode() + b"\n")
        self._watchdog.stdin.flush()
        threading.Thread(target=self._read, name="watchdog", daemon=True).start()

    def wait_started(self, ending: Callable[[], bool]) -> None:
        """Return when OpenSpace's process runs and :attr:`display` is known. Raises EngineError."""
        while True:
            if ending():
                raise EngineError("stopped while OpenSpace was being started")
            with contextlib.suppress(queue.Empty):
                event = self._events.get(timeout=POLL)
                if event["event"] == "started":
                    return
                if event["event"] == "failed":
                    reason = event["reason"]
                    if "Xvfb" in reason:
                        raise EngineError(NO_DISPLAY.format(reason=reason))
                    raise EngineError(f"OpenSpace cannot be started: {reason}")

    def check(self, doing: str) -> None:
        """Raises EngineError if OpenSpace has ended, with its last words."""
        if self.exit_code is not None:
            raise EngineError(f"OpenSpace ended {doing} ({_described(self.exit_code)}){self.last_words()}")

    def console_size(self) -> int:
        try:
            return self._folder.console.stat().st_size
        except OSError:
            return 0

    def console_since(self, offset: int) -> str:
        """What OpenSpace has written to its console beyond ``offset`` bytes, the last 16 KiB at most."""
        try:
            with self._folder.console.open("rb") as console:
                console.seek(max(offset, self.console_size() - TAIL_BYTES))
                return console.read().decode(errors="replace")
        except OSError:
            return ""

    def last_words(self, count: int = 3) -> str:
        """``; it last said: …`` with the last lines of the console, and advice where they ask for some."""
        lines = [" ".join(line.split()) for line in self.console_since(0).splitlines() if line.strip()]
        if not lines:
            return ""
        said = " / ".join(line[:140] for line in lines[-count:])
        advice = next((f". {what}" for sign, what in _ADVICE if re.search(sign, said, re.IGNORECASE)), "")
        return f"; it last said: {said}{advice}"

    def close(self) -> None:
        """End everything. Safe to repeat."""
        if self._watchdog.stdin is not None and not self._watchdog.stdin.closed:
            with contextlib.suppress(OSError):
                self._watchdog.stdin.close()
        try:
            self._watchdog.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._watchdog.kill()
            self._watchdog.wait()
        self._folder.remove()

    def _read(self) -> None:
        assert self._watchdog.stdout is not None
        with self._watchdog.stdout as events:
            for line in events:
                event = json.loads(line)
                if event["event"] == "display":
                    self.display = event["name"]
                elif event["event"] == "ended":
                    self.exit_code = event["code"]
                    self._on_ended()
                self._events.put(event)
        if self.exit_code is None:  # the watchdog itself is gone, and what it started with it
            self.exit_code = KILLED
            self._on_ended()


_ADVICE = (
    (r"profile", "check the profile, or choose another one with OPENSPACE_PROFILE"),
    (
        r"opengl.*(version|context|support|4\.\d)|glxbadfbconfig|could not open the window",
        "OpenSpace 0.22 and later needs OpenGL 4.6: use a display with a GPU (OPENSPACE_DISPLAY), VirtualGL "
        "(OPENSPACE_LAUNCHER='vglrun -d egl'), or a newer Mesa",
    ),
    (r"error while loading shared libraries", "install the library that is named"),
    (r"no space left", "free some disk space"),
)
"""What to do about last words that match."""


def _described(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Whether ``condition`` came true within ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
