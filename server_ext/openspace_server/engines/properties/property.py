"""A property: a typed value with metadata, limits and watchers."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties.kinds import KINDS, Value, WrongValue, show

if TYPE_CHECKING:
    from openspace_server.engines.properties.owner import PropertyOwner


class PropertyError(EngineError):
    """A property refused a value; the message names the property and why."""


class Visibility(StrEnum):
    """From which level of expertise on a user interface shows the property."""

    ALWAYS = "Always"
    NOVICE_USER = "NoviceUser"
    USER = "User"
    ADVANCED_USER = "AdvancedUser"
    DEVELOPER = "Developer"
    HIDDEN = "Hidden"


class Property:
    """A value under a name.

    Args:
        identifier: the last part of the URI.
        kind: type name without the ending, such as ``"Float"``, ``"DVec3"``, ``"Option"``.
        value: the first value.
        name: what a user interface shows.
        low, high: limits, inclusive, for each number; None for no limit.
        step: what one notch of a slider changes.
        options: labels by value for ``Option``; for ``Selection`` the labels in order.
        view_options: hints for a user interface, such as ``{"Color": True}``.
        accept: called with the checked value before it is stored by :meth:`set`; refuses by raising EngineError.
    """

    def __init__(
        self,
        identifier: str,
        kind: str,
        value: object = None,
        *,
        name: str = "",
        description: str = "",
        low: float | None = None,
        high: float | None = None,
        step: float | None = None,
        exponent: float = 1.0,
        options: dict[int, str] | None = None,
        labels: tuple[str, ...] = (),
        group: str = "",
        visibility: Visibility = Visibility.USER,
        read_only: bool = False,
        needs_confirmation: bool = False,
        view_options: dict[str, bool] | None = None,
        accept: Callable[[Value], None] | None = None,
    ) -> None:
        if not identifier or "." in identifier or any(c.isspace() for c in identifier):
            raise ValueError(f"a property cannot be called {identifier!r}")
        self.identifier = identifier
        self.kind = KINDS[kind]
        self.name = name or identifier
        self.description = description
        self.low, self.high, self.step, self.exponent = low, high, step, exponent
        self.options = dict(options or {})
        self.labels = tuple(labels)
        self.group = group
        self.visibility = visibility
        self.read_only = read_only
        self.needs_confirmation = needs_confirmation
        self.view_options = dict(view_options or {})
        self.owner: PropertyOwner | None = None
        self._accept = accept
        self._watchers: list[Callable[[Property], None]] = []
        self._value: Value = self.kind.check(value)
        self._first = self._value
        self._was_set = False

    @property
    def type(self) -> str:
        """OpenSpace's class name, such as ``FloatProperty``."""
        return f"{self.kind.name}Property"

    @property
    def uri(self) -> str:
        """The full name, such as ``Scene.Earth.Renderable.Enabled``."""
        prefix = self.owner.uri if self.owner is not None else ""
        return f"{prefix}.{self.identifier}" if prefix else self.identifier

    @property
    def value(self) -> Value:
        return self._value

    @property
    def chosen(self) -> bool:
        """Whether :meth:`set` gave it something other than its first value; :meth:`update` does not choose."""
        return self._was_set and self._value != self._first and self.kind.name != "Trigger"

    def checked(self, value: object) -> Value:
        """``value`` in canonical form. Raises PropertyError: wrong type, out of range, read-only."""
        if self.read_only:
            raise PropertyError(f"{self.uri} is read-only")
        if self.kind.name == "Option" and isinstance(value, str):
            value = self._option(value)
        try:
            canonical = self.kind.check(value)
        except WrongValue as error:
            raise PropertyError(f"{self.uri} is a {self.type}: {error}") from None
        self._check_limits(canonical)
        return canonical

    def set(self, value: object) -> None:
        """Check, store and notify the watchers. A trigger fires. Raises PropertyError, EngineError."""
        canonical = self.checked(value)
        if self._accept is not None:
            self._accept(canonical)
        self._was_set = True
        self._store(canonical)

    def update(self, value: object) -> None:
        """Store what the program itself found, whatever the limits, and notify the watchers."""
        self._was_set = False
        self._store(self.kind.check(value))

    def watch(self, watcher: Callable[[Property], None]) -> Callable[[], None]:
        """Call ``watcher(property)`` after each change, and each time a trigger fires; returns how to stop that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher) if watcher in self._watchers else None

    def changed(self) -> None:
        """Notify the watchers."""
        for watcher in list(self._watchers):
            watcher(self)
        if self.owner is not None:
            self.owner.property_changed(self)

    def set_limits(self, low: float | None, high: float | None) -> None:
        """New limits; the value stays."""
        self.low, self.high = low, high
        if self.owner is not None:
            self.owner.metadata_changed(self)

    def _store(self, canonical: Value) -> None:
        if canonical == self._value and self.kind.name != "Trigger":
            return
        self._value = canonical
        self.changed()

    def _option(self, label: str) -> int:
        for number, known in self.options.items():
            if known == label:
                return number
        raise PropertyError(f"{self.uri} has no option {show(label)}: choose {', '.join(self.options.values())}")

    def _check_limits(self, value: Value) -> None:
        if self.kind.name == "Option" and value not in self.options:
            known = ", ".join(f"{number} ({label})" for number, label in self.options.items())
            raise PropertyError(f"{self.uri} has no option {value}: choose {known}")
        if self.kind.name == "Selection" and isinstance(value, tuple):
            wrong = [label for label in value if label not in self.labels]
            if wrong:
                raise PropertyError(f"{self.uri} cannot select {show(wrong[0])}: choose from {', '.join(self.labels)}")
        if self.kind.numeric:
            for number in value if isinstance(value, tuple) else (value,):
                assert isinstance(number, int | float)
                if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
                    low = "-∞" if self.low is None else f"{self.low:g}"
                    high = "∞" if self.high is None else f"{self.high:g}"
                    raise PropertyError(f"{self.uri}: {number:g} is outside {low} to {high}")
