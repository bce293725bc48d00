"""``openspace.cfg`` with its override, and the SGCT window file, read as OpenSpace reads them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lupa.lua54 as lua


@dataclass(frozen=True)
class Configuration:
    base: Path
    paths: dict[str, str]
    tcp_port: int
    web_socket_port: int

    def resolve(self, path: str) -> Path:
        """``path`` with its tokens replaced."""
        known = {"BASE": str(self.base), **self.paths}
        while match := re.search(r"\$\{(\w+)\}", path):
            path = path.replace(match.group(0), known[match.group(1)])
        return Path(path)

    def path(self, token: str) -> Path:
        return self.resolve("${" + token + "}")


@dataclass(frozen=True)
class WindowFile:
    """``stream_id``: of a streaming build, which streams its second window."""

    name: str
    width: int
    height: int
    stream_id: int | None


def read_configuration(file: Path, reads_override: bool) -> Configuration:
    runtime = lua.LuaRuntime(unpack_returned_tuples=True)
    runtime.execute(file.read_text())
    override = file.with_name(file.name + ".override")
    if reads_override and override.is_file():
        runtime.execute(override.read_text())
    found = runtime.globals()
    modules = found.ModuleConfigurations
    server = found.Server or (modules and modules.Server)
    ports: dict[str, int] = {}
    for interface in server.Interfaces.values():
        if interface.Enabled:
            ports[interface.Type] = int(interface.Port)
        if list(interface.AllowAddresses.values()) != ["127.0.0.1", "localhost"]:
            raise SystemExit("the API is open to other machines")
    paths = {str(token): str(path) for token, path in found.Paths.items()}
    return Configuration(file.parent, paths, ports["TcpSocket"], ports["WebSocket"])


def read_window_file(file: Path) -> WindowFile:
    content: dict[str, Any] = json.loads(file.read_text())
    assert content["version"] == 1
    window = content["nodes"][0]["windows"][0]
    assert window["viewports"][0]["projection"]["type"] == "PlanarProjection"
    stream_id = content.get("webrtcid")
    if stream_id is not None:
        window = content["nodes"][0]["windows"][1]
    return WindowFile(window.get("name", "OpenSpace"), window["size"]["x"], window["size"]["y"], stream_id)
