"""``POST /offer``: WebRTC negotiated by one HTTP request, for programs that send arrays without Jupyter.

Disabled by default. The body is ``{"type": "offer", "sdp"}``, with ``"session"`` (and its ``"token"``) to show the
points in a session; the answer is ``{"type": "answer", "sdp"}``. Each offer gets a peer connection of its own, whose
first data channel carries chunks and credits (``protocols/transfer.py``). It runs in a process of its own, because a
busy data channel takes a core.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from openspace_server.protocols.fields import ProtocolError, describe, parse_object, text
from openspace_server.protocols.signaling import Join, Role
from openspace_server.render_host.access import refuse_browsers, same_secret
from openspace_server.render_host.offers import webrtc
from openspace_server.render_host.offers.peer import CountingSink, FrameReceiver, OfferPeer, RelaySink, Sink
from openspace_server.render_host.offers.webrtc import Outlet
from openspace_server.render_host.settings import HostError, is_loopback
from openspace_server.sockets.endpoints import Endpoint, connect

log = logging.getLogger(__name__)

DEFAULT_OFFER_PORT = 4695
MAX_PEERS = 8
MAX_BODY = 128 * 1024


@dataclass(frozen=True)
class OfferSettings:
    """``port`` 0 = a free one; ``gateway``: where sessions are entered (``ws://…``), empty for none; ``library``: one
    of ``webrtc.LIBRARIES``; ``secret``: what requests must carry as ``Authorization: Bearer``."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_OFFER_PORT
    gateway: str = ""
    library: str = "auto"
    secret: str | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raises HostError if other machines could send without a secret."""
        if not self.secret and not is_loopback(self.host):
            raise HostError(
                f"{self.host} can be reached from other machines: set a secret in OPENSPACE_HOST_SECRET, "
                "the same one for all senders, or listen on 127.0.0.1"
            )


class DiscardFrames:
    """Discards arrays that are for no session."""

    async def on_frame(self, header: dict[str, Any], array: np.ndarray, columns: dict[str, np.ndarray]) -> None:
        """Nothing to do."""

    def on_refused(self, reason: str) -> None:
        log.info("refused: %s", reason)


class OfferServer:
    """Listens once :meth:`start` has returned. ``frames`` receives the arrays that are for no session."""

    def __init__(self, settings: OfferSettings, frames: FrameReceiver | None = None) -> None:
        self.settings = settings
        self.frames = frames or DiscardFrames()
        self.port = 0
        self.library, self._module = webrtc.load(settings.library)
        self.peers: set[OfferPeer] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._http: HTTPServer | None = None

    def start(self) -> None:
        """Raises HostError: not allowed without a secret, or the port is taken."""
        self.settings.check()
        try:
            sockets = bind_sockets(self.settings.port, self.settings.host)
        except OSError as problem:
            where = f"{self.settings.host}:{self.settings.port}"
            raise HostError(f"cannot listen on {where}: {problem.strerror or problem}") from None
        routes: list[Any] = [("/offer", OfferHandler, {"server": self})]
        self._http = HTTPServer(Application(routes, log_function=lambda handler: None), max_body_size=MAX_BODY)
        self._http.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]

    async def accept(self, body: bytes) -> str:
        """The answer to one offer's body. Raises ProtocolError, HTTPError."""
        offer = parse_object(body)
        if offer.get("type") != "offer":
            raise ProtocolError(f"type: expected 'offer', got {describe(offer.get('type'))}")
        sdp = webrtc.checked_sdp(offer.get("sdp"))
        session = text(offer, "session", limit=64, default="")
        token = text(offer, "token", limit=256) if offer.get("token") is not None else None
        if session and not self.settings.gateway:
            raise ProtocolError("session: this receiver only counts arrays and has no sessions")
        if len(self.peers) >= MAX_PEERS:
            raise HTTPError(503, "too many senders", reason="Too many senders")

        def sink(outlet: Outlet) -> Sink:
            if not session:
                return CountingSink(outlet, self.frames)
            return RelaySink(outlet, lambda: self._enter(session, token), peer.end)

        peer = OfferPeer(self._module, sink, self._on_closed)
        self.peers.add(peer)
        return await peer.answer(sdp)

    async def close(self) -> None:
        """Accept no more offers, and close all connections."""
        if self._http is not None:
            self._http.stop()
            await self._http.close_all_connections()
        for peer in list(self.peers):
            peer.end("the receiver ends")
        if self._ending:
            await asyncio.wait(self._ending, timeout=3)

    async def _enter(self, session: str, token: str | None) -> Endpoint:
        socket = await connect(f"{self.settings.gateway}/bulk")
        await socket.send(Join(session, Role.CONTROLLER, "offer", token, kernel=True).encode())
        return socket

    def _on_closed(self, peer: OfferPeer) -> None:
        self.peers.discard(peer)
        closing = asyncio.ensure_future(peer.wait_closed())
        self._ending.add(closing)
        closing.add_done_callback(self._ending.discard)


class OfferHandler(RequestHandler):
    """One ``POST /offer``."""

    def initialize(self, server: OfferServer) -> None:
        self._server = server

    def prepare(self) -> None:
        refuse_browsers(self.request.headers)
        secret = self._server.settings.secret
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if secret and not (scheme.lower() == "bearer" and same_secret(token.strip(), secret)):
            raise HTTPError(401, "wrong or missing secret", reason="Bearer secret required")

    def check_xsrf_cookie(self) -> None:
        """Not needed: there are no cookies, and browsers are refused."""

    async def post(self) -> None:
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise HTTPError(415, reason="Expected application/json")
        try:
            sdp = await self._server.accept(self.request.body)
        except ProtocolError as problem:
            self.set_status(400)
            self.finish({"error": str(problem)})
            return
        self.finish({"type": "answer", "sdp": sdp})

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.finish({"error": self._reason})


async def run_beside_host(settings: OfferSettings, on_listening: Callable[[int], None]) -> None:
    """Run a receiver in a process of its own until cancelled; ``on_listening(port)`` is called once. Raises
    HostError."""
    command = (sys.executable, "-P", "-m", "openspace_server.render_host.offers.server")
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(asdict(settings)).encode() + b"\n")
        line = await process.stdout.readline()
        announcement: dict[str, Any] = json.loads(line) if line else {"error": "the process for /offer did not start"}
        if "error" in announcement:
            raise HostError(announcement["error"])
        on_listening(int(announcement["port"]))
        await process.wait()
    finally:
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            async with asyncio.timeout(5):
                await process.wait()
        if process.returncode is None:
            process.kill()


async def _main() -> None:
    """The child process: reads its settings from the first line of stdin, and ends when stdin does."""
    loop = asyncio.get_running_loop()
    lines: asyncio.StreamReader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    settings = OfferSettings(**json.loads(await lines.readline()))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lines.feed_eof)
    try:
        server = OfferServer(settings)
        server.start()
    except (HostError, webrtc.LibraryMissing) as problem:
        print(json.dumps({"error": str(problem)}), flush=True)
        return
    print(json.dumps({"port": server.port}), flush=True)
    await lines.read()
    await server.close()


if __name__ == "__main__":
    logging.basicConfig(level=os.environ.get("OPENSPACE_LOG", "INFO"), format="%(asctime)s offer: %(message)s")
    webrtc.run(_main)
    os._exit(0)  # threads of the WebRTC library must not keep the process alive
