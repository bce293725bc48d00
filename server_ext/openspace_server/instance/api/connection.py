"""One client: tells its dialect, lets it in, and keeps its topics. Knows nothing of sockets."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from openspace_server.engines.base import EngineError
from openspace_server.instance.api.access import Admission, right_password
from openspace_server.instance.api.context import Shared
from openspace_server.instance.api.dialects import Dialect, is_handshake
from openspace_server.instance.api.snapshot import dumps
from openspace_server.instance.api.topics import TOPICS
from openspace_server.instance.api.topics.base import Topic
from openspace_server.protocols.fields import ProtocolError, describe, parse_object
from openspace_server.protocols.suggestions import suggest

log = logging.getLogger(__name__)

CATEGORY = "Connection"
MAX_WRONG_PASSWORDS = 5
WRONG_PASSWORD_DELAY = 0.5


class Wire(Protocol):
    """The sending side of a transport. Neither method raises."""

    def write(self, text: str) -> None:
        """Send one message; cuts the client off when it leaves too much unread."""

    @property
    def congested(self) -> bool:
        """Whether the client still has to take something sent before."""

    def cut(self, reason: str) -> None:
        """End the connection at once."""


class Connection:
    """Handles messages one after the other; :meth:`close` must be called when the transport is gone."""

    def __init__(self, shared: Shared, wire: Wire, admitted: Admission) -> None:
        self.shared = shared
        self.dialect: Dialect | None = None
        self.authorized = admitted is Admission.AUTHORIZED
        self._wire = wire
        self._topics: dict[int, Topic] = {}
        self._wrong_passwords = 0
        self._closed = False

    # -- for topics ----------------------------------------------------------------------------------------------

    @property
    def congested(self) -> bool:
        return self._wire.congested

    def send(self, topic: int, payload: Any) -> None:
        self.send_text(topic, dumps(payload))

    def send_text(self, topic: int, payload: str) -> None:
        """Send a payload that is JSON already."""
        if not self._closed:
            self._wire.write(f'{{"topic":{topic},"payload":{payload}}}')

    def send_error(self, topic: int, message: str, code: int) -> None:
        """The legacy dialect's error; 1.0 has none."""
        if not self._closed:
            self._wire.write(dumps({"topic": topic, "status": "error", "message": message, "code": code}))

    async def authorize(self, password: str) -> bool:
        """Whether this client is let in now."""
        if self.authorized:
            return True
        self.authorized = right_password(self.shared.settings, password)
        if not self.authorized:
            self._wrong_passwords += 1
            self.shared.complain(CATEGORY, "a client gave a wrong password")
            await asyncio.sleep(WRONG_PASSWORD_DELAY)
            if self._wrong_passwords >= MAX_WRONG_PASSWORDS:
                self._wire.cut("too many wrong passwords")
        return self.authorized

    # -- for the transport ---------------------------------------------------------------------------------------

    async def receive(self, raw: str | bytes) -> None:
        """Handle one message. Never raises but for cancellation; whatever is wrong goes to the log."""
        try:
            await self._receive(raw)
        except (ProtocolError, EngineError) as error:
            self.shared.complain(CATEGORY, str(error))
        except Exception:
            log.exception("an API message failed: %s", describe(raw[:500]))
            self.shared.complain(CATEGORY, "an API message failed by an error in this program")

    async def close(self) -> None:
        """Drop all topics. Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        topics, self._topics = self._topics, {}
        for topic in topics.values():
            await self._close(topic)

    async def _receive(self, raw: str | bytes) -> None:
        message = parse_object(raw)
        if self.dialect is None:
            self.dialect = Dialect.V1 if is_handshake(message) else Dialect.LEGACY
        if is_handshake(message):
            return
        number = message.get("topic")
        if isinstance(number, bool) or not isinstance(number, int) or abs(number) > 2**53:
            raise ProtocolError(f"topic: expected an integer, got {describe(number)}")
        payload = message.get("payload")
        if not isinstance(payload, dict):
            raise ProtocolError(f"payload: expected an object, got {describe(payload)}")
        topic = self._topics.get(number)
        if topic is None:
            topic = self._start(number, message.get("type"))
        try:
            await topic.receive(payload)
        except (ProtocolError, EngineError) as error:
            self.shared.complain(topic.category, str(error))
        finally:
            if self._closed or topic.done:
                self._topics.pop(number, None)
                await self._close(topic)

    def _start(self, number: int, type: object) -> Topic:
        if not isinstance(type, str):
            raise ProtocolError(f"type: expected the name of a topic for the new topic {number}, got {describe(type)}")
        made = TOPICS.get(type)
        if made is None:
            raise ProtocolError(f"unknown topic type {describe(type)}: {suggest(type, TOPICS, alike=0.4)}")
        if not self.authorized and type != "authorize":
            raise ProtocolError(f"Connection is not authorized: the topic {type} was ignored")
        if len(self._topics) >= self.shared.settings.max_topics:
            raise ProtocolError(f"more than {self.shared.settings.max_topics} topics on one connection")
        topic = self._topics[number] = made(self, number)
        return topic

    async def _close(self, topic: Topic) -> None:
        try:
            await topic.close()
        except EngineError as error:
            self.shared.complain(topic.category, str(error))
        except Exception:
            log.exception("closing the topic %s failed", topic.category)
