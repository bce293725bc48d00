"""Events of the instance, as callbacks and as asynchronous iterators."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import cache
from typing import Any

from openspace_server.protocols.events import EVENT_TYPES
from openspace_server.protocols.suggestions import suggest
from openspace_widget.client.event_loop import background
from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.errors import ArgumentError, OpenSpaceError

log = logging.getLogger(__name__)

EVERYTHING = "*"


def checked(events: tuple[str, ...]) -> list[str]:
    """The names, all of them for none. Raises ArgumentError."""
    for event in events:
        if event not in (*EVENT_TYPES, EVERYTHING):
            raise ArgumentError(f"there is no event {event!r}: {suggest(event, EVENT_TYPES)}")
    return list(events) if events and EVERYTHING not in events else [EVERYTHING]


async def follow(api: OpenSpaceApi, names: list[str]) -> AsyncGenerator[dict[str, Any], None]:
    """Each event as it happens: ``{"event": name, …its fields}``."""
    payloads = api.follow("event", _request("start_subscription", names), _request("stop_subscription", names))
    try:
        async for event in payloads:
            yield event
    finally:
        await payloads.aclose()


def _request(request: str, names: list[str]) -> dict[str, Any]:
    return {"event": request, "eventType": EVERYTHING if names == [EVERYTHING] else names}


class Subscription:
    """Subscription to events, as :meth:`OpenSpace.on` returns it: calls a function for each until ``cancel()``."""

    def __init__(self, api: OpenSpaceApi, names: list[str], call: Callable[[dict[str, Any]], Any]) -> None:
        self.events = tuple(names)
        self._call = call
        background().check_may_wait()
        ready: Future[None] = Future()
        self._task = background().submit(self._follow(api, names, ready))
        ready.result()

    def cancel(self) -> None:
        """End the calls. Safe to repeat."""
        self._task.cancel()

    @property
    def active(self) -> bool:
        """Whether events still come: False after ``cancel()`` and when the session has ended."""
        return not self._task.done()

    async def _follow(self, api: OpenSpaceApi, names: list[str], ready: Future[None]) -> None:
        try:
            topic = await api.start("event", _request("start_subscription", names))
        except BaseException as problem:
            ready.set_exception(problem)
            raise
        ready.set_result(None)  # from now on no event is missed
        try:
            while True:
                event = await topic.next()
                _callers().submit(self._guarded, event)
        except OpenSpaceError as problem:
            log.info("events ended: %s", problem)
        finally:
            topic.close()
            await topic.send(_request("stop_subscription", names))

    def _guarded(self, event: dict[str, Any]) -> None:
        if self._task.cancelled():
            return
        try:
            self._call(event)
        except (Exception, CancelledError):
            log.exception("the function for %s failed", event.get("event"))

    def __repr__(self) -> str:
        return f"<{'listening' if self.active else 'no longer listening'} to {', '.join(self.events)}>"


@cache
def _callers() -> ThreadPoolExecutor:
    """One thread for all callbacks: they come in order, and may call anything of ``space``, which waits."""
    return ThreadPoolExecutor(1, thread_name_prefix="openspace-events")
