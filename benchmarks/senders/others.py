"""What others would build, each as a system to measure."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page

from benchmarks.senders.measure import System, family
from openspace_server.render_host.instance_process import one_thread
from tests.e2e.lab import Sheet, start_server, stop_server

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = "python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice"
PACKAGES += " gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
RFB = "jupyter_rfb==1.0.2"
LAB_VIEWPORT = (1800, 1100)


class Missing(Exception):
    """A system that cannot be measured here, and why."""


def aiortc_h264(folder: Path) -> contextlib.AbstractContextManager[System]:
    return _peer("stock aiortc, H.264", [sys.executable, "-m", "benchmarks.senders.stock_aiortc", "H264"], folder)


def aiortc_vp8(folder: Path) -> contextlib.AbstractContextManager[System]:
    return _peer(
        "stock aiortc, VP8 (its default)", [sys.executable, "-m", "benchmarks.senders.stock_aiortc", "VP8"], folder
    )


def gstreamer(folder: Path) -> contextlib.AbstractContextManager[System]:
    needed = (
        "import gi; gi.require_version('GstWebRTC', '1.0'); from gi.repository import Gst, GstWebRTC; Gst.init(None);"
    )
    needed += (
        "assert all(map(Gst.ElementFactory.find, ('webrtcbin', 'x264enc', 'nicesrc', 'dtlssrtpenc', 'rtph264pay')))"
    )
    if (
        not Path(SYSTEM_PYTHON).exists()
        or subprocess.run([SYSTEM_PYTHON, "-c", needed], capture_output=True).returncode
    ):
        raise Missing(f"GStreamer is not complete: apt install {PACKAGES}")
    file = folder / "pictures"
    drawer = [sys.executable, "-m", "benchmarks.senders.drawer", str(file)]
    return _peer("GStreamer webrtcbin, x264", [SYSTEM_PYTHON, str(HERE / "gstreamer.py"), str(file), *drawer], folder)


@contextlib.contextmanager
def _peer(name: str, command: list[str], folder: Path) -> Iterator[System]:
    """A sender that speaks JSON lines, and the page that watches it."""
    environment = one_thread(os.environ) | {"PYTHONPATH": f"{ROOT}:{ROOT / 'server_ext'}"}
    sender = subprocess.Popen(
        [*command, "--references", str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
    )  # fmt: skip
    server = ThreadingHTTPServer(("127.0.0.1", 0), _signaling(sender))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def open(page: Page) -> None:
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_function("document.body.dataset.connected && probe.presented > 5", timeout=30_000)

    try:
        yield System(name, open, "#view", lambda: {"sender": family(psutil.Process(sender.pid))}, folder)
    finally:
        server.shutdown()
        everything = family(psutil.Process(sender.pid))
        sender.kill()
        for process in everything:
            with contextlib.suppress(psutil.Error):
                process.kill()
        sender.wait()


def _signaling(sender: subprocess.Popen[str]) -> type[BaseHTTPRequestHandler]:
    class Signaling(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say((HERE / "page.html").read_bytes(), "text/html")

        def do_POST(self) -> None:
            assert sender.stdin is not None
            assert sender.stdout is not None
            body = self.rfile.read(int(self.headers["Content-Length"]))
            offering = self.path == "/offer"
            sender.stdin.write('{"want": "offer"}\n' if offering else json.dumps(json.loads(body)) + "\n")
            sender.stdin.flush()
            self._say(sender.stdout.readline().encode() if offering else b"{}", "application/json")

        def _say(self, content: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Signaling


@contextlib.contextmanager
def jupyter_rfb(folder: Path) -> Iterator[System]:
    """A notebook with the widget in JupyterLab; the package is laid over the environment for this server only."""
    overlay = ROOT / "benchmarks" / ".peers"
    if not (overlay / "jupyter_rfb").is_dir():
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(overlay),
            RFB,
            "simplejpeg",
        ]
        if subprocess.run(install).returncode:
            raise Missing(f"pip could not install {RFB}")
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "BENCHMARK_REFERENCES")}
    os.environ["PYTHONPATH"] = f"{ROOT}:{ROOT / 'server_ext'}:{overlay}"
    os.environ["BENCHMARK_REFERENCES"] = str(folder)
    try:
        lab = start_server(folder / "server", "jupyterlab", "lab/tree/", "LabApp", [])
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

    def open(page: Page) -> None:
        cells = ["from benchmarks.senders.rfb_widget import SceneWidget\nwidget = SceneWidget()\nwidget"]
        sheet = Sheet(page, lab, lab.notebook("peer.ipynb", cells)).open()
        sheet.page.keyboard.press("Control+b")
        sheet.run(0)
        page.locator(".renderview-wrapper img").wait_for(timeout=30_000)
        page.locator(".renderview-wrapper img").scroll_into_view_if_needed()

    def processes() -> dict[str, list[psutil.Process]]:
        server = psutil.Process(lab.process.pid)
        return {"sender": server.children(recursive=True), "servers": [server]}

    key = "probe.keyOf = (event) => Math.round(event.offsetX);"
    try:
        yield System(
            "jupyter_rfb, JPEG through the comm", open, ".renderview-wrapper img", processes, folder, key, LAB_VIEWPORT
        )
    finally:
        stop_server(lab)
