"""Jupyter server of this kernel: the one it was started by, or a private one; REST and WebSocket requests to it."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from openspace_widget.errors import ServerError

API = "openspace/api/v1"
MAX_ARRAY_BYTES = 512 * 1024 * 1024
START_TIMEOUT = 60.0
READ_CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class ServerAddress:
    """A Jupyter server with our extension: ``url`` ends with its base URL and a slash."""

    url: str
    token: str
    private: bool = False


def find_server() -> ServerAddress | None:
    """The server that ``OPENSPACE_SERVER_URL`` and ``OPENSPACE_KERNEL_TOKEN`` name.

    The server extension puts both into the environment that its kernels inherit; None outside of such a kernel.
    """
    url, token = os.environ.get("OPENSPACE_SERVER_URL"), os.environ.get("OPENSPACE_KERNEL_TOKEN")
    return ServerAddress(url.rstrip("/") + "/", token) if url and token else None


class PrivateServer:
    """A Jupyter server without user interface, with our extension, that lives as long as this process."""

    def __init__(self) -> None:
        token = secrets.token_urlsafe(32)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "openspace_server.jupyter.private"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "JUPYTER_TOKEN": token},
            start_new_session=True,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            self.address = ServerAddress(json.loads(line)["url"], token, private=True)
        except (ValueError, KeyError):
            self.stop()
            raise ServerError(
                "no Jupyter server was found, and a private one did not start: its last words are on this process's "
                "standard error. `openspace-widget doctor` checks what is missing."
            ) from None
        atexit.register(self.stop)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Closing its standard input ends the server and everything it started."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()


_private: PrivateServer | None = None


def private_server() -> ServerAddress:
    """The private server of this process, started on first use. Blocks until it listens."""
    global _private
    if _private is None or not _private.is_alive:
        _private = PrivateServer()
    return _private.address


class Connection:
    """REST and WebSockets below one server's base URL, authenticated by its token."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self._headers = {"Authorization": f"Bearer {address.token}"}
        # A server's certificate names its public host; the loopback of this machine cannot be listened in on.
        self._verify = urlparse(address.url).hostname not in ("127.0.0.1", "::1", "localhost")

    async def request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = START_TIMEOUT,
    ) -> Any:
        """One REST call below ``openspace/api/v1``; the decoded JSON, or None for an empty answer.

        Raises:
            ServerError: with the server's own message where it sent one.
        """
        request = HTTPRequest(
            f"{self.address.url}{API}/{path}",
            method=method,
            headers={**self._headers, **(headers or {}), "Content-Type": "application/json"},
            body=None if body is None else json.dumps(body),
            request_timeout=timeout,
            connect_timeout=10,
            validate_cert=self._verify,
            allow_nonstandard_methods=True,
        )
        try:
            response = await AsyncHTTPClient().fetch(request)
        except HTTPClientError as problem:
            raise ServerError(_message(problem), problem.code) from None
        except OSError as problem:
            raise ServerError(f"the Jupyter server at {self.address.url} does not answer: {problem}") from None
        return json.loads(response.body) if response.body else None

    async def websocket(self, path: str) -> WebSocketClientConnection:
        """Open the WebSocket ``path`` below ``openspace/api/v1``. Raises ServerError."""
        scheme, rest = self.address.url.split("://", 1)
        url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}{API}/{path}"
        request = HTTPRequest(url, headers=self._headers, connect_timeout=10, validate_cert=self._verify)
        try:
            socket = await websocket_connect(request, max_message_size=MAX_ARRAY_BYTES, ping_interval=20)
        except HTTPClientError as problem:
            raise ServerError(_message(problem), problem.code) from None
        except (TimeoutError, OSError) as problem:
            raise ServerError(f"the Jupyter server at {self.address.url} does not answer: {problem}") from None
        if socket.protocol is not None and (stream := getattr(socket.protocol, "stream", None)) is not None:
            stream.set_nodelay(True)
            stream.read_chunk_size = READ_CHUNK_BYTES  # frames come in large pieces
        return socket


def _message(problem: HTTPClientError) -> str:
    if problem.code == 599:
        return f"the Jupyter server did not answer: {problem.message}"
    try:
        body = json.loads(problem.response.body) if problem.response else {}
        return str(body.get("message") or body.get("reason") or problem)
    except (ValueError, AttributeError):
        pass
    if problem.code == 404:
        return (
            "the Jupyter server has no OpenSpace extension: install openspace-widget in the server's own environment, "
            "check with `jupyter server extension list`, and restart the server"
        )
    return f"the Jupyter server answered {problem.code} {problem.message}"
