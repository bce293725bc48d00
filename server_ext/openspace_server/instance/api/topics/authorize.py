"""``authorize``: authorization by password."""

from __future__ import annotations

from typing import Any

from openspace_server.instance.api.topics.base import OneShot


class AuthorizationTopic(OneShot):
    """``{"password"}`` (legacy ``{"key"}``) → ``{"status": "authorized" | "incorrectKey" | "badRequest"}``."""

    names = ("authorize",)

    async def receive(self, payload: dict[str, Any]) -> None:
        password = payload.get("key" if self.is_legacy else "password")
        if not isinstance(password, str):
            status = "badRequest"
        else:
            status = "authorized" if await self._connection.authorize(password) else "incorrectKey"
        # A slip of the legacy servers that their clients live with: an array instead of an object.
        self.send(["status", status] if self.is_legacy else {"status": status})
