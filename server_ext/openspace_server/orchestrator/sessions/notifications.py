"""Passes changes of sessions on to whoever watches them in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

from openspace_server.protocols.sessions import SessionView, SessionWarning

News = SessionView | SessionWarning


class Watchers:
    """One queue per watcher. A view or warning equal to the one before it is not passed on twice."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, set[asyncio.Queue[News]]] = defaultdict(set)
        self._last: dict[str, SessionView] = {}
        self._warned: dict[str, SessionWarning] = {}

    @contextlib.contextmanager
    def watch(self, session: str) -> Iterator[asyncio.Queue[News]]:
        """A queue of every change from now on."""
        queue: asyncio.Queue[News] = asyncio.Queue()
        self._queues[session].add(queue)
        try:
            yield queue
        finally:
            self._queues[session].discard(queue)
            if not self._queues[session]:
                del self._queues[session]
                self._last.pop(session, None)
                self._warned.pop(session, None)

    def publish(self, view: SessionView) -> None:
        """Tell the watchers of ``view.id``, if it differs from what they were told before."""
        if view.id in self._queues and self._last.get(view.id) != view:
            self._last[view.id] = view
            for queue in self._queues[view.id]:
                queue.put_nowait(view)

    def warn(self, session: str, warning: SessionWarning) -> None:
        """Tell the watchers of ``session`` that it will end, or, with an empty warning, that it will not after all."""
        if session in self._queues and self._warned.get(session, SessionWarning()) != warning:
            self._warned[session] = warning
            for queue in self._queues[session]:
                queue.put_nowait(warning)

    def warning(self, session: str) -> SessionWarning | None:
        """The warning that is in force, as far as the watchers were told."""
        warning = self._warned.get(session)
        return warning if warning != SessionWarning() else None
