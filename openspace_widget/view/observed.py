"""Traits whose observers may use the session, although the background loop sets the values."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import traitlets

from openspace_widget.client.event_loop import Latest, background

log = logging.getLogger(__name__)


class Observed(traitlets.HasTraits):
    """Traits that may be set on the background loop: the values are there at once, observers are called soon after.

    Observers run on one thread of their own, in order, so that they may call anything that waits. While one runs,
    further changes of a trait become one change.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._changes = Latest(self._notify)
        super().__init__(*args, **kwargs)

    def observe(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        super().observe(_guarded(handler), names, type)

    def unobserve(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        super().unobserve(_guarded(handler), names, type)

    def notify_change(self, change: Any) -> None:
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
        except Exception:
            log.exception("the observer of %r failed", change["name"])


def _guarded(handler: Any) -> Any:
    """Methods marked by ``@traitlets.observe`` stay as they are: traitlets looks them up by their name."""
    return handler if isinstance(handler, traitlets.EventHandler) else _Guarded(handler)
