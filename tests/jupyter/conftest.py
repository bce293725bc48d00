"""A real Jupyter server with the extension, on real sockets, below a base URL with odd characters.

The fixtures are imported rather than named in ``pytest_plugins``: so they, and the event loop they bring, belong to
this folder alone, however pytest is called.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from pytest_jupyter.jupyter_server import jp_server_cleanup  # noqa: F401
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

from openspace_server.orchestrator.store.sessions import ATTACHED
from tests.orchestrator.standin import StandInHost

API = "openspace/api/v1"
QUICK = {"poll_interval": 0.05, "host_timeout": 0.4, "linger": 20.0, "restart_limit": 0, "tick_interval": 0.05}


@pytest.fixture
def host(jp_asyncio_loop: Any) -> Iterator[StandInHost]:
    """A stand-in render host with three slots, in this process."""

    async def open_it() -> StandInHost:
        return StandInHost().open()

    host = jp_asyncio_loop.run_until_complete(open_it())
    yield host
    host.close()


@pytest.fixture
def openspace_config(host: StandInHost) -> dict[str, Any]:
    """Settings of the extension; tests override it."""
    return {"hosts": [host.address], "host_secret": "s3cret"}


@pytest.fixture
def more_config() -> dict[str, Any]:
    """Settings of the server itself; tests override it."""
    return {}


@pytest.fixture  # type: ignore[no-redef]
def jp_server_config(
    openspace_config: dict[str, Any], more_config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    for variable in ("JUPYTERHUB_USER", "JUPYTERHUB_SERVER_NAME", "OPENSPACE_HOST_SECRET"):
        monkeypatch.delenv(variable, raising=False)
    return {
        "ServerApp": {"jpserver_extensions": {"openspace_server": True}},
        "OpenSpaceExtension": QUICK | openspace_config,
    } | more_config


class Client:
    """Requests to the server under test, as a script with the server's token unless told otherwise."""

    def __init__(self, port: int, base_url: str, token: str) -> None:
        self.where = f"127.0.0.1:{port}{base_url}"
        self.auth = {"Authorization": f"token {token}"}

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """(status, decoded body); ``headers`` replace the token's."""
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        response = await self.fetch(method, f"{API}/{path}", raw, headers)
        return response.code, json.loads(response.body) if response.body else None

    async def fetch(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        request = HTTPRequest(
            f"http://{self.where}{path}",
            method=method,
            body=body,
            headers=self.auth if headers is None else headers,
            allow_nonstandard_methods=True,
            follow_redirects=False,
        )
        return await AsyncHTTPClient().fetch(request, raise_error=False)

    async def socket(
        self, path: str, headers: dict[str, str] | None = None, query: str = ""
    ) -> WebSocketClientConnection:
        request = HTTPRequest(
            f"ws://{self.where}{API}/{path}{query}", headers=self.auth if headers is None else headers
        )
        return await websocket_connect(request, max_message_size=70 * 1024 * 1024)

    async def events(self, session: str) -> AsyncIterator[dict[str, Any]]:
        """Each message of the session's events socket."""
        socket = await self.socket(f"sessions/{session}/events")
        try:
            while (message := await socket.read_message()) is not None:
                yield json.loads(message)
        finally:
            socket.close()

    async def start(self, body: Any = None) -> dict[str, Any]:
        """A new session, running; one that nobody watches is DISCONNECTED soon after."""
        status, made = await self.ask("POST", "sessions", body)
        assert status == 201, made
        return await self.reach(made["id"], *ATTACHED)

    async def reach(self, session: str, *states: str) -> dict[str, Any]:
        """The first of ``states`` that is told; after a minute an error with what was told instead."""
        seen = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(60):
                async for event in self.events(session):
                    seen.append(event)
                    if event["state"] in states:
                        return event
        raise AssertionError(f"never {states}, but {seen}")


@pytest.fixture
def client(jp_serverapp: Any, http_server: Any, jp_http_port: int, jp_base_url: str, jp_asyncio_loop: Any) -> Client:
    """The server runs, with the extension started (pytest-jupyter leaves that out)."""
    jp_asyncio_loop.run_until_complete(jp_serverapp.extension_manager.start_all_extensions())
    return Client(jp_http_port, jp_base_url, jp_serverapp.identity_provider.token)


@pytest.fixture
def database_file(jp_data_dir: Path) -> Path:
    """Where the extension keeps its database by default."""
    return jp_data_dir / "openspace" / "openspace.sqlite3"
