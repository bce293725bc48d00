"""Passes changes of sessions on to whoever watches them in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

from openspace_server.protocols.sessions import SessionView


class Watchers:
    """One queue per watcher. A view equal to the one before it is not passed on twice."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, set[asyncio.Queue[SessionView]]] = defaultdict(set)
        self._last: dict[str, SessionView] = {}

    @contextlib.contextmanager
    def watch(self, session: str) -> Iterator[asyncio.Queue[SessionView]]:
        """A queue of every change from now on."""
        queue: asyncio.Queue[SessionView] = asyncio.Queue()
        self._queues[session].add(queue)
        try:
            yield queue
        finally:
            self._queues[session].discard(queue)
            if not self._queues[session]:
                del self._queues[session]
                self._last.pop(session, None)

    def publish(self, view: SessionView) -> None:
        """Tell the watchers of ``view.id``, if it differs from what they were told before."""
        if view.id in self._queues and self._last.get(view.id) != view:
            self._last[view.id] = view
            for queue in self._queues[view.id]:
                queue.put_nowait(view)
