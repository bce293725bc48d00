"""The watchdog: a small process that starts OpenSpace and its display and ends both when its instance is gone.

Started as ``python -m openspace_server.engines.openspace.process.watchdog`` in a process session of its own, so that
nothing that ends the instance ends it as well. It reads one JSON line, ``{"folder", "screen": [w, h] | null,
"command", "cwd", "environment", "console", "authority"}``, and writes events: ``{"event": "display", "name"}``,
``{"event": "started", "pid"}``, ``{"event": "failed", "reason"}``, ``{"event": "ended", "code"}``. End of file on its
stdin, however the instance ended, is the sign to end everything and to delete ``folder``.

Needs nothing but the standard library, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

GRACE = 2.0
"""Seconds that a process has to end after it was asked to."""
DISPLAY_TIMEOUT = 15.0
_PR_SET_PDEATHSIG = 1


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
        signal.signal(number, lambda *_: sys.exit(0))
    line = sys.stdin.readline()
    if not line:
        return 0
    request = json.loads(line)
    watchdog = Watchdog(request)
    try:
        watchdog.run()
    finally:
        watchdog.end()
    return 0


class Watchdog:
    """Starts the processes and ends them."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request
        self._display: subprocess.Popen[bytes] | None = None
        self._display_number = ""
        self._program: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Until stdin ends, or something cannot be started."""
        environment = dict(os.environ) | self._request["environment"]
        try:
            if self._request["screen"] is not None:
                environment["DISPLAY"] = self._open_display(*self._request["screen"])
                environment["XAUTHORITY"] = self._request["authority"]
                send_event("display", name=environment["DISPLAY"])
            with Path(self._request["console"]).open("ab") as console:
                self._program = subprocess.Popen(
                    self._request["command"],
                    cwd=self._request["cwd"],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    **own_process_group(),
                )
        except (OSError, DisplayError) as problem:
            send_event("failed", reason=str(problem))
        else:
            send_event("started", pid=self._program.pid)
            threading.Thread(target=self._watch, args=(self._program,), daemon=True).start()
        while os.read(0, 4096):
            pass

    def end(self) -> None:
        """End everything, the program first, and delete the folder."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for process in (self._program, self._display):
            if process is not None:
                end_tree(process)
        if self._display_number.isdigit():  # what a killed display leaves behind
            for left in (f"/tmp/.X{self._display_number}-lock", f"/tmp/.X11-unix/X{self._display_number}"):
                with contextlib.suppress(OSError):
                    Path(left).unlink()
        shutil.rmtree(self._request["folder"], ignore_errors=True)

    def _watch(self, program: subprocess.Popen[bytes]) -> None:
        send_event("ended", code=program.wait())

    def _open_display(self, width: int, height: int) -> str:
        xvfb = shutil.which("Xvfb")
        if xvfb is None:
            raise DisplayError("there is no Xvfb here")
        theirs, ours = os.pipe()
        # -displayfd: it chooses a free number itself, so two at once cannot choose the same.
        command = [xvfb, "-displayfd", str(ours), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
        command += ["-noreset", "-auth", self._request["authority"], "-s", "0", "-dpms"]
        # Not to OpenSpace's console: it reports every number that is taken, and that is not what OpenSpace last said.
        notes = Path(self._request["console"]).with_name("display.log")
        with notes.open("ab") as log:
            self._display = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(ours,), **own_process_group()
            )
        os.close(ours)
        said = b""
        while not said.endswith(b"\n"):
            if not select.select([theirs], [], [], DISPLAY_TIMEOUT)[0]:
                raise DisplayError(f"Xvfb was not ready within {DISPLAY_TIMEOUT:g} s")
            part = os.read(theirs, 64)
            if not part:
                said_last = notes.read_text("utf-8", "replace").strip().splitlines()[-1:]
                raise DisplayError(": ".join(["Xvfb ended at once", *said_last]))
            said += part
        os.close(theirs)
        self._display_number = said.decode().strip()
        return f":{self._display_number}"


class DisplayError(Exception):
    """There is no display for OpenSpace."""


def own_process_group() -> dict[str, Any]:
    """Keywords for Popen: a process group of its own, which ends with the watchdog even when that is killed."""
    if os.name == "nt":
        return {"creationflags": 0x00000200}  # CREATE_NEW_PROCESS_GROUP
    keywords: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        keywords["preexec_fn"] = lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return keywords


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End ``process`` and what it started: politely, then for certain."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        process.wait()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def send_event(event: str, **fields: Any) -> None:
    """Write one event to stdout."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps({"event": event, **fields}).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
