"""Base classes of topics: requests and subscriptions under a number that the client chose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.dialects import Dialect
from openspace_server.instance.api.snapshot import Snapshot
from openspace_server.protocols.fields import ProtocolError, describe

if TYPE_CHECKING:
    from openspace_server.instance.api.connection import Connection

T = TypeVar("T")


class Topic(ABC):
    """``names`` are its type names on the wire; :attr:`is_done` frees its number after a message."""

    names: ClassVar[tuple[str, ...]]
    interests: frozenset[str] = frozenset()

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._number = number
        self._is_subscribed = False
        self.is_done = False

    @property
    def category(self) -> str:
        """The topic's name in the log."""
        return type(self).__name__

    @property
    def is_legacy(self) -> bool:
        return self._connection.dialect is Dialect.LEGACY

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect or Dialect.LEGACY

    @abstractmethod
    async def receive(self, payload: dict[str, Any]) -> None:
        """Handle one message. Raises ProtocolError or EngineError, which go to the log."""

    async def close(self) -> None:
        """The topic has ended, or its client is gone. Overrides must call this."""
        self.unsubscribe()

    def on_snapshot(self, snapshot: Snapshot) -> None:  # noqa: B027  (most topics need none)
        """Receive a snapshot; only after :meth:`subscribe`."""

    # -- for subclasses ------------------------------------------------------------------------------------------

    def send(self, payload: Any) -> None:
        self._connection.send(self._number, payload)

    def send_text(self, payload: str) -> None:
        self._connection.send_text(self._number, payload)

    async def query(self, command: Callable[[ScriptHost], T]) -> T:
        """The result of ``command``, which changes nothing."""
        return await self._connection.context.scripts.run(command)

    async def change(self, command: Callable[[ScriptHost], T]) -> T:
        """The result of ``command``, which changes something: a frame is drawn, and a snapshot follows soon."""
        try:
            return await self._connection.context.scripts.run(command, changes=True)
        finally:
            self._connection.context.feed.follow()

    def subscribe(self) -> None:
        if not self._is_subscribed:
            self._is_subscribed = True
            self._connection.context.feed.add(self)

    def unsubscribe(self) -> None:
        if self._is_subscribed:
            self._is_subscribed = False
            self._connection.context.feed.remove(self)


class OneShot(Topic):
    """A topic of one message and at most one answer."""

    def __init__(self, connection: Connection, number: int) -> None:
        super().__init__(connection, number)
        self.is_done = True


class Subscription(Topic):
    """``{"event": "start_subscription"}``, then messages, until ``{"event": "stop_subscription"}``."""

    async def receive(self, payload: dict[str, Any]) -> None:
        event = payload.get("event")
        if event == "start_subscription":
            await self.start(payload)
            self.subscribe()
        elif event == "stop_subscription":
            self.is_done = True
        elif event == "refresh":
            await self.start(payload)
        else:
            raise ProtocolError(f"event: expected start_subscription or stop_subscription, got {describe(event)}")

    async def start(self, payload: dict[str, Any]) -> None:
        """Answer the beginning of the subscription."""
