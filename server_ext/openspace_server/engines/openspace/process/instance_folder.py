"""The folder of one instance: links to what an installation only reads, own files for all that is written.

OpenSpace reads and writes ``settings.json``, logs, caches and ports by its ``openspace.cfg``; two processes on one set
of them clash. So each instance gets a base folder of its own, whose ``openspace.cfg`` (and ``openspace.cfg.override``,
which newer releases run after it) ends in lines of ours.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.process.installation import CONFIGURATION, Installation
from openspace_server.engines.openspace.settings import OpenSpaceSettings

PREFIX = "openspace-instance-"
WINDOW_FILE = "window.json"
WINDOW_NAME = "OpenSpace"
HORIZONTAL_VIEW = 80.0
"""Degrees that a frame is wide, as in the window files that come with OpenSpace."""

_OWN = frozenset({CONFIGURATION, f"{CONFIGURATION}.override", "settings.json", "imgui.ini"})
_WRITTEN = frozenset({"user", "cache", "cache_gdal", "logs", "temp", "screenshots", "recordings"})


@dataclass(frozen=True)
class Ports:
    """Free ports of this machine: the API over TCP and WebSocket, the web GUI's, and the window manager library's."""

    tcp: int
    web_socket: int
    web_gui: int
    cluster: int


def free_ports(web_socket: int = 0, tcp: int = 0) -> Ports:
    """Ports that are free now; the API's are the arguments unless 0. Raises EngineError if one is taken."""
    sockets = []
    try:
        for requested in (web_socket, tcp, 0, 0):
            probe = socket.socket()
            sockets.append(probe)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", requested))
            except OSError:
                raise EngineError(
                    f"port {requested} for OpenSpace's API is in use: end what uses it, or start the render host with "
                    "another --api-port (0 = free ones)"
                ) from None
        first, *rest = (probe.getsockname()[1] for probe in sockets)
    finally:
        for probe in sockets:
            probe.close()
    return Ports(rest[0], first, rest[1], rest[2])


@dataclass(frozen=True)
class InstanceFolder:
    """A folder that one instance owns; :attr:`base` is OpenSpace's ``${BASE}``."""

    root: Path
    ports: Ports

    @property
    def base(self) -> Path:
        return self.root / "base"

    @property
    def configuration(self) -> Path:
        return self.base / CONFIGURATION

    @property
    def window_file(self) -> Path:
        return self.base / WINDOW_FILE

    @property
    def user(self) -> Path:
        return self.root / "user"

    @property
    def screenshots(self) -> Path:
        return self.user / "screenshots"

    @property
    def points(self) -> Path:
        """Where points are written that OpenSpace reads."""
        return self.root / "points"

    @property
    def console(self) -> Path:
        """What OpenSpace wrote to its console."""
        return self.root / "console.log"

    @property
    def authority(self) -> Path:
        """The key to the virtual display."""
        return self.root / "Xauthority"

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


def make_folder(
    installation: Installation, settings: OpenSpaceSettings, ports: Ports, size: tuple[int, int], slot: int
) -> InstanceFolder:
    """A new folder, readable by this user only. Raises EngineError if it cannot be made."""
    try:
        remove_orphans(Path(tempfile.gettempdir()))
        folder = InstanceFolder(Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")), ports)
        try:
            _fill(folder, installation, settings, size, slot)
        except BaseException:
            folder.remove()
            raise
    except OSError as problem:
        raise EngineError(f"OpenSpace's own folder for this session cannot be made: {problem}") from None
    return folder


def _fill(
    folder: InstanceFolder, installation: Installation, settings: OpenSpaceSettings, size: tuple[int, int], slot: int
) -> None:
    folder.base.mkdir()
    for entry in installation.base.iterdir():
        if entry.name not in _OWN and entry.name not in _WRITTEN:
            _link(folder.base / entry.name, entry)
    for name in ("user", "cache", "logs", "temp"):
        (folder.root / name).mkdir()
    data = installation.user_folder(settings) / "data"
    if data.is_dir():
        _link(folder.user / "data", data)
    (folder.user / "screenshots").mkdir()
    (folder.user / "recordings").mkdir()
    sync = (settings.sync or installation.base / "sync").resolve()
    sync.mkdir(parents=True, exist_ok=True)
    ours = override(folder, sync)
    folder.configuration.write_text(_text(installation.configuration) + ours, "utf-8")
    theirs = _text(installation.configuration.with_name(f"{CONFIGURATION}.override"))
    folder.configuration.with_name(f"{CONFIGURATION}.override").write_text(theirs + ours, "utf-8")
    folder.window_file.write_text(
        json.dumps(window_file(*size, folder.ports.cluster, slot if installation.streams else None), indent=2)
    )
    folder.authority.touch(mode=0o600)
    folder.authority.write_bytes(authority_entry(secrets.token_bytes(16)))


def remove_orphans(parent: Path) -> None:
    """Delete what instances left that were killed together with their watchdogs, as a crash of the machine does."""
    for left in parent.glob(f"{PREFIX}*-*"):
        pid = left.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # asking would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def override(folder: InstanceFolder, sync: Path) -> str:
    """Lua for the end of ``openspace.cfg``, right for releases with ``Server`` on top and within the modules."""
    own = {
        "USER": folder.user,
        "CACHE": folder.root / "cache",
        "LOGS": folder.root / "logs",
        "TEMPORARY": folder.root / "temp",
        "SCREENSHOTS": folder.screenshots,
        "RECORDINGS": folder.user / "recordings",
        "SYNC": sync,
    }
    ports = folder.ports
    return "\n".join(
        [
            "",
            "-- What follows is this instance's own.",
            *(f"Paths.{name} = {_lua_text(path)}" for name, path in own.items()),
            "ModuleConfigurations = ModuleConfigurations or {}",
            "ModuleConfigurations.CefWebGui = ModuleConfigurations.CefWebGui or {}",
            "ModuleConfigurations.CefWebGui.Visible = false",
            "ModuleConfigurations.WebBrowser = ModuleConfigurations.WebBrowser or {}",
            "ModuleConfigurations.WebBrowser.Enabled = false",
            "ModuleConfigurations.WebGui = ModuleConfigurations.WebGui or {}",
            f"ModuleConfigurations.WebGui.HttpPort = {ports.web_gui}",
            "for _, server in pairs({ Server or false, ModuleConfigurations.Server or false }) do",
            "  for _, interface in ipairs(server and server.Interfaces or {}) do",
            f'    if interface.Type == "TcpSocket" then interface.Port = {ports.tcp} else interface.Port = '
            f"{ports.web_socket} end",
            "    interface.Enabled = true",
            '    interface.DefaultAccess = "Deny"',
            '    interface.AllowAddresses = { "127.0.0.1", "localhost" }',
            "    interface.RequirePasswordAddresses = {}",
            "    interface.DenyAddresses = {}",
            "  end",
            "end",
            "ScreenshotUseDateTime = false",
            "",
        ]
    )


def window_file(width: int, height: int, cluster_port: int, stream_id: int | None = None) -> dict[str, object]:
    """SGCT's window file: one window of ``width`` x ``height`` pixels at the display's corner, without a GUI; two of
    them, the second of which is streamed as ``stream_id``, for the streaming build."""
    half = math.radians(HORIZONTAL_VIEW / 2)
    vertical = 2 * math.degrees(math.atan(math.tan(half) * height / width))
    view = {
        "projection": {
            "type": "PlanarProjection",
            "fov": {"hfov": HORIZONTAL_VIEW, "vfov": vertical},
            "orientation": {"yaw": 0.0, "pitch": 0.0, "roll": 0.0},
        }
    }
    window = {
        "name": WINDOW_NAME,
        "border": False,
        "resizable": True,
        "fullscreen": False,
        "draw2d": False,
        "pos": {"x": 0, "y": 0},
        "size": {"x": width, "y": height},
        "viewports": [view],
    }
    windows = [window] if stream_id is None else [window, window]
    content: dict[str, object] = {
        "version": 1,
        "masteraddress": "localhost",
        "settings": {"display": {"swapinterval": 0}},
        "nodes": [{"address": "localhost", "port": cluster_port, "windows": windows}],
        "users": [{"eyeseparation": 0.06, "position": {"x": 0.0, "y": 0.0, "z": 0.0}}],
    }
    return content if stream_id is None else content | {"webrtcid": stream_id}


def authority_entry(cookie: bytes) -> bytes:
    """One line of an X authority file: ``cookie`` opens any display of this machine that knows it."""

    def counted(part: bytes) -> bytes:
        return len(part).to_bytes(2, "big") + part

    local = 256
    here = socket.gethostname().encode()
    return b"".join((local.to_bytes(2, "big"), *map(counted, (here, b"", b"MIT-MAGIC-COOKIE-1", cookie))))


def _link(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target.resolve(), target_is_directory=target.is_dir())
    except OSError as problem:
        hint = ": links need Windows' developer mode" if os.name == "nt" else ""
        raise OSError(f"{problem}{hint}") from None


def _text(file: Path) -> str:
    return file.read_text("utf-8", "replace").rstrip() + "\n" if file.is_file() else ""


def _lua_text(path: Path) -> str:
    return '"' + path.as_posix().replace("\\", "\\\\").replace('"', '\\"') + '"'
