"""The property tree: lookup by URI and by pattern, and notification of every change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openspace_server.engines.properties.matching import Pattern
from openspace_server.engines.properties.owner import PropertyOwner
from openspace_server.engines.properties.property import Property, PropertyError
from openspace_server.protocols.suggestions import did_you_mean, near


class UnknownProperty(PropertyError):
    """No property of that name; the message has the near ones."""


@dataclass(frozen=True)
class TreeChange:
    """``kind``: ``"value"``, ``"metadata"``, ``"added"`` or ``"removed"``; ``property`` for the first two only."""

    kind: str
    uri: str
    property: Property | None = None


class PropertyTree:
    """Owners and properties under one root without a name. Lives on the draw thread."""

    def __init__(self) -> None:
        self.root = PropertyOwner("", "OpenSpace")
        self.root.tree = self
        self._watchers: list[Callable[[TreeChange], None]] = []

    def find(self, uri: str) -> Property | None:
        """The property at ``uri``."""
        found = self.root.find(uri) if uri else None
        return found if isinstance(found, Property) else None

    def get(self, uri: str) -> Property:
        """The property at ``uri``. Raises UnknownProperty with near names."""
        found = self.find(uri)
        if found is None:
            raise UnknownProperty(f"Property '{uri}' not found{self._hint(uri)}")
        return found

    def owner(self, uri: str) -> PropertyOwner | None:
        """The owner at ``uri``; the root for an empty one."""
        found = self.root.find(uri) if uri else self.root
        return found if isinstance(found, PropertyOwner) else None

    def match(self, pattern: str) -> list[Property]:
        """All properties whose URI fits ``pattern`` (see :mod:`.matching`). Raises PropertyError."""
        if not any(c in pattern for c in "*{}"):
            found = self.find(pattern)
            return [found] if found is not None else []
        compiled = Pattern(pattern)
        return [each for each in self.root.walk() if compiled.fits(each)]

    def watch(self, watcher: Callable[[TreeChange], None]) -> Callable[[], None]:
        """Call ``watcher`` at every change anywhere; returns how to stop that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher) if watcher in self._watchers else None

    def value_changed(self, changed: Property) -> None:
        if self._watchers:
            self._notify(TreeChange("value", changed.uri, changed))

    def metadata_changed(self, changed: Property) -> None:
        self._notify(TreeChange("metadata", changed.uri, changed))

    def grown(self, uri: str) -> None:
        self._notify(TreeChange("added", uri))

    def pruned(self, uri: str) -> None:
        self._notify(TreeChange("removed", uri))

    def near(self, uri: str, count: int = 3) -> list[str]:
        """URIs that look like ``uri``: first the part that goes wrong is compared, so that it stays quick."""
        owner, good = self.root, ""
        *path, last = uri[:500].split(".")
        for name in path:
            below = owner.child(name)
            if below is None:
                rest = uri[:500][len(good) :].partition(".")[2]
                names = near(name, [each.identifier for each in owner.owners], count=count)
                fixed = [f"{good}{each}.{rest}" for each in names]
                return [each for each in fixed if self.root.find(each)] or fixed
            owner, good = below, f"{good}{name}."
        names = [each.identifier for each in owner.properties] + [each.identifier for each in owner.owners]
        return [good + each for each in near(last, names, alike=0.4, count=count)]

    def _hint(self, uri: str) -> str:
        return did_you_mean(self.near(uri), before="; ")

    def _notify(self, change: TreeChange) -> None:
        for watcher in list(self._watchers):
            watcher(change)
