"""Access to a session for its owner and for guests, who come by a share link.

A share link is ``…/openspace/stream/<session>#share=<key>``. Browsers do not send the part behind the ``#``, so the key
appears in no log of a server or proxy and in no ``Referer``. The page removes it from the address bar and the history
at once and exchanges it for a signed cookie that only the server reads (``HttpOnly``). The cookie names the link, not
the permissions: those are looked up at each use.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import ensure_async
from tornado import web

from openspace_server.jupyter.base import RESOURCE, OrchestratorMixin, RestHandler
from openspace_server.orchestrator.allocation.requests import decode_key
from openspace_server.orchestrator.errors import UnknownSession, UnknownShare
from openspace_server.protocols.sessions import SessionView
from openspace_server.protocols.signaling import Role

if TYPE_CHECKING:
    from jupyter_server.auth.identity import User

    from openspace_server.orchestrator.store.shares import Share

MAX_NAME = 40
UNNAMED_GUEST = "Guest"


@dataclass(frozen=True)
class Access:
    """The caller's permissions on one session. ``share``: the share link of a guest; ``party``: identifies the guest,
    which is the user, or the browser without a login."""

    owners: tuple[str, ...]
    role: Role = Role.CONTROLLER
    share: Share | None = None
    party: str = ""

    @property
    def is_owner(self) -> bool:
        return self.share is None

    def redacted(self, view: SessionView) -> SessionView:
        """``view`` as the caller may see it: the session's name is a path in the owner's folders."""
        return view if self.is_owner else replace(view, name="")


class GuestMixin(OrchestratorMixin):
    """For handlers, before JupyterHandler, whose methods are marked ``allow_unauthenticated``."""

    async def access(self, session: str, action: str = "read") -> Access:
        """The caller's permissions on ``session``; ``action``: what the server's authorizer is asked for.

        Raises:
            HTTPError: 403, not logged in, and without a share link that admits people without a login.
            UnknownSession: neither an owner nor a guest.
            UnknownShare: the guest's share link is not valid any more.
        """
        handler: Any = self
        user = handler.current_user
        orchestrator = await self.orchestrator()
        if user is not None:
            if not await ensure_async(handler.authorizer.is_authorized(handler, user, action, RESOURCE)):
                raise web.HTTPError(403)
            try:
                await orchestrator.get(self.ownership.owners, session)
                return Access(self.ownership.owners)
            except UnknownSession:
                pass
        elif not self.settings["openspace"].share_without_login:
            raise web.HTTPError(403, "log in first")
        share, party = self._ticket(session)
        if not share:
            raise UnknownSession() if user is not None else web.HTTPError(403, "log in first")
        found, owner = await orchestrator.guest(session, share)
        return Access((owner,), found.role, found, party if user is None else _guest_id(user))

    @property
    def guest_name(self) -> str:
        """The name of this guest for other viewers."""
        user = self.current_user
        name = (user.display_name or user.name or user.username) if user is not None else ""
        return "".join(letter for letter in name if letter.isprintable()).strip()[:MAX_NAME] or UNNAMED_GUEST

    def set_ticket(self, session: str, share: Share) -> None:
        """Store in the caller's browser that it came by ``share``; as a new guest, unless it came by it before."""
        handler: Any = self
        previous, party = self._ticket(session)
        if previous != share.id:
            party = secrets.token_hex(8)
        handler.set_signed_cookie(
            _cookie(session),
            f"{share.id} {party}",
            expires_days=share.seconds / 86400,
            path=f"{handler.base_url}openspace/",
            httponly=True,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )

    def _ticket(self, session: str) -> tuple[str, str]:
        """The ids of the share link and the guest, from the signed cookie; empty without a valid one."""
        handler: Any = self
        signed = handler.get_signed_cookie(_cookie(session), max_age_days=366)
        share, _, party = (signed or b"").decode().partition(" ")
        return (share, party) if party else ("", "")


class EnterHandler(GuestMixin, RestHandler):
    """``/sessions/{id}/enter``: exchanges a share link's key for a cookie."""

    @allow_unauthenticated
    async def post(self, session: str) -> None:
        user = self.current_user
        if user is None and not self.settings["openspace"].share_without_login:
            raise web.HTTPError(403, "log in first")
        if user is not None and not await ensure_async(self.authorizer.is_authorized(self, user, "execute", RESOURCE)):
            raise web.HTTPError(403)
        key = decode_key(self.request.body)
        try:
            self.set_ticket(session, await (await self.orchestrator()).shares.enter(session, key))
        except UnknownShare:
            self.clear_cookie(_cookie(session), path=f"{self.base_url}openspace/")
            raise
        self.set_status(204)
        self.finish()


def _guest_id(user: User) -> str:
    """The same for all browsers of a user, with or without cookies."""
    return hashlib.sha256(user.username.encode()).hexdigest()[:16]


def _cookie(session: str) -> str:
    return f"openspace-share-{session}"
