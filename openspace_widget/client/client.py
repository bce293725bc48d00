"""Client of one session: its requests and OpenSpace's own API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.client.session import Session


@dataclass(frozen=True)
class Client:
    """What the parts of the notebook side need of a session. Its coroutines run on the background loop."""

    session: Session
    api: OpenSpaceApi

    async def ask(self, verb: str, **arguments: Any) -> Any:
        """The answer to one request. Raises RequestError, SessionError, NotReadyError."""
        return await self.session.ask(verb, **arguments)
