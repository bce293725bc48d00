"""Property owners: the branches of the property tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties.property import Property

if TYPE_CHECKING:
    from openspace_server.engines.properties.tree import PropertyTree


class PropertyOwner:
    """Something with properties, such as a scene graph node, its renderable, or a part of the program."""

    def __init__(
        self, identifier: str, name: str = "", description: str = "", tags: tuple[str, ...] | list[str] = ()
    ) -> None:
        if "." in identifier or any(c.isspace() for c in identifier):
            raise EngineError(f"an identifier must have neither dots nor blanks: {identifier!r}")
        self.identifier = identifier
        self.name = name or identifier
        self.description = description
        self.tags = list(tags)
        self.parent: PropertyOwner | None = None
        self.tree: PropertyTree | None = None
        """Set on the root only."""
        self._properties: dict[str, Property] = {}
        self._owners: dict[str, PropertyOwner] = {}

    @property
    def uri(self) -> str:
        """The full name; empty for the root."""
        prefix = self.parent.uri if self.parent is not None else ""
        return f"{prefix}.{self.identifier}" if prefix else self.identifier

    @property
    def properties(self) -> list[Property]:
        return list(self._properties.values())

    @property
    def owners(self) -> list[PropertyOwner]:
        return list(self._owners.values())

    def add(self, child: Property | PropertyOwner) -> None:
        """Add ``child``. Raises EngineError when the name is taken."""
        if child.identifier in self._properties or child.identifier in self._owners:
            raise EngineError(f"{self.uri or 'the root'} already has {child.identifier!r}")
        if isinstance(child, Property):
            child.owner = self
            self._properties[child.identifier] = child
        else:
            child.parent = self
            self._owners[child.identifier] = child
        self._notify_tree(lambda tree: tree.grown(child.uri))

    def remove(self, identifier: str) -> None:
        """Drop a child; nothing happens when there is none."""
        child: Property | PropertyOwner | None = self._properties.get(identifier) or self._owners.get(identifier)
        if child is None:
            return
        uri = child.uri
        self._properties.pop(identifier, None)
        self._owners.pop(identifier, None)
        self._notify_tree(lambda tree: tree.pruned(uri))

    def child(self, identifier: str) -> PropertyOwner | None:
        """The owner of that name, directly below."""
        return self._owners.get(identifier)

    def find(self, path: str) -> Property | PropertyOwner | None:
        """The property or owner at ``path`` below this owner, such as ``Renderable.Enabled``."""
        head, _, rest = path.partition(".")
        if not rest:
            return self._properties.get(head) or self._owners.get(head)
        owner = self._owners.get(head)
        return owner.find(rest) if owner is not None else None

    def walk(self) -> Iterator[Property]:
        """Every property at any depth."""
        yield from self._properties.values()
        for owner in self._owners.values():
            yield from owner.walk()

    def walk_owners(self) -> Iterator[PropertyOwner]:
        """This owner and every one below it."""
        yield self
        for owner in self._owners.values():
            yield from owner.walk_owners()

    def property_changed(self, changed: Property) -> None:
        self._notify_tree(lambda tree: tree.value_changed(changed))

    def metadata_changed(self, changed: Property) -> None:
        self._notify_tree(lambda tree: tree.metadata_changed(changed))

    def _notify_tree(self, notify: Callable[[PropertyTree], None]) -> None:
        root = self
        while root.parent is not None:
            root = root.parent
        if root.tree is not None:
            notify(root.tree)
