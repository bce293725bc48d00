"""The command ``openspace-widget doctor``: checks of this machine, with advice on what is missing."""

from __future__ import annotations

import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from ctypes.util import find_library
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from openspace_server.protocols.supervisor import DEFAULT_API_PORT, DEFAULT_GATEWAY_PORT, DEFAULT_PORT

OLDEST_PYTHON = (3, 11)
EXTENSION = "openspace_server"
JUPYTER_TIMEOUT = 60.0
PROBE = """
import json
from openspace_server.instance.streaming.codecs import X264, probe_encoders
found = [each for each in probe_encoders(all=True) if each.choice is not X264]
print(json.dumps([[each.choice.name, each.frame_ms if each.works else 0, each.problem] for each in found]))
"""


@dataclass(frozen=True)
class Finding:
    """The result of one check, as a line: whether it is good, what was checked, and advice if it is not."""

    good: bool
    what: str
    advice: str = ""

    def __str__(self) -> str:
        advice = f"\n    → {self.advice}" if self.advice and not self.good else ""
        return f"{'✓' if self.good else '✗'} {self.what}{advice}"


def examine(host: str = "127.0.0.1") -> bool:
    """Run all checks and print a line for each; True if all are good."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # for consoles that cannot show ✓
    all_good = True
    for check in CHECKS:
        try:
            findings = list(check(host))
        except Exception as problem:  # a check that fails unexpectedly is a finding as well
            findings = [Finding(False, f"{check.__name__.strip('_')}: {type(problem).__name__}: {problem}")]
        for finding in findings:
            print(finding, flush=True)
            all_good = all_good and finding.good
    print("All checks passed." if all_good else "Something is missing: see the lines with ✗ above.")
    return all_good


def _python(_: str) -> Iterator[Finding]:
    oldest = ".".join(map(str, OLDEST_PYTHON))
    new_enough = sys.version_info >= OLDEST_PYTHON
    yield Finding(new_enough, f"Python {platform.python_version()}", f"use Python {oldest} or newer")


def _renderer(_: str) -> Iterator[Finding]:
    yield _imports("panda3d.core", "panda3d", "pip install panda3d")
    if sys.platform.startswith("linux"):
        advice = "install it: apt-get install libx11-6, or dnf install libX11"
        yield Finding(find_library("X11") is not None, "libX11 (Panda3D links to it; no X server is needed)", advice)
    try:
        pipe = importlib.import_module("openspace_server.engines.embedded.graphics.canvas")
    except ImportError as problem:
        yield Finding(False, f"renderer: {problem}", "pip install --force-reinstall openspace-widget")
        return
    found = pipe.probe()
    if found.problem:
        yield Finding(False, f"renderer: {found.problem}")
    else:
        kind = "on the GPU" if found.gpu else "in software (no usable GPU; this is sufficient for 720p)"
        yield Finding(True, f"renderer {found.renderer} through {found.pipe}, {kind}")


def _encoder(_: str) -> Iterator[Finding]:
    try:
        import av
        import numpy as np
    except ImportError as problem:
        yield Finding(False, f"H.264 encoder: {problem}", "pip install av")
        return
    try:
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = 320, 180, "yuv420p"
        codec.time_base = Fraction(1, 30)
        codec.options = {"preset": "ultrafast", "tune": "zerolatency"}
        frame = av.VideoFrame.from_ndarray(np.zeros((180, 320, 3), np.uint8), format="rgb24").reformat(format="yuv420p")
        frame.pts = 0
        packets = [*codec.encode(frame), *codec.encode(None)]
        size = sum(packet.size for packet in packets)
    except Exception as problem:
        yield Finding(False, f"H.264 encoder: {problem}", "pip install --force-reinstall av")
        return
    yield Finding(size > 0, f"H.264 encoder libx264, PyAV {av.__version__}: one frame, {size} bytes")
    yield _hardware()


def _hardware() -> Finding:
    """Hardware encoders that work; none is needed. In a child process, because a broken driver may crash."""
    try:
        done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=60, check=False)
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else []
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return Finding(True, "H.264 in hardware: the check did not finish, x264 is used")
    works = [f"{name} ({milliseconds:.1f} ms per 720p frame)" for name, milliseconds, _ in found if milliseconds]
    reasons = "; ".join(f"{name}: {reason}" for name, milliseconds, reason in found if not milliseconds)
    if works:
        return Finding(True, f"H.264 in hardware: {', '.join(works)}")
    return Finding(True, f"H.264 in hardware: none works here, x264 is used ({reasons or 'the check failed'})")


def _web_rtc(_: str) -> Iterator[Finding]:
    yield _imports("aiortc", "aiortc", "pip install aiortc")


def _ports(host: str) -> Iterator[Finding]:
    from openspace_server.render_host.host import port_is_free

    for port, use, option in (
        (DEFAULT_PORT, "supervisor", "--port"),
        (DEFAULT_GATEWAY_PORT, "gateway", "--gateway-port"),
        (DEFAULT_API_PORT, "API of slot 0", "--api-port"),
    ):
        free = port_is_free(host, port)
        advice = f"a host may be running already; if not, use another port: openspace-widget host {option} 0"
        yield Finding(free, f"port {port} ({use}) {'is free' if free else 'is in use'}", advice)


def _openspace(_: str) -> Iterator[Finding]:
    """OpenSpace is optional: it may be missing, but an installation must be usable."""
    from openspace_server.engines.base import EngineError
    from openspace_server.engines.openspace.process.installation import check_profile, find_installation
    from openspace_server.engines.openspace.settings import DIRECTORY, OpenSpaceSettings

    try:
        settings = OpenSpaceSettings.read()
        installation = find_installation(settings)
    except EngineError as problem:
        is_configured = bool(os.environ.get(DIRECTORY))
        yield Finding(
            not is_configured,
            f"OpenSpace: {problem}" if is_configured else f"OpenSpace is not installed here ({problem})",
        )
        return
    kind = ", the streaming build" if installation.streams else ""
    yield Finding(True, f"OpenSpace {installation.version} in {installation.base}{kind}")
    try:
        check_profile(installation, settings)
        yield Finding(True, f"OpenSpace's profile {settings.profile}")
    except EngineError as problem:
        yield Finding(False, str(problem))
    if sys.platform.startswith("linux"):
        yield _imports("Xlib", "python-xlib", "pip install python-xlib")
        if settings.display:
            yield Finding(True, f"OpenSpace draws on display {settings.display}")
        else:
            advice = "apt-get install xvfb, dnf install xorg-x11-server-Xvfb, or set OPENSPACE_DISPLAY to an X display"
            yield Finding(shutil.which("Xvfb") is not None, "Xvfb, OpenSpace's virtual display", advice)


def _jupyter(_: str) -> Iterator[Finding]:
    python_folder = str(Path(sys.executable).parent)
    jupyter = shutil.which("jupyter", path=os.pathsep.join((python_folder, os.environ.get("PATH", ""))))
    if jupyter is None:
        yield Finding(True, "Jupyter is not installed here (a render host does not need it)")
        return
    command = [jupyter, "server", "extension", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=JUPYTER_TIMEOUT, check=False)
    lines = [line for line in (listed.stdout + listed.stderr).splitlines() if EXTENSION in line]
    enabled = any("enabled" in line for line in lines)
    failed = next((line.strip() for line in lines if "X" in line.split(EXTENSION)[0].split()), "")
    what = "is enabled" if enabled else "is not enabled"
    advice = f"jupyter server extension enable {EXTENSION}"
    yield Finding(enabled, f"Jupyter server extension {EXTENSION} {what}", advice)
    if failed:
        yield Finding(False, f"Jupyter server extension: {failed}", "see: jupyter server extension list")


def _data_folder(_: str) -> Iterator[Finding]:
    from openspace_server.render_host.logs import default_log_dir

    for use, folder in (("data", _jupyter_data_folder() / "openspace"), ("logs", default_log_dir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"x")
        except OSError as problem:
            advice = f"make it writable: chmod u+rwx {folder}"
            yield Finding(False, f"folder for {use} {folder}: {problem.strerror or problem}", advice)
        else:
            yield Finding(True, f"folder for {use} {folder} is writable")


def _jupyter_data_folder() -> Path:
    try:
        from jupyter_core.paths import jupyter_data_dir
    except ImportError:
        return Path.home() / ".local" / "share" / "jupyter"
    return Path(jupyter_data_dir())


def _imports(module: str, name: str, advice: str) -> Finding:
    """Import in a child process: a broken native library may end the process instead of raising."""
    program = f"import json, {module} as m; print(json.dumps(str(getattr(m, '__version__', ''))))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 0:
        return Finding(True, f"{name} {json.loads(done.stdout.splitlines()[-1])}".strip())
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return Finding(False, f"{name}: {last}", advice)


CHECKS: tuple[Callable[[str], Iterator[Finding]], ...] = (
    _python,
    _renderer,
    _encoder,
    _web_rtc,
    _openspace,
    _ports,
    _jupyter,
    _data_folder,
)
