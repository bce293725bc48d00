"""Notifications of session changes to the listeners in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

from openspace_server.protocols.sessions import SessionView, SessionWarning

Notification = SessionView | SessionWarning


class Notifier:
    """One queue per subscriber. A view or warning equal to the previous one is not sent again."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, set[asyncio.Queue[Notification]]] = defaultdict(set)
        self._last_view: dict[str, SessionView] = {}
        self._last_warning: dict[str, SessionWarning] = {}

    @contextlib.contextmanager
    def subscribe(self, session: str) -> Iterator[asyncio.Queue[Notification]]:
        """A queue of all changes from now on."""
        queue: asyncio.Queue[Notification] = asyncio.Queue()
        self._queues[session].add(queue)
        try:
            yield queue
        finally:
            self._queues[session].discard(queue)
            if not self._queues[session]:
                del self._queues[session]
                self._last_view.pop(session, None)
                self._last_warning.pop(session, None)

    def publish(self, view: SessionView) -> None:
        """Send ``view`` to the subscribers of its session, if it differs from the one sent before."""
        if view.id in self._queues and self._last_view.get(view.id) != view:
            self._last_view[view.id] = view
            for queue in self._queues[view.id]:
                queue.put_nowait(view)

    def warn(self, session: str, warning: SessionWarning) -> None:
        """Warn the subscribers that ``session`` will end; an empty warning withdraws the one before."""
        if session in self._queues and self._last_warning.get(session, SessionWarning()) != warning:
            self._last_warning[session] = warning
            for queue in self._queues[session]:
                queue.put_nowait(warning)

    def warning(self, session: str) -> SessionWarning | None:
        """The warning in force, as sent to the subscribers."""
        warning = self._last_warning.get(session)
        return warning if warning != SessionWarning() else None
