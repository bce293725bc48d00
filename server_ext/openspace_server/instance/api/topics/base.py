"""What a topic is: one conversation about one thing, under a number the client chose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.dialects import Dialect
from openspace_server.instance.api.snapshot import News
from openspace_server.protocols.fields import ProtocolError, describe

if TYPE_CHECKING:
    from openspace_server.instance.api.connection import Connection

T = TypeVar("T")


class Topic(ABC):
    """``names`` are its type names on the wire; :attr:`done` frees its number after a message."""

    names: ClassVar[tuple[str, ...]]
    interests: frozenset[str] = frozenset()

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._number = number
        self._listening = False
        self.done = False

    @property
    def category(self) -> str:
        """The topic's name in the log."""
        return type(self).__name__

    @property
    def legacy(self) -> bool:
        return self._connection.dialect is Dialect.LEGACY

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect or Dialect.LEGACY

    @abstractmethod
    async def receive(self, payload: dict[str, Any]) -> None:
        """Handle one message. Raises ProtocolError or EngineError, which go to the log."""

    async def close(self) -> None:
        """The client is done with it, or gone. Overrides must call this."""
        self.ignore_news()

    def news(self, news: News) -> None:  # noqa: B027  (most topics want none)
        """Hear what happened; only after :meth:`want_news`."""

    # -- for subclasses ------------------------------------------------------------------------------------------

    def send(self, payload: Any) -> None:
        self._connection.send(self._number, payload)

    def send_text(self, payload: str) -> None:
        self._connection.send_text(self._number, payload)

    async def on_program(self, command: Callable[[ScriptHost], T]) -> T:
        """Ask the program something."""
        return await self._connection.shared.port.run(command)

    async def change_program(self, command: Callable[[ScriptHost], T]) -> T:
        """Change something in the program: the picture is drawn anew, and everybody hears soon."""
        try:
            return await self._connection.shared.port.run(command, changes=True)
        finally:
            self._connection.shared.feed.follow()

    def want_news(self) -> None:
        if not self._listening:
            self._listening = True
            self._connection.shared.feed.add(self)

    def ignore_news(self) -> None:
        if self._listening:
            self._listening = False
            self._connection.shared.feed.remove(self)


class OneShot(Topic):
    """A topic of one message and at most one answer."""

    def __init__(self, connection: Connection, number: int) -> None:
        super().__init__(connection, number)
        self.done = True


class Subscription(Topic):
    """``{"event": "start_subscription"}``, then news, until ``{"event": "stop_subscription"}``."""

    async def receive(self, payload: dict[str, Any]) -> None:
        event = payload.get("event")
        if event == "start_subscription":
            await self.start(payload)
            self.want_news()
        elif event == "stop_subscription":
            self.done = True
        elif event == "refresh":
            await self.start(payload)
        else:
            raise ProtocolError(f"event: expected start_subscription or stop_subscription, got {describe(event)}")

    async def start(self, payload: dict[str, Any]) -> None:
        """Answer the beginning of the subscription."""
