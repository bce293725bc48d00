"""Share links: access to a session for guests, with a role, for a limited time, until revoked.

A link contains a random key of 256 bits and nothing else: role, session and expiry are stored in the database only,
with the key's digest. So nothing in a link could be altered, and a stolen database opens no session.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from openspace_server.orchestrator.errors import TooManyShares, UnknownShare
from openspace_server.orchestrator.store.database import Database
from openspace_server.orchestrator.store.models import SessionRow, ShareRow, now
from openspace_server.orchestrator.store.sessions import log
from openspace_server.orchestrator.store.sql_clock import db_time
from openspace_server.protocols.signaling import Role

KEY_BYTES = 32
MAX_LIVE = 100
"""Valid share links that a session may have at a time."""


@dataclass(frozen=True)
class Share:
    """A valid share link. ``seconds``: until it expires."""

    id: str
    session: str
    role: Role
    created: str
    expires: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "role": self.role, "created": self.created, "expires": self.expires}


class Shares:
    """All statements on share links. The caller checks whether they are allowed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, session: str, role: Role, seconds: float) -> tuple[Share, str]:
        """A new link and its key, which cannot be read again. Raises TooManyShares."""
        key, id = secrets.token_urlsafe(KEY_BYTES), str(uuid.uuid4())
        live = select(func.count()).where(ShareRow.session == session, *_LIVE)
        async with self._database.write() as tx:
            row = await tx.get(SessionRow, session, with_for_update=True)
            if (await tx.scalar(live) or 0) >= MAX_LIVE:
                raise TooManyShares(f"this session already has {MAX_LIVE} share links: revoke one that is not needed")
            values = {"id": id, "session": session, "digest": _digest(key), "role": role, "created": now()}
            await tx.execute(insert(ShareRow).values(**values, expires=db_time(seconds), revoked=""))
            await log(tx, "shared", row, detail=f"{id} {role} for {seconds:g} s")
        return await self.find(session, id), key

    async def live(self, session: str) -> list[Share]:
        """The valid links of a session, oldest first."""
        return await self._select(ShareRow.session == session)

    async def revoke(self, session: str, id: str) -> None:
        """Make a link invalid; the viewers that came by it still have to be disconnected. Raises UnknownShare."""
        which = (ShareRow.session == session, ShareRow.id == id, ShareRow.revoked == "")
        async with self._database.write() as tx:
            if await tx.scalar(update(ShareRow).where(*which).values(revoked=db_time()).returning(ShareRow.id)) is None:
                raise UnknownShare("this session has no such share link")
            await log(tx, "share revoked", await tx.get(SessionRow, session), detail=id)

    async def enter(self, session: str, key: str) -> Share:
        """The link with this key. Raises UnknownShare."""
        return _only(await self._select(ShareRow.session == session, ShareRow.digest == _digest(key)))

    async def find(self, session: str, id: str) -> Share:
        """The link with this id, if it is still valid. Raises UnknownShare."""
        return _only(await self._select(ShareRow.session == session, ShareRow.id == id))

    async def _select(self, *which: Any) -> list[Share]:
        query = select(ShareRow, db_time()).where(*which, *_LIVE).order_by(ShareRow.created, ShareRow.id)
        async with self._database.read() as tx:
            rows = (await tx.execute(query)).all()
        return [
            Share(row.id, row.session, Role(row.role), row.created, row.expires, _seconds_between(at, row.expires))
            for row, at in rows
        ]


_LIVE = (ShareRow.revoked == "", ShareRow.expires > db_time())


def _only(found: list[Share]) -> Share:
    if not found:
        raise UnknownShare()
    return found[0]


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _digest(key: str) -> str:
    # A random key needs no slow hash: there is nothing to guess.
    return hashlib.sha256(key.encode()).hexdigest()
