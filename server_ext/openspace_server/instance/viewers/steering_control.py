"""Steering control: which party may move the camera, one at a time.

All views of the owner are one party, and so are all views of one guest: a page that changes its transport is attached
twice for a moment. Any viewer may request control; the party that has it may give it to another or release it; the
owner may take it at any time. A spectator gets control only from the owner, so that a link for watching stays one,
whichever other viewers are attached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from openspace_server.protocols.fields import ProtocolError, describe
from openspace_server.protocols.signaling import Role


class ViewerIdentity(Protocol):
    """What steering control knows of a viewer. ``name`` is unique to its party."""

    @property
    def name(self) -> str: ...

    @property
    def role(self) -> Role: ...

    @property
    def is_owner(self) -> bool: ...

    @property
    def party(self) -> str:
        """Whose view it is, if known: a party's views have one name and steer together."""


class SteeringControl:
    """Knows all viewers in the order they came. ``on_change()``: control has changed hands or was requested."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._viewers: list[ViewerIdentity] = []
        self._requests: list[ViewerIdentity] = []
        self._holder: ViewerIdentity | None = None
        self._is_owners = False
        """The owner's views have control, even while none of them is attached: a page may be reloading."""

    def is_steering(self, viewer: ViewerIdentity) -> bool:
        if self._is_owners:
            return viewer.is_owner
        return self._holder is not None and _is_same_party(viewer, self._holder)

    def has_requested(self, viewer: ViewerIdentity) -> bool:
        return any(_is_same_party(viewer, other) for other in self._requests)

    def free_name(self, name: str, party: str = "") -> str:
        """The name of ``party`` if it is attached; else ``name``, with a number appended if another viewer has it."""
        for viewer in self._viewers:
            if party and viewer.party == party:
                return viewer.name
        taken = {viewer.name for viewer in self._viewers}
        free, number = name, 2
        while free in taken:
            free, number = f"{name}-{number}", number + 1
        return free

    def message(self) -> dict[str, Any]:
        """The fields of ``state``: the controller (None: none; the owner's views have no name there), and requests."""
        controller: dict[str, Any] | None = None
        if self._is_owners:
            controller = {"viewer": None, "owner": True}
        elif self._holder is not None:
            controller = {"viewer": self._holder.name, "owner": False}
        return {"controller": controller, "requests": [viewer.name for viewer in self._requests]}

    def refusal(self, viewer: ViewerIdentity) -> str:
        """Why ``viewer`` does not steer and what it may do."""
        if viewer.role is Role.SPECTATOR:
            return "only controllers may, you are a spectator"
        holder = "the owner" if self._is_owners else self._holder.name if self._holder else "no viewer"
        return f"{holder} steers now: {'take_control' if viewer.is_owner else 'request_control'} first"

    def add(self, viewer: ViewerIdentity) -> None:
        """A viewer was attached: the first controller steers; the owner's views always belong together."""
        self._viewers.append(viewer)
        if not self._is_owners and self._holder is None and viewer.role is Role.CONTROLLER:
            self._hand_to(viewer)

    def remove(self, viewer: ViewerIdentity) -> None:
        """A viewer was detached; another view of its party keeps what it had."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            other = next((other for other in self._viewers if _is_same_party(viewer, other)), None)
            if viewer in self._requests:
                self._requests.remove(viewer)
                if other is not None:
                    self._requests.append(other)
                self._on_change()
            if viewer is self._holder:
                self._holder = other
                if other is None:
                    self._pass_on()

    def request(self, viewer: ViewerIdentity) -> bool:
        """Request control; True if ``viewer`` has it now, which is so if it was free."""
        if self.is_steering(viewer):
            return True
        if self._is_free() and viewer.role is Role.CONTROLLER:
            self._hand_to(viewer)
            return True
        if not self.has_requested(viewer):
            self._requests.append(viewer)
            self._on_change()
        return False

    def release(self, viewer: ViewerIdentity) -> None:
        """Release control, or withdraw a request. The owner gets it, else the viewer that requested it first."""
        if self.has_requested(viewer):
            self._requests = [other for other in self._requests if not _is_same_party(viewer, other)]
            self._on_change()
        elif self.is_steering(viewer):
            self._pass_on()

    def give(self, viewer: ViewerIdentity, name: str) -> None:
        """``viewer`` gives control to the viewer called ``name``. Raises ProtocolError if it may not."""
        if not self.is_steering(viewer) and not viewer.is_owner:
            raise ProtocolError("give_control: only the owner and the viewer that steers may")
        for other in self._viewers:
            if other.name == name:
                if other.role is Role.SPECTATOR and not viewer.is_owner:
                    raise ProtocolError(f"give_control: {name} is a spectator, only the owner may give it control")
                self._hand_to(other)
                return
        raise ProtocolError(f"viewer: no viewer is called {describe(name)}")

    def take(self, viewer: ViewerIdentity) -> None:
        """The owner takes control. Raises ProtocolError for other viewers."""
        if not viewer.is_owner:
            raise ProtocolError("take_control: only the owner may; request_control asks for it")
        self._hand_to(viewer)

    def _is_free(self) -> bool:
        if self._is_owners:
            return not any(viewer.is_owner for viewer in self._viewers)
        return self._holder is None

    def _pass_on(self) -> None:
        was_owners = self._is_owners
        self._is_owners, self._holder = False, None
        if not was_owners and (owners := [viewer for viewer in self._viewers if viewer.is_owner]):
            self._hand_to(owners[0])
        elif controllers := [viewer for viewer in self._requests if viewer.role is Role.CONTROLLER]:
            self._hand_to(controllers[0])
        else:
            self._on_change()

    def _hand_to(self, viewer: ViewerIdentity) -> None:
        self._is_owners = viewer.is_owner
        self._holder = None if viewer.is_owner else viewer
        self._requests = [other for other in self._requests if not self.is_steering(other)]
        self._on_change()


def _is_same_party(one: ViewerIdentity, other: ViewerIdentity) -> bool:
    return one is other or (one.party != "" and one.party == other.party)
