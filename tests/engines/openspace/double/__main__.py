"""The double of OpenSpace: started by the same flags and files, with a real window and both dialects of the API.

What it draws is the embedded engine's sky. Faithful to: tokens and folders of ``openspace.cfg`` with its
``.override``, the SGCT window file, ``settings.json`` rewritten at each start, logs and cache that no second instance
may share, fixed ports, silence while it loads, errors that only the log tells, and each version's own dialect.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import IO

from openspace_server.engines.embedded.sky.bodies import BODIES
from openspace_server.engines.properties import Property
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api import ApiServer, ApiSettings
from tests.engines.openspace.double.configuration import Configuration, WindowFile, read_configuration, read_window_file
from tests.engines.openspace.double.dialect import Version, legacy_library
from tests.engines.openspace.double.front import Front
from tests.engines.openspace.double.main_thread import MainThread
from tests.engines.openspace.double.point_clouds import AnyFile
from tests.engines.openspace.double.scene import Scene
from tests.engines.openspace.double.streaming import stream
from tests.engines.openspace.double.window import Window


class LogHandler(logging.Handler):
    """What the program's log says, on the console."""

    def emit(self, record: logging.LogRecord) -> None:
        log(record.getMessage(), record.name.removeprefix("openspace."), record.levelname[:1])


def log(text: str, category: str = "OpenSpace", level: str = "I") -> None:
    if len(category) > 20:
        dots = "." * min(len(category) - 20, 2)
        category = f"{category[: 16 - len(dots)]}{dots}{category[-4:]}"
    print(f"({level}) {category:20} {text}", flush=True)


def fail(text: str, category: str = "OpenSpaceEngine") -> None:
    """As OpenSpace ends when it cannot go on."""
    log(text, category, "F")
    sys.exit(1)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.getLogger("openspace").addHandler(LogHandler())
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", "-f", type=Path)
    parser.add_argument("--config", "-c")
    parser.add_argument("--profile", "-p", default="default")
    parser.add_argument("--bypassLauncher", "-b", action="store_true")
    arguments, _ = parser.parse_known_args()
    if not arguments.bypassLauncher:
        fail("the launcher waits for somebody to press Start")
    file = arguments.file or next((p / "openspace.cfg" for p in (Path.cwd(), *Path.cwd().parents)), None)
    if file is None or not file.is_file():
        fail("Could not find openspace.cfg")
    assert file is not None
    log(f"Configuration Path '{file}'")
    version = Version(os.environ["OPENSPACE_DOUBLE_VERSION"])
    configuration = read_configuration(file, version.reads_override)
    (file.parent / "settings.json").write_text(json.dumps({"profile": arguments.profile}))
    locks = hold(configuration)
    window = read_window_file(configuration.resolve(arguments.config))
    log(f"SGCT Configuration file: {arguments.config}")
    log(f"OpenSpace Version {version}")
    log(f"Loading profile '{arguments.profile}'")
    asyncio.run(run(configuration, window, arguments.profile, version))
    del locks


def hold(configuration: Configuration) -> list[IO[str]]:
    """Logs and cache are this process's own: a second one that writes there crashes, as upstream's does."""
    locks = []
    for token in ("LOGS", "CACHE", "TEMPORARY"):
        folder = configuration.path(token)
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "double.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            log(f"{folder} is being written by another process", "FileSystem", "F")
            os.kill(os.getpid(), signal.SIGSEGV)
        locks.append(file)
    return locks


async def run(configuration: Configuration, file: WindowFile, profile: str, version: Version) -> None:
    engine = Scene()
    try:
        window = Window(file.name, file.width, file.height)
    except Exception as problem:
        fail(f"Could not open the window: {problem}", "SGCT")
        return
    log("Finished initializing OpenGL")
    front = Front(version)
    streaming = None
    if "OPENSPACE_DOUBLE_SIGNALING" in os.environ and file.stream_id is not None:
        url = os.environ["OPENSPACE_DOUBLE_SIGNALING"]  # the real one has it built in
        streaming = asyncio.create_task(stream(url, file.stream_id, (file.width, file.height)))
    for port, transport in ((configuration.tcp_port, "tcp"), (configuration.web_socket_port, "ws")):
        try:
            await front.listen(port, transport)  # sockets listen before anything is loaded, and answer nothing
        except OSError as problem:
            fail(f"Could not listen on port {port}: {problem}", "ServerModule")
    log("Starting rendering loop")
    loading_ends = time.monotonic() + float(os.environ.get("OPENSPACE_DOUBLE_LOADING", "0.3"))
    window.clear()
    load_profile(configuration, profile)
    for body in BODIES:
        owner = engine.tree.owner(f"Scene.{body.identifier}")
        assert owner is not None
        owner.add(Property("BoundingSphere", "Double", -1.0))  # as computed
    engine.open(file.width, file.height)
    program = ScriptHost(engine, configuration.path("USER"))
    program.paths = AnyFile(configuration.path("USER"))
    engine.log = program.log.error
    thread = MainThread(engine, program, window, front.tick, front.expecting)
    server = ApiServer(thread, program, ApiSettings())
    port = server.listen(0)
    if version.legacy_library:
        await thread.call(lambda engine, now: program.at(now).run_script(legacy_library()))
    await asyncio.sleep(max(0.0, loading_ends - time.monotonic()))
    log("Running Global initialization scripts")
    front.loaded(port)
    await thread.over
    if streaming is not None:
        streaming.cancel()


def load_profile(configuration: Configuration, name: str) -> None:
    for folder in (configuration.path("USER") / "data" / "profiles", configuration.path("DATA") / "profiles"):
        file = folder / f"{name}.profile"
        if file.is_file():
            try:
                json.loads(file.read_text())
            except ValueError as problem:
                fail(f"Error loading profile '{file}': {problem}", "Profile")
            return
    fail(f"Could not find profile '{name}'", "Profile")


if __name__ == "__main__":
    main()
