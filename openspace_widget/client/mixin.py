"""Base class of the mixins that :class:`~openspace_widget.OpenSpace` is put together from."""

from __future__ import annotations

from typing import Any

from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import run


class ClientMixin:
    """Something with a client of one session, and the synchronous side of its requests."""

    _client: Client

    def _ask(self, verb: str, **arguments: Any) -> Any:
        return run(self._client.ask(verb, **arguments))
