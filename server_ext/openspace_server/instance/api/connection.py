"""One client's connection: dialect, authorization and topics, without sockets."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from openspace_server.engines.base import EngineError
from openspace_server.instance.api.access import Admission, is_right_password
from openspace_server.instance.api.context import Context
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


class Sender(Protocol):
    """The sending side of a transport. Neither method raises."""

    def write(self, text: str) -> None:
        """Send one message; disconnects a client that leaves too much unread."""

    @property
    def is_congested(self) -> bool:
        """Whether the client has not yet read all that was sent."""

    def disconnect(self, reason: str) -> None:
        """Close the connection at once."""


class Connection:
    """Handles messages one after the other; :meth:`close` must be called when the transport is gone."""

    def __init__(self, context: Context, sender: Sender, admission: Admission) -> None:
        self.context = context
        self.dialect: Dialect | None = None
        self.is_authorized = admission is Admission.AUTHORIZED
        self._sender = sender
        self._topics: dict[int, Topic] = {}
        self._wrong_passwords = 0
        self._is_closed = False

    # -- for topics ----------------------------------------------------------------------------------------------

    @property
    def is_congested(self) -> bool:
        return self._sender.is_congested

    def send(self, topic: int, payload: Any) -> None:
        self.send_text(topic, dumps(payload))

    def send_text(self, topic: int, payload: str) -> None:
        """Send a payload that is JSON already."""
        if not self._is_closed:
            self._sender.write(f'{{"topic":{topic},"payload":{payload}}}')

    def send_error(self, topic: int, message: str, code: int) -> None:
        """The legacy dialect's error; 1.0 has none."""
        if not self._is_closed:
            self._sender.write(dumps({"topic": topic, "status": "error", "message": message, "code": code}))

    async def authorize(self, password: str) -> bool:
        """Whether this client is authorized now."""
        if self.is_authorized:
            return True
        self.is_authorized = is_right_password(self.context.settings, password)
        if not self.is_authorized:
            self._wrong_passwords += 1
            self.context.warn(CATEGORY, "a client gave a wrong password")
            await asyncio.sleep(WRONG_PASSWORD_DELAY)
            if self._wrong_passwords >= MAX_WRONG_PASSWORDS:
                self._sender.disconnect("too many wrong passwords")
        return self.is_authorized

    # -- for the transport ---------------------------------------------------------------------------------------

    async def receive(self, raw: str | bytes) -> None:
        """Handle one message. Raises nothing but cancellation; errors go to the log."""
        try:
            await self._receive(raw)
        except (ProtocolError, EngineError) as error:
            self.context.warn(CATEGORY, str(error))
        except Exception:
            log.exception("an API message failed: %s", describe(raw[:500]))
            self.context.warn(CATEGORY, "an API message failed by an error in this program")

    async def close(self) -> None:
        """Drop all topics. Safe to repeat."""
        if self._is_closed:
            return
        self._is_closed = True
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
            self.context.warn(topic.category, str(error))
        finally:
            if self._is_closed or topic.is_done:
                self._topics.pop(number, None)
                await self._close(topic)

    def _start(self, number: int, type: object) -> Topic:
        if not isinstance(type, str):
            raise ProtocolError(f"type: expected the name of a topic for the new topic {number}, got {describe(type)}")
        topic_class = TOPICS.get(type)
        if topic_class is None:
            raise ProtocolError(f"unknown topic type {describe(type)}: {suggest(type, TOPICS, alike=0.4)}")
        if not self.is_authorized and type != "authorize":
            raise ProtocolError(f"Connection is not authorized: the topic {type} was ignored")
        if len(self._topics) >= self.context.settings.max_topics:
            raise ProtocolError(f"more than {self.context.settings.max_topics} topics on one connection")
        topic = self._topics[number] = topic_class(self, number)
        return topic

    async def _close(self, topic: Topic) -> None:
        try:
            await topic.close()
        except EngineError as error:
            self.context.warn(topic.category, str(error))
        except Exception:
            log.exception("closing the topic %s failed", topic.category)
