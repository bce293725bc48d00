"""The server does what it describes: the OpenAPI document, pages, metrics, audit, administrators."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jupyter_server.auth.identity import IdentityProvider, User
from openapi_core import OpenAPI

from openspace_server.jupyter import api, pages
from tests.jupyter.conftest import API, Client
from tests.orchestrator.standin import StandInHost

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def openspace_config(host: StandInHost) -> dict[str, Any]:
    return {"hosts": [host.address], "host_secret": "s3cret", "quota": 2}


class Described:
    """Checks each answer against the document."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.document = yaml.safe_load(api.DESCRIPTION.read_text("utf-8"))
        self.seen: set[tuple[str, str, str]] = set()

    async def ask(self, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
        raw = None if body is None else json.dumps(body).encode()
        response = await self.client.fetch(method, f"{API}/{path}", raw, headers)
        template = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{id}", f"/{path}".partition("?")[0])
        template = template.replace("shares/{id}", "shares/{share}")
        described = self.document["paths"][template][method.lower()]["responses"]
        code = str(response.code) if str(response.code) in described else "default"
        assert code != "default" or response.code >= 400, (method, path, response.code)
        self.seen.add((template, method.lower(), code))
        answer = described[code]
        if "$ref" in answer:
            answer = self.document["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
        if "content" not in answer:
            assert response.body == b""
            return response.code, None
        kind = response.headers["Content-Type"].partition(";")[0]
        schema = answer["content"][kind]["schema"]
        if kind != "application/json":
            return response.code, response.body
        answer = json.loads(response.body)
        whole = {"components": self.document["components"], **schema}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(answer)
        return response.code, answer


async def test_the_server_does_what_its_document_says(client: Client, host: StandInHost) -> None:
    OpenAPI.from_path(api.DESCRIPTION)  # the document itself is well formed
    described = Described(client)
    response = await client.fetch("GET", f"{API}/openapi.yaml")
    assert response.body == api.DESCRIPTION.read_bytes()
    fields = {"width": 640, "height": 360, "name": "n", "region": "attic", "queue": True}
    key = client.auth | {"Idempotency-Key": "k"}
    assert (await described.ask("POST", "sessions", fields, key))[0] == 201
    status, made = await described.ask("POST", "sessions", fields, key)
    assert status == 200
    assert (await described.ask("POST", "sessions", {"nonsense": 1}))[0] == 400
    id = made["id"]
    await client.reach(id, "RUNNING")
    assert (await described.ask("GET", "sessions?all=1"))[0] == 200
    assert (await described.ask("GET", f"sessions/{id}"))[0] == 200
    assert (await described.ask("GET", f"sessions/{NOBODY}"))[0] == 404
    assert (await described.ask("PATCH", f"sessions/{id}", {"width": 800, "height": 600}))[0] == 200
    assert (await described.ask("PATCH", f"sessions/{id}", {"width": 1}))[0] == 400
    assert (await described.ask("GET", f"sessions/{id}/thumbnail"))[0] == 503  # the stand-in draws nothing
    status, link = await described.ask("POST", f"sessions/{id}/shares", {"role": "controller", "hours": 1})
    assert status == 201
    assert (await described.ask("GET", f"sessions/{id}/shares"))[1]["shares"][0]["id"] == link["id"]
    assert (await described.ask("POST", f"sessions/{id}/enter", {"key": link["path"].partition("=")[2]}))[0] == 204
    assert (await described.ask("POST", f"sessions/{id}/enter", {"key": "?"}))[0] == 404
    assert (await described.ask("DELETE", f"sessions/{id}/shares/{link['id']}"))[0] == 204
    assert (await described.ask("POST", "sessions"))[0] == 201
    status, refused = await described.ask("POST", "sessions")
    assert (status, refused["reason"]) == (429, "quota_reached")
    status, answer = await described.ask("GET", "hosts")
    assert (answer["hosts"][0]["busy"], answer["hosts"][0]["slots"]) == (2, 3)
    host_id = answer["hosts"][0]["id"]
    assert (await described.ask("PATCH", f"hosts/{host_id}", {"drain": True}))[0] == 204
    assert (await described.ask("PATCH", f"hosts/{host_id}", {"drain": "yes"}))[0] == 400
    assert (await described.ask("PATCH", f"hosts/{NOBODY}", {"drain": True}))[0] == 404
    status, answer = await described.ask("GET", "all-sessions")
    assert len(answer["sessions"]) == 2
    other = next(session["id"] for session in answer["sessions"] if session["id"] != id)
    assert (await described.ask("DELETE", f"all-sessions/{other}"))[0] == 204
    assert (await client.reach(other, "STOPPED"))["reason"] == "ended by an administrator"
    assert (await described.ask("DELETE", f"sessions/{id}"))[0] == 204
    missed = {
        (path, method)
        for path, methods in described.document["paths"].items()
        for method in methods
        if method in ("get", "post", "patch", "delete")
    } - {(path, method) for path, method, _ in described.seen}
    assert not missed


async def test_the_queue_tells_the_place(client: Client, host: StandInHost, jp_serverapp: Any) -> None:
    extension = next(iter(jp_serverapp.extension_manager.extension_apps["openspace_server"]))
    orchestrator = await extension.orchestrator()
    from tests.orchestrator.helpers import REQUEST

    holders = [(await orchestrator.create(f"user:{n}", REQUEST))[0].id for n in range(3)]
    status, refused = await client.ask("POST", "sessions")
    assert (status, refused["busy"], refused["total"]) == (503, 3, 3)
    status, made = await client.ask("POST", "sessions", {"queue": True})
    assert (status, made["state"]) == (201, "REQUESTED")
    assert (await client.ask("GET", f"sessions/{made['id']}"))[1]["place"] == 0
    async for event in client.events(made["id"]):
        assert event["place"] == 0
        break
    await orchestrator.terminate(holders[0])
    assert "place" not in await client.reach(made["id"], "RUNNING")


async def test_the_pages(client: Client) -> None:
    session = (await client.start())["id"]
    for path in ("openspace", "openspace/", f"openspace/wait/{session}", "openspace/admin"):
        page = await client.fetch("GET", path)
        assert page.code == 200, path
        text = page.body.decode()
        script = re.search(r'src="([^"]+)"', text)
        assert script is not None
        assert (await client.fetch("GET", script[1].removeprefix("/" + client.where.partition("/")[2]))).code == 200
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        for secret in ("127.0.0.1", "s3cret"):
            assert secret not in text
    assert (await client.fetch("GET", f"openspace/wait/{NOBODY}")).code == 404
    assert (await client.fetch("GET", "openspace/", headers={})).code in (302, 403)


def test_nothing_is_kept_in_the_browser() -> None:
    for file in pages.PAGES.iterdir():
        assert "localStorage" not in file.read_text("utf-8")


async def test_nothing_of_the_hosts_reaches_the_browser(client: Client, host: StandInHost) -> None:
    session = (await client.start())["id"]
    for path in ("sessions", f"sessions/{session}", "hosts", "all-sessions"):
        text = (await client.fetch("GET", f"{API}/{path}")).body.decode()
        for hidden in (str(host.port), str(host.gateway_port), "127.0.0.1", "s3cret", "instance", "token"):
            assert hidden not in text, (path, hidden)


async def test_the_api_is_relayed(client: Client, host: StandInHost) -> None:
    session = (await client.start())["id"]
    socket = await client.socket(f"sessions/{session}/api")
    assert json.loads(await socket.read_message() or "")["channel"] == "api"
    socket.close()


async def test_metrics_and_audit(client: Client, jp_serverapp: Any) -> None:
    events: list[dict[str, Any]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        events.append(data)

    extension = next(iter(jp_serverapp.extension_manager.extension_apps["openspace_server"]))
    await extension.orchestrator()
    from openspace_server.jupyter.audit import SCHEMA_ID

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    session = (await client.start())["id"]
    await client.ask("DELETE", f"sessions/{session}")
    await jp_serverapp.event_logger.gather_listeners()
    assert {"reserved", "starting", "running", "stopped"} <= {e["kind"] for e in events if e["session"] == session}
    text = (await client.fetch("GET", "metrics")).body.decode()
    for line in (
        "openspace_session_starts_total",
        "openspace_session_start_seconds_bucket",
        'openspace_hosts{region=""',
    ):
        assert line in text
    assert "user" not in "".join(line for line in text.splitlines() if line.startswith("openspace_"))


async def test_metrics_tell_of_each_instance_while_it_lives(client: Client, host: StandInHost) -> None:
    host.shown |= {"camera": {}, "stats": {"draw_ms": 6.5, "queue_ms": 0.25, "viewers": 3, "bit_rate": "x"}}
    host.shown["stats"] |= {"frames_encoded": 7, "frames_sent": 12}
    session = (await client.start())["id"]
    lines = (
        f'openspace_instance_stage_milliseconds{{session="{session}",stage="draw"}} 6.5',
        f'openspace_instance_viewers{{session="{session}"}} 3.0',
        f'openspace_instance_frames_encoded{{session="{session}"}} 7.0',
        f'openspace_instance_frames_sent{{session="{session}"}} 12.0',
    )

    async def metrics() -> str:
        return (await client.fetch("GET", "metrics")).body.decode()

    while not set(lines) <= set((await metrics()).splitlines()):
        pass
    assert f'openspace_instance_bit_rate{{session="{session}"}}' not in await metrics()
    await client.ask("DELETE", f"sessions/{session}")
    while session in await metrics():
        pass


class HeaderIdentity(IdentityProvider):
    """The user named in the header."""

    def get_user(self, handler: Any) -> User | None:
        name = handler.request.headers.get("X-Name")
        return User(name) if name else None

    def is_token_authenticated(self, handler: Any) -> bool:
        return True


class TestWithUsers:
    """A server that knows its users."""

    @pytest.fixture
    def openspace_config(self, host: StandInHost) -> dict[str, Any]:
        return {"hosts": [host.address], "host_secret": "s3cret", "admins": ["teacher"]}

    @pytest.fixture
    def more_config(self) -> dict[str, Any]:
        return {
            "ServerApp": {"identity_provider_class": HeaderIdentity, "jpserver_extensions": {"openspace_server": True}}
        }

    async def test_only_administrators_see_all(self, client: Client) -> None:
        for name, code in (("teacher", 200), ("student", 403)):
            headers = {"X-Name": name}
            for path in (f"{API}/hosts", f"{API}/all-sessions", "openspace/admin"):
                assert (await client.fetch("GET", path, headers=headers)).code == code, (name, path)
        assert (await client.ask("DELETE", f"all-sessions/{NOBODY}", headers={"X-Name": "student"}))[0] == 403
