"""An installation of OpenSpace, made of the double: the folders and files of a release, as small as can be."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PATHS = """
Paths = {
  DATA = "${BASE}/data", ASSETS = "${DATA}/assets", PROFILES = "${DATA}/profiles", CONFIG = "${BASE}/config",
  USER = os.getenv("OPENSPACE_USER") or "${BASE}/user", USER_PROFILES = "${USER}/data/profiles",
  SCREENSHOTS = "${USER}/screenshots", RECORDINGS = "${USER}/recordings",
  SYNC = os.getenv("OPENSPACE_SYNC") or "${BASE}/sync", CACHE = "${BASE}/cache", LOGS = "${BASE}/logs",
  TEMPORARY = "${BASE}/temp", MODULES = "${BASE}/modules", SCRIPTS = "${BASE}/scripts",
}
"""
SERVER = """Server = {
  AllowAddresses = { "127.0.0.1", "localhost" }, SkyBrowserUpdateTime = 50,
  Interfaces = {
    { Type = "TcpSocket", Identifier = "DefaultTcpSocketInterface", Port = 4681, Enabled = true,
      DefaultAccess = "Deny", AllowAddresses = { "127.0.0.1", "localhost" }, RequirePasswordAddresses = {},
      Password = "" },
    { Type = "WebSocket", Identifier = "DefaultWebSocketInterface", Port = 4682, Enabled = true,
      DefaultAccess = "Allow", AllowAddresses = { "127.0.0.1", "localhost" }, RequirePasswordAddresses = {},
      Password = "" },
  }
}"""


def install(folder: Path, version: str = "0.22.0", loading: float = 0.1, signaling: str = "") -> Path:
    """Make an installation of ``version``, which takes ``loading`` seconds to load, in ``folder``; returns that.

    With ``signaling``, a URL that the real one has built in, it is the streaming build.
    """
    for name in (
        "bin",
        "config",
        "data/assets",
        "data/profiles",
        "modules",
        "scripts",
        "shaders",
        "user/data/profiles",
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
    double_signaling = f"OPENSPACE_DOUBLE_SIGNALING={signaling}" if signaling else ""
    program = folder / "bin" / "OpenSpace"
    program.write_text(
        f"#!/bin/sh\nexport PYTHONPATH='{ROOT}:{ROOT}/server_ext' OPENSPACE_DOUBLE_VERSION={version}\n"
        f"export OPENSPACE_DOUBLE_LOADING={loading:g} {double_signaling}\n"
        f"exec '{sys.executable}' -m tests.engines.openspace.double \"$@\"\n"
    )
    program.chmod(0o755)
    if signaling:
        (folder / "config" / "remote_gstreamer_output.json").write_text("{}")
    newer = version >= "0.22"
    modules = "ModuleConfigurations = { CefWebGui = { Enabled = true }, WebGui = { HttpPort = 4680 }%s }\n"
    (folder / "openspace.cfg").write_text(
        PATHS
        + modules % ("" if newer else ",\n" + SERVER)
        + (SERVER if newer else "")
        + '\nProfile = "default"\nSGCTConfig = sgct and sgct.config.single{} or ""\nScreenshotUseDateTime = true\n'
    )
    (folder / "data" / "profiles" / "default.profile").write_text(json.dumps({"version": {"major": 1, "minor": 3}}))
    (folder / "data" / "profiles" / "broken.profile").write_text("{ no JSON")
    return folder
