"""REST API v1: share links of a session, for its owner."""

from __future__ import annotations

import json
import os

from jupyter_server.auth.decorator import authorized
from tornado import web

from openspace_server.jupyter.base import RestHandler
from openspace_server.jupyter.identity import KernelUser
from openspace_server.orchestrator.allocation.requests import decode_share


class SharesHandler(RestHandler):
    """``/sessions/{id}/shares``: list the valid share links, make a new one."""

    @web.authenticated
    @authorized
    async def get(self, session: str) -> None:
        orchestrator = await self.orchestrator()
        await orchestrator.get(self.ownership.owners, session)
        shares = await orchestrator.shares.live(session)
        self.finish(json.dumps({"shares": [share.as_json() for share in shares]}))

    @web.authenticated
    @authorized
    async def post(self, session: str) -> None:
        orchestrator = await self.orchestrator()
        await orchestrator.get(self.ownership.owners, session)  # unknown before malformed: tells a stranger nothing
        role, hours = decode_share(self.request.body)
        share, key = await orchestrator.shares.make(session, role, hours * 3600)
        path = f"{self.base_url}openspace/stream/{session}#share={key}"
        self.set_status(201)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps({**share.as_json(), "path": path, "url": f"{self._origin()}{path}"}))

    def _origin(self) -> str:
        """The server's public address, as far as it is known; a kernel's request does not contain it."""
        configured = self.settings["openspace"].public_url or os.environ.get("JUPYTERHUB_PUBLIC_URL", "")
        if configured:
            return "/".join(configured.split("/")[:3])
        if isinstance(self.current_user, KernelUser) and self.serverapp is not None:
            return "/".join(self.serverapp.public_url.split("/")[:3])
        return f"{self.request.protocol}://{self.request.host}"


class ShareHandler(RestHandler):
    """``/sessions/{id}/shares/{share}``: revoke a share link."""

    @web.authenticated
    @authorized
    async def delete(self, session: str, share: str) -> None:
        orchestrator = await self.orchestrator()
        try:
            await orchestrator.revoke(self.ownership.owners, session, share)
        finally:
            self.settings["openspace"].close_share(share)
        self.set_status(204)
        self.finish()
