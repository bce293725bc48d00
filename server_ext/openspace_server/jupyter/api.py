"""REST API v1: sessions of the current user."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from tornado import web

from openspace_server.jupyter.base import RestHandler
from openspace_server.jupyter.guests import GuestMixin
from openspace_server.orchestrator.allocation.requests import check_key, decode_new_session, decode_resolution

DESCRIPTION = Path(__file__).parent / "rest-api.yaml"


class SessionsHandler(RestHandler):
    """``/sessions``: list the caller's sessions, make a new one."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        orchestrator = await self.orchestrator()
        views = await orchestrator.list(self.ownership.owners, ended=self.get_query_argument("all", "") == "1")
        self.finish(json.dumps({"sessions": [view.as_json() for view in views]}))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        extension = self.settings["openspace"]
        request = decode_new_session(self.request.body, extension.engine, extension.engines)
        request = replace(request, region=request.region or extension.region)
        key = check_key(self.request.headers.get("Idempotency-Key"))
        view, created = await (await self.orchestrator()).create(self.ownership.owner, request, key)
        self.set_status(201 if created else 200)
        self.set_header("Location", f"{self.request.path.rstrip('/')}/{view.id}")
        self.finish(json.dumps(view.as_json()))


class DescriptionHandler(RestHandler):
    """``/openapi.yaml``: the OpenAPI description."""

    @web.authenticated
    def get(self) -> None:
        self.finish(DESCRIPTION.read_bytes(), set_content_type="application/yaml")


class SessionHandler(GuestMixin, RestHandler):
    """``/sessions/{id}``: one of the caller's sessions. Those of others are as unknown as ones that never existed."""

    @allow_unauthenticated
    async def get(self, session: str) -> None:
        access = await self.access(session)  # also for guests
        orchestrator = await self.orchestrator()
        view = access.redacted(await orchestrator.get(access.owners, session))
        position = await orchestrator.queue_position(access.owners, session)
        self.finish(json.dumps(view.as_json() | ({} if position is None else {"place": position})))

    @web.authenticated
    @authorized
    async def patch(self, session: str) -> None:
        orchestrator = await self.orchestrator()
        await orchestrator.get(self.ownership.owners, session)  # unknown before malformed: tells a stranger nothing
        width, height = decode_resolution(self.request.body)
        view = await orchestrator.resize(self.ownership.owners, session, width, height)
        self.finish(json.dumps(view.as_json()))

    @web.authenticated
    @authorized
    async def delete(self, session: str) -> None:
        await (await self.orchestrator()).delete(self.ownership.owners, session)
        self.set_status(204)
        self.finish()


class UnknownHandler(RestHandler):
    """Any other path of the API: 404 in JSON."""

    @web.authenticated
    def get(self) -> None:
        raise web.HTTPError(404, "openspace/api/v1 has no such path")

    post = put = patch = delete = get
