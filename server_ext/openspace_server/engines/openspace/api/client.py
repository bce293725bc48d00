"""The client of OpenSpace's API: newline-delimited JSON over TCP, numbered topics, a listening thread.

Replies to requests are waited for; other payloads of a topic go to its callback, on the listening thread.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.api.dialect import HANDSHAKE, Dialect, Version, dialect_of, version_of

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 1.0
RETRY = 0.1
ANSWER_TIMEOUT = 20.0
"""Seconds to wait for an answer: OpenSpace gives one per frame, and frames can be slow."""
ANCHOR_URI = "NavigationHandler.OrbitalNavigator.Anchor"
MAX_LINE = 64 * 1024 * 1024

Callback = Callable[[Any], None]


class ConnectionLost(EngineError):
    """OpenSpace has closed the connection."""


class ApiClient:
    """An open connection. Everything may be called from any thread.

    Attributes:
        version: OpenSpace's.
        dialect: of its API.
        lost: set when OpenSpace has closed the connection.
    """

    version: Version
    dialect: Dialect

    def __init__(self, port: int) -> None:
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), CONNECT_TIMEOUT)
        except OSError as problem:
            raise ConnectionLost(f"OpenSpace's API does not answer on port {port}: {problem}") from None
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sending = threading.Lock()
        self._callbacks: dict[int, Callback] = {}
        self._last_topic = 0
        self.lost = threading.Event()
        threading.Thread(target=self._listen, name="openspace-api", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def send(self, message: dict[str, Any]) -> None:
        """Raises ConnectionLost."""
        line = json.dumps(message).encode() + b"\n"
        try:
            with self._sending:
                self._socket.sendall(line)
        except OSError as problem:
            raise ConnectionLost(f"OpenSpace's API is gone: {problem}") from None

    def start(self, type: str, payload: dict[str, Any], callback: Callback) -> int:
        """Start a topic; ``callback`` gets its payloads. Returns its number, for :meth:`send_to`."""
        with self._sending:
            self._last_topic += 1
            topic = self._last_topic
            self._callbacks[topic] = callback
        self.send({"topic": topic, "type": type, "payload": payload})
        return topic

    def request(self, type: str, payload: dict[str, Any], callback: Callback) -> None:
        """Send a request without waiting: ``callback`` gets the answer, on the listening thread."""
        topics: list[int] = []

        def once(answer: Any) -> None:
            if topics:
                self._callbacks.pop(topics[0], None)
            callback(answer)

        topics.append(self.start(type, payload, once))

    def send_to(self, topic: int, payload: dict[str, Any]) -> None:
        self.send({"topic": topic, "payload": payload})

    def ask(self, type: str, payload: dict[str, Any], timeout: float = ANSWER_TIMEOUT) -> Any:
        """The first payload that comes back. Raises EngineError if none does in time, ConnectionLost."""
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        topic = self.start(type, payload, answers.put)
        try:
            return self._take(answers, timeout, f"OpenSpace did not answer {type} within {timeout:g} s")
        finally:
            self._callbacks.pop(topic, None)

    def wait_ready(self, check: Callable[[], None], deadline: float) -> bool:
        """Wait until OpenSpace answers, which it does when everything is loaded, and find its version and dialect.

        ``check`` is called meanwhile, several times a second, and may raise. False if the connection was lost.
        Raises EngineError at ``deadline`` (:func:`time.monotonic`).
        """
        versions: queue.SimpleQueue[Any] = queue.SimpleQueue()
        probes: queue.SimpleQueue[Any] = queue.SimpleQueue()
        try:
            # A legacy server only notes in its log that the handshake has no topic.
            self.send(HANDSHAKE)
            self.start("version", {}, versions.put)
            self.start("get", {"property": ANCHOR_URI}, probes.put)
            version = self._wait_for_answer(versions, check, deadline)
            probe = self._wait_for_answer(probes, check, deadline)
        except ConnectionLost:
            return False
        found = version_of(version)
        dialect = dialect_of(probe)
        if found is None or dialect is None:
            raise EngineError(
                "the program on OpenSpace's API port does not answer as OpenSpace: "
                f"version {str(version)[:80]}, property {str(probe)[:80]}"
            )
        self.version, self.dialect = found, dialect
        return True

    def _wait_for_answer(self, answers: queue.SimpleQueue[Any], check: Callable[[], None], deadline: float) -> Any:
        while True:
            check()
            try:
                return self._take(answers, RETRY, "")
            except ConnectionLost:
                raise
            except EngineError:
                if time.monotonic() > deadline:
                    raise EngineError("OpenSpace's API did not answer in time") from None

    def _take(self, answers: queue.SimpleQueue[Any], timeout: float, late: str) -> Any:
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            try:
                return answers.get(timeout=max(0.0, min(left, RETRY)))
            except queue.Empty:
                if self.lost.is_set():
                    raise ConnectionLost("OpenSpace has closed its API") from None
                if left <= 0:
                    raise EngineError(late) from None

    def _listen(self) -> None:
        received = b""
        try:
            while True:
                part = self._socket.recv(65536)
                if not part or len(received) > MAX_LINE:
                    break
                *lines, received = (received + part).split(b"\n")
                for line in lines:
                    if line.strip():
                        self._dispatch(line)
        except OSError:
            pass
        self.lost.set()

    def _dispatch(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            callback = self._callbacks.get(message["topic"])
            if callback is not None:
                # An error of the legacy dialect has no payload.
                callback(message.get("payload", message))
        except Exception:
            log.exception("a message of OpenSpace's API: %.200r", line)


def connect(port: int, check: Callable[[], None], deadline: float) -> ApiClient:
    """A client of an OpenSpace that has loaded. ``check`` and ``deadline`` as for :meth:`ApiClient.wait_ready`."""
    while True:
        check()
        try:
            client = ApiClient(port)
        except ConnectionLost:
            if time.monotonic() > deadline:
                raise EngineError("OpenSpace's API did not open in time") from None
            time.sleep(RETRY)
            continue
        try:
            if client.wait_ready(check, deadline):
                return client
        except BaseException:
            client.close()
            raise
        client.close()
        time.sleep(RETRY)
