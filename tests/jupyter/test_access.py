"""Who gets in, by Jupyter's own rules and by the kernel token; and whose sessions they see."""

from __future__ import annotations

import json
import os
import re
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError

from openspace_server.jupyter.identity import server_url
from openspace_server.jupyter.pages import PAGES, STATIC
from tests.jupyter.conftest import API, Client

CHANNELS = ("events", "signaling", "bulk")
FOREIGN = {"Origin": "https://evil.example"}
NOBODY = "00000000-0000-4000-8000-000000000000"


async def refused(client: Client, path: str, headers: dict[str, str] | None, query: str = "") -> int:
    with pytest.raises(HTTPClientError) as refusal:
        await client.socket(path, headers, query)
    return refusal.value.code


async def log_in(client: Client) -> tuple[dict[str, str], str]:
    """What a browser has after opening the server with ``?token=``: cookies, and the value of ``_xsrf``."""
    token = client.auth["Authorization"].split()[1]
    response = await client.fetch("GET", f"tree?token={token}", headers={})
    cookies = {}
    for cookie in response.headers.get_list("Set-Cookie"):
        name, _, value = cookie.partition(";")[0].partition("=")
        cookies[name] = value
    if "_xsrf" not in cookies:
        page = await client.fetch("GET", "login", headers={})
        cookies["_xsrf"] = page.headers["Set-Cookie"].split("_xsrf=")[1].split(";")[0]
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}, cookies["_xsrf"]


async def test_without_credentials_nothing(client: Client) -> None:
    session = (await client.start())["id"]
    for wrong in ({}, {"Authorization": "token wrong"}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}):
        for method, path in (
            ("GET", "sessions"),
            ("POST", "sessions"),
            ("GET", f"sessions/{session}"),
            ("PATCH", f"sessions/{session}"),
            ("DELETE", f"sessions/{session}"),
            ("GET", "nothing"),
        ):
            status, answer = await client.ask(method, path, {} if method in ("POST", "PATCH") else None, wrong)
            assert status == 403, (method, path)
            assert set(answer) == {"message", "reason"}
        for channel in CHANNELS:
            assert await refused(client, f"sessions/{session}/{channel}", wrong) == 403
            assert await refused(client, f"sessions/{NOBODY}/{channel}", wrong) == 403
        for page in (f"openspace/stream/{session}?login", "openspace/"):
            response = await client.fetch("GET", page, headers=wrong)
            assert response.code == 302
            assert "/login" in response.headers["Location"]
        doors = [await client.fetch("GET", f"openspace/stream/{id}", headers=wrong) for id in (session, NOBODY)]
        assert [door.code for door in doors] == [403, 403]
        assert doors[0].body.replace(session.encode(), b"") == doors[1].body.replace(NOBODY.encode(), b"")
    assert (await client.ask("GET", f"sessions/{session}"))[1]["state"] == "RUNNING"


async def test_a_cookie_needs_xsrf_to_write(client: Client) -> None:
    cookies, xsrf = await log_in(client)
    status, answer = await client.ask("POST", "sessions", {}, cookies)
    assert status == 403
    assert "_xsrf" in answer["message"]
    status, made = await client.ask("POST", "sessions", {}, cookies | {"X-XSRFToken": xsrf})
    assert status == 201
    session = made["id"]
    for method in ("DELETE", "PATCH"):
        body = {"width": 640, "height": 360} if method == "PATCH" else None
        assert (await client.ask(method, f"sessions/{session}", body, cookies))[0] == 403
    await client.reach(session, "RUNNING")
    # The cookie opens sockets from the server's own pages, and from nowhere else.
    own = {"Origin": f"http://{client.where.split('/')[0]}"}
    for channel in CHANNELS:
        socket = await client.socket(f"sessions/{session}/{channel}", cookies | own)
        assert await socket.read_message()
        socket.close()
        assert await refused(client, f"sessions/{session}/{channel}", cookies | FOREIGN) == 403
    assert (await client.ask("DELETE", f"sessions/{session}", None, cookies | {"X-XSRFToken": xsrf}))[0] == 204


async def test_of_two_xsrf_cookies_the_server_takes_the_last_as_the_pages_do(client: Client) -> None:
    """``xsrfTokens`` in ``js/session/server.ts`` tries the last first."""
    _, xsrf = await log_in(client)
    cookies, first = await log_in(client)
    login = cookies["Cookie"].replace(f"; _xsrf={first}", "").replace(f"_xsrf={first}; ", "")
    two = {"Cookie": f"_xsrf={first}; {login}; _xsrf={xsrf}"}
    assert first != xsrf
    status, refusal = await client.ask("POST", "sessions", {}, two | {"X-XSRFToken": first})
    assert (status, refusal["message"]) == (403, "XSRF cookie does not match POST argument")
    assert (await client.ask("POST", "sessions", {}, two | {"X-XSRFToken": xsrf}))[0] == 201


async def test_a_kernel_writes_whatever_xsrf_check_the_server_has(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hub_check(handler: JupyterHandler) -> None:
        raise HTTPError(403, f"'_xsrf' argument missing from {handler.request.method}")

    # As JupyterHub does it: without a look at the identity provider.
    monkeypatch.setattr(JupyterHandler, "check_xsrf_cookie", hub_check)
    status, made = await client.ask("POST", "sessions", {}, kernel_auth())
    assert status == 201, made
    session = f"sessions/{made['id']}"
    await client.reach(made["id"], "RUNNING")
    status, share = await client.ask("POST", f"{session}/shares", {"role": "viewer", "hours": 1}, kernel_auth())
    assert status == 201, share
    assert (await client.ask("DELETE", f"{session}/shares/{share['id']}", None, kernel_auth()))[0] == 204
    assert (await client.ask("PATCH", session, {"width": 640, "height": 360}, kernel_auth()))[0] == 200
    assert (await client.ask("DELETE", session, None, kernel_auth()))[0] == 204
    cookies, _ = await log_in(client)
    refusal = {"message": "'_xsrf' argument missing from POST", "reason": "forbidden"}
    for other in (cookies, cookies | {"Authorization": "token wrong"}):
        assert await client.ask("POST", "sessions", {}, other) == (403, refusal)


async def test_a_browser_and_a_script_are_the_same_local_user(client: Client) -> None:
    cookies, xsrf = await log_in(client)
    other, _ = await log_in(client)
    assert cookies != other
    _, made = await client.ask("POST", "sessions", {}, cookies | {"X-XSRFToken": xsrf})
    for headers in (client.auth, other | {"Referer": f"http://{client.where}"}):
        status, listed = await client.ask("GET", "sessions", None, headers)
        assert status == 200
        assert [s["id"] for s in listed["sessions"]] == [made["id"]]


def kernel_auth(scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {os.environ['OPENSPACE_KERNEL_TOKEN']}"}


@pytest.mark.parametrize("scheme", ["Bearer", "token"])
async def test_a_kernel_gets_in(client: Client, scheme: str) -> None:
    assert os.environ["OPENSPACE_SERVER_URL"] == f"http://{client.where}"
    kernel = kernel_auth(scheme)
    status, made = await client.ask("POST", "sessions", {}, kernel)
    assert status == 201
    await client.reach(made["id"], "RUNNING")
    socket = await client.socket(f"sessions/{made['id']}/bulk", kernel)
    assert json.loads(await socket.read_message() or "")["role"] == "controller"
    socket.close()
    assert await refused(client, f"sessions/{made['id']}/bulk", kernel | FOREIGN) == 403
    assert (await client.ask("GET", "sessions", None, kernel | FOREIGN))[0] == 404
    assert (await client.ask("DELETE", f"sessions/{made['id']}", None, kernel))[0] == 204
    # It opens nothing else on this server.
    assert (await client.fetch("GET", "api/contents", headers=kernel)).code == 403


async def test_the_kernel_token_leaves_with_the_server(client: Client, jp_serverapp: Any) -> None:
    assert "OPENSPACE_KERNEL_TOKEN" in os.environ
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert "OPENSPACE_KERNEL_TOKEN" not in os.environ
    assert "OPENSPACE_SERVER_URL" not in os.environ


class TestPassword:
    @pytest.fixture
    def more_config(self) -> dict[str, Any]:
        return {
            "ServerApp": {"token": "", "jpserver_extensions": {"openspace_server": True}},
            "PasswordIdentityProvider": {"hashed_password": "argon2:x"},
        }

    async def test_a_kernel_gets_in_without_any_server_token(self, client: Client, jp_serverapp: Any) -> None:
        assert jp_serverapp.identity_provider.token == ""
        assert (await client.ask("GET", "sessions", None, {}))[0] == 403
        assert (await client.ask("GET", "sessions", None, {"Authorization": "Bearer "}))[0] == 403
        status, _ = await client.ask("POST", "sessions", {}, kernel_auth())
        assert status == 201


class ByHeader(IdentityProvider):
    """Believes a header: stands for a provider that knows its users."""

    def get_user(self, handler: Any) -> User | None:
        name = handler.request.headers.get("X-User")
        return User(name) if name else None

    def is_token_authenticated(self, handler: Any) -> bool:
        return True


class TestSeveralUsers:
    @pytest.fixture
    def more_config(self) -> dict[str, Any]:
        return {"ServerApp": {"identity_provider_class": ByHeader, "jpserver_extensions": {"openspace_server": True}}}

    async def test_somebody_elses_session_does_not_exist(self, client: Client) -> None:
        alice, bob = {"X-User": "alice"}, {"X-User": "bob"}
        client.auth = alice
        session = (await client.start({"name": "secret"}))["id"]
        for user, found in ((alice, True), (bob, False)):
            status, listed = await client.ask("GET", "sessions?all=1", None, user)
            assert status == 200
            assert bool(listed["sessions"]) is found
        unknown = (await client.ask("GET", f"sessions/{NOBODY}", None, bob))[1]
        for method in ("GET", "PATCH", "DELETE"):
            body = {"width": "?"} if method == "PATCH" else None
            assert await client.ask(method, f"sessions/{session}", body, bob) == (404, unknown)
        for channel in CHANNELS:
            assert await refused(client, f"sessions/{session}/{channel}", bob) == 404
        page = await client.fetch("GET", f"openspace/stream/{session}", headers=bob)
        assert page.code == 404
        assert b"secret" not in page.body
        assert (await client.ask("GET", f"sessions/{session}", None, alice))[1]["state"] == "RUNNING"
        # The same key of another user is another session.
        key = {"Idempotency-Key": "k"}
        made = [(await client.ask("POST", "sessions", {}, user | key)) for user in (alice, bob)]
        assert [status for status, _ in made] == [201, 201]
        assert made[0][1]["id"] != made[1][1]["id"]

    async def test_what_a_kernel_makes_all_users_of_the_server_may_use(self, client: Client) -> None:
        _, made = await client.ask("POST", "sessions", {}, kernel_auth())
        client.auth = {"X-User": "alice"}
        await client.reach(made["id"], "RUNNING")
        # A kernel does not see what a user made for themselves.
        await client.start()
        _, listed = await client.ask("GET", "sessions", None, kernel_auth())
        assert [s["id"] for s in listed["sessions"]] == [made["id"]]

    async def test_an_empty_hub_user_is_none(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTERHUB_USER", "")  # as for a service of a Hub
        alice, bob = {"X-User": "alice"}, {"X-User": "bob"}
        _, made = await client.ask("POST", "sessions", {}, alice)
        for method in ("GET", "DELETE"):
            assert (await client.ask(method, f"sessions/{made['id']}", None, bob))[0] == 404
        assert (await client.ask("GET", f"sessions/{made['id']}", None, alice))[0] == 200
        assert (await client.ask("GET", "all-sessions", None, alice))[0] == 403


class OnlyRead(Authorizer):
    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        return not (resource == "openspace" and action != "read")


class TestAuthorizer:
    @pytest.fixture
    def more_config(self) -> dict[str, Any]:
        return {"ServerApp": {"authorizer_class": OnlyRead, "jpserver_extensions": {"openspace_server": True}}}

    async def test_the_servers_authorizer_is_asked(self, client: Client) -> None:
        assert (await client.ask("GET", "sessions"))[0] == 200
        assert (await client.ask("POST", "sessions"))[0] == 403
        for channel in CHANNELS:
            assert await refused(client, f"sessions/{NOBODY}/{channel}", None) == 403


async def test_on_a_hub_the_server_owns_the_sessions(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "alice")
    _, made = await client.ask("POST", "sessions")
    monkeypatch.setenv("JUPYTERHUB_SERVER_NAME", "second")
    assert (await client.ask("GET", f"sessions/{made['id']}"))[0] == 404
    monkeypatch.delenv("JUPYTERHUB_SERVER_NAME")
    assert (await client.ask("GET", f"sessions/{made['id']}"))[0] == 200
    assert (await client.ask("GET", f"sessions/{made['id']}", None, kernel_auth()))[0] == 200


@pytest.mark.parametrize(("hub_user", "status"), [(None, 200), ("", 200), ("alice", 403)])
async def test_the_local_user_administers_but_not_a_user_of_a_hub(
    client: Client, monkeypatch: pytest.MonkeyPatch, hub_user: str | None, status: int
) -> None:
    if hub_user is not None:
        monkeypatch.setenv("JUPYTERHUB_USER", hub_user)
    assert (await client.ask("GET", "all-sessions"))[0] == status


@pytest.mark.parametrize(
    ("ip", "certfile", "base_url", "expected"),
    [
        ("localhost", "", "/", "http://127.0.0.1:8888/"),
        ("0.0.0.0", "", "/user/a%40b/", "http://127.0.0.1:8888/user/a%40b/"),
        ("", "cert.pem", "/", "https://127.0.0.1:8888/"),
        ("*", "", "/", "http://127.0.0.1:8888/"),
        ("::", "", "/", "http://[::1]:8888/"),
        ("10.1.2.3", "", "/x/", "http://10.1.2.3:8888/x/"),
        ("fd00::1", "", "/", "http://[fd00::1]:8888/"),
    ],
)
def test_the_url_for_kernels(ip: str, certfile: str, base_url: str, expected: str) -> None:
    serverapp = SimpleNamespace(ip=ip, certfile=certfile, base_url=base_url, port=8888, sock="")
    assert server_url(serverapp) == expected


async def test_the_stream_page(client: Client) -> None:
    session = (await client.start({"name": "</script><b>&"}))["id"]
    response = await client.fetch("GET", f"openspace/stream/{session}")
    page = response.body.decode()
    assert response.code == 200
    data = re.search(r'<script id="openspace-page" type="application/json">(.*?)</script>', page)
    assert data is not None
    base_url = "/" + client.where.split("/", 1)[1]
    assert json.loads(data[1]) == {"baseUrl": base_url, "session": session, "running": True, "guest": False}
    assert "<title>&lt;/script&gt;&lt;b&gt;&amp; – OpenSpace</title>" in page
    assert f'src="{base_url}openspace/static/page.js"' in page
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert API not in policy
    missing = await client.fetch("GET", f"openspace/stream/{NOBODY}")
    assert missing.code == 404
    assert b"No such session" in missing.body
    assert (await client.fetch("GET", "openspace/stream/%3Cscript%3E")).code == 404


async def test_static_files(client: Client, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("openspace/static/../app.py", "openspace/static/%2e%2e/app.py", "openspace/static/no.js"):
        assert (await client.fetch("GET", path)).code in (403, 404)
    # Module scripts load without a login: JupyterHub's cookie does not count for them.
    for folder, root in (("static", STATIC), ("pages", PAGES)):
        files = [file for file in root.rglob("*") if file.is_file()]
        assert {file.suffix for file in files} == {".css", ".js"}
        for file in files:
            path = f"openspace/{folder}/{file.relative_to(root)}"
            for method in ("GET", "HEAD"):
                response = await client.fetch(method, path, headers={})
                assert response.code == 200, path
                assert response.headers["Content-Type"] == ("text/css" if file.suffix == ".css" else "text/javascript")
            assert (await client.fetch("GET", path, headers={})).body == file.read_bytes()
