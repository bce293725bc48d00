"""A private Jupyter server with only our extension, for Python processes without one: ``python -m …jupyter.private``.

It listens on a free loopback port, announces its URL in one JSON line on stdout, ``{"url"}``, and reads its token from
``JUPYTER_TOKEN``. When its standard input closes, for whatever reason, it ends its sessions and then itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import tempfile
import threading
from typing import Any

from jupyter_server.serverapp import ServerApp
from tornado.ioloop import IOLoop

from openspace_server.jupyter.identity import server_owner, server_url


def main() -> None:
    # Only the announcement may be written to stdout.
    announcement = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ["JUPYTER_NO_CONFIG"] = "1"
    with tempfile.TemporaryDirectory(prefix="openspace-") as folder:
        app = ServerApp.instance(
            ip="127.0.0.1",
            port=0,
            open_browser=False,
            root_dir=folder,
            allow_root=True,
            jpserver_extensions={"openspace_server": True},
            log_level=logging.ERROR,  # warnings are for administrators, and stderr is shown in the user's cell
        )
        app.initialize(["--OpenSpaceExtension.directory=" + folder], find_extensions=False)
        IOLoop.current().add_callback(_announce, app, announcement)
        threading.Thread(target=_wait_for_end, args=(app, IOLoop.current()), daemon=True).start()
        app.start()


async def _announce(app: ServerApp, announcement: Any) -> None:
    with announcement:
        print(json.dumps({"url": server_url(app)}), file=announcement)


def _wait_for_end(app: ServerApp, loop: IOLoop) -> None:
    """Block until the other process has ended: it never writes to the pipe."""
    sys.stdin.buffer.read()
    loop.add_callback(_end, app)


async def _end(app: ServerApp) -> None:
    extension = next(iter(app.extension_manager.extension_apps["openspace_server"]))
    with contextlib.suppress(Exception):
        orchestrator = await extension.orchestrator()
        owners = (server_owner(),)
        await asyncio.gather(*(orchestrator.delete(owners, view.id) for view in await orchestrator.list(owners)))
    app.stop()


if __name__ == "__main__":
    main()
