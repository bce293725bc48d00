"""REST for administrators: all sessions and hosts. Other users get 403 and no information."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from jupyter_server.utils import ensure_async
from tornado import web

from openspace_server.jupyter.base import ADMIN_RESOURCE, RestHandler
from openspace_server.protocols.fields import ProtocolError, boolean, parse_object


class AdminHandler(RestHandler):
    """Base: allows administrators only, by our setting and by the server's authorizer."""

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        if not self.current_user:
            raise web.HTTPError(403)
        is_allowed = self.is_admin and await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, "execute", ADMIN_RESOURCE)
        )
        if not is_allowed:
            raise web.HTTPError(403, "for administrators only (OpenSpaceExtension.admins)")


class HostsHandler(AdminHandler):
    """``/hosts``: all hosts, with their busy slots."""

    @web.authenticated
    async def get(self) -> None:
        self.finish(json.dumps({"hosts": await (await self.orchestrator()).admin.hosts()}))


class HostHandler(AdminHandler):
    """``/hosts/{id}``: drain a host, or use it again."""

    @web.authenticated
    async def patch(self, host: str) -> None:
        body = parse_object(self.request.body)
        if set(body) != {"drain"}:
            raise ProtocolError("expected the field drain and no other")
        await (await self.orchestrator()).admin.drain(host, boolean(body, "drain"))
        self.set_status(204)
        self.finish()


class AllSessionsHandler(AdminHandler):
    """``/all-sessions``: the live sessions of all owners."""

    @web.authenticated
    async def get(self) -> None:
        sessions: Sequence[dict[str, Any]] = await (await self.orchestrator()).admin.sessions()
        self.finish(json.dumps({"sessions": sessions}))


class AnySessionHandler(AdminHandler):
    """``/all-sessions/{id}``: end a session."""

    @web.authenticated
    async def delete(self, session: str) -> None:
        await (await self.orchestrator()).terminate(session, "ended by an administrator")
        self.set_status(204)
        self.finish()
