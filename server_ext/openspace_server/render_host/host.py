"""The render host: binds its ports, announces them, and ends cleanly with all its instances."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Coroutine
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from openspace_server.render_host.gateway import Gateway, GatewayHandler
from openspace_server.render_host.settings import HostError, HostSettings
from openspace_server.render_host.slots import Slots
from openspace_server.render_host.supervisor import Supervisor, SupervisorHandler

log = logging.getLogger(__name__)

IDLE_HTTP_TIMEOUT = 30.0
MAX_HTTP_BYTES = 64 * 1024


class RenderHost:
    """Runs one host on the current event loop.

    ``await host.start()``, then ``await host.wait()``, then ``await host.close()``; or all of it: ``await host.run()``.
    """

    def __init__(self, settings: HostSettings) -> None:
        self.settings = settings
        self.slots = Slots(settings)
        self.supervisor = Supervisor(self.slots, settings)
        self.gateway = Gateway(self.slots, settings)
        self.port = 0
        self.gateway_port = 0
        self._servers: list[HTTPServer] = []
        self._ending = asyncio.Event()
        self._last_command = time.monotonic()

    async def start(self) -> None:
        """Bind both ports and start to serve.

        Raises:
            HostError: not allowed without a secret, or a port is taken.
        """
        settings = self.settings
        settings.check()
        supervisor = {
            "supervisor": self.supervisor,
            "settings": settings,
            "on_command": self.note_command,
        }
        self.port = self._serve(Application([(r"/.*", SupervisorHandler, supervisor)]), settings.port, "--port")
        gateway = Application([(r"/(\w*)", GatewayHandler, {"gateway": self.gateway})])
        try:
            self.gateway_port = self._serve(gateway, settings.gateway_port, "--gateway-port")
        except HostError:
            await self.close()
            raise
        self.note_command()

    def _serve(self, application: Application, port: int, option: str) -> int:
        """Serve ``application``; returns the port, which is a free one when ``port`` is 0."""
        try:
            sockets = bind_sockets(port, self.settings.host)
        except OSError as problem:
            where = f"{self.settings.host}:{port}"
            if problem.errno == errno.EADDRINUSE:
                raise HostError(f"{where} is in use: choose another port with {option} (0 = a free one)") from None
            raise HostError(f"cannot listen on {where} ({option}): {problem.strerror or problem}") from None
        application.settings["log_function"] = _log_request
        server = HTTPServer(application, idle_connection_timeout=IDLE_HTTP_TIMEOUT, max_body_size=MAX_HTTP_BYTES)
        server.add_sockets(sockets)
        self._servers.append(server)
        bound: int = sockets[0].getsockname()[1]
        return bound

    def announcement(self) -> str:
        """The ready line."""
        return json.dumps(
            {
                "event": "ready",
                "port": self.port,
                "gateway_port": self.gateway_port,
                "slots": len(self.slots),
                "pid": os.getpid(),
            }
        )

    async def run(self, *work: Coroutine[Any, Any, None]) -> None:
        """Serve until it has to end, and run ``work`` meanwhile. Raises HostError as :meth:`start`."""
        self._end_on_signals()
        await self.start()
        log.info(
            "supervisor ws://%s, gateway ws://%s, %d slots",
            _address(self.settings.host, self.port),
            _address(self.settings.host, self.gateway_port),
            len(self.slots),
        )
        try:
            if self.settings.announce:
                print(self.announcement(), flush=True)
            if self.settings.end_with_stdin:
                self._end_with_stdin()
            companions = [asyncio.create_task(one) for one in work]
            try:
                await self.wait()
            finally:
                for task in companions:
                    task.cancel()
                await asyncio.gather(*companions, return_exceptions=True)
        finally:
            await self.close()

    def end(self, reason: str) -> None:
        """Make :meth:`wait` return."""
        if not self._ending.is_set():
            log.info("ending: %s", reason)
        self._ending.set()

    async def wait(self) -> None:
        """Return when the host has to end: by :meth:`end`, or without a supervisor command for ``linger`` seconds."""
        linger = self.settings.linger
        while not self._ending.is_set():
            left = self._last_command + linger - time.monotonic() if linger else None
            if left is not None and left <= 0:
                self.end(f"no supervisor command for {linger:g} s")
                return
            try:
                await asyncio.wait_for(self._ending.wait(), left)
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Stop listening, end every instance and every connection."""
        for server in self._servers:
            server.stop()
        await self.slots.close()
        await self.gateway.close()
        self.supervisor.close()
        for server in self._servers:
            await server.close_all_connections()
        self._servers.clear()

    def note_command(self) -> None:
        """A command came: restart the linger time."""
        self._last_command = time.monotonic()

    def _end_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, self.end, number.name)

    def _end_with_stdin(self) -> None:
        """Watch stdin on a thread: it may be a file or /dev/null, which an event loop cannot watch."""
        loop = asyncio.get_running_loop()
        descriptor = sys.stdin.fileno() if sys.stdin else None

        def watch() -> None:
            with contextlib.suppress(OSError):
                while descriptor is not None and os.read(descriptor, 4096):
                    pass
            with contextlib.suppress(RuntimeError):  # the loop has ended first
                loop.call_soon_threadsafe(self.end, "stdin was closed")

        threading.Thread(target=watch, name="stdin", daemon=True).start()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _log_request(handler: object) -> None:
    """No log: tornado would write a line for each poll."""


def port_is_free(host: str, port: int) -> bool:
    """True if ``port`` can be bound on ``host`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
