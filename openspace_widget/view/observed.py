"""Observable traits that the background loop sets and whose observers may use the session."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import traitlets

from openspace_widget.client.event_loop import background

log = logging.getLogger(__name__)


class Latest:
    """Values by name on their way to the observers' thread: of several with one name only the last one arrives."""

    def __init__(self, use: Callable[[dict[str, Any]], None]) -> None:
        self._use = use
        self._waiting: dict[str, Any] = {}
        self._outdated: set[str] = set()
        self._is_due = False
        self._changing = threading.Lock()
        self._using = threading.RLock()

    def put(self, values: dict[str, Any]) -> None:
        """Let ``values`` be used soon; returns at once."""
        with self._changing:
            self._waiting.update({name: value for name, value in values.items() if name not in self._outdated})
            is_new, self._is_due = not self._is_due, True
        if is_new:
            background().observers.call(self.flush)

    def flush(self) -> None:
        """Use what waits, on this thread."""
        with self._using:
            with self._changing:
                values, self._waiting, self._is_due = self._waiting, {}, False
            if values:
                self._use(values)

    def outdate(self, name: str) -> None:
        """Drop what waits and comes under this name until :meth:`renew`."""
        with self._changing:
            self._outdated.add(name)
            self._waiting.pop(name, None)

    def renew(self, name: str) -> None:
        """Take values of this name again."""
        with self._changing:
            self._outdated.discard(name)

    def is_outdated(self, name: str) -> bool:
        """Whether values of this name are dropped."""
        return name in self._outdated


class Observed(traitlets.HasTraits):
    """Traits that may be set on the background loop: the values are there at once, observers are called soon after.

    Observers run on one thread of their own, in order, so that they may call anything that waits. While one runs,
    further changes of a trait become one change.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._changes = Latest(self._notify)
        super().__init__(*args, **kwargs)

    def observe(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Call ``handler(change)`` on changes, see :meth:`traitlets.HasTraits.observe`."""
        super().observe(_guarded(handler), names, type)

    def unobserve(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Undo :meth:`observe`."""
        super().unobserve(_guarded(handler), names, type)

    def notify_change(self, change: Any) -> None:
        """Called by traitlets on each change."""
        if background().is_current:
            self._changes.put({change["name"]: change})
        else:
            super().notify_change(change)

    def _notify(self, changes: dict[str, Any]) -> None:
        for change in changes.values():
            super().notify_change(change)


@dataclass(frozen=True)
class _Guarded:
    """An observer. What it raises on the observers' thread is logged, so that the other observers are called."""

    observer: Callable[[Any], Any]

    def __call__(self, change: Any) -> None:
        if not background().observers.is_current:
            self.observer(change)
            return
        try:
            self.observer(change)
        except BaseException:  # sys.exit() as well: it would end nothing here but the other observers' calls
            log.exception("the observer of %r failed", change["name"])


def _guarded(handler: Any) -> Any:
    """Methods marked by ``@traitlets.observe`` stay as they are: traitlets looks them up by their name."""
    return handler if isinstance(handler, traitlets.EventHandler) else _Guarded(handler)
