"""Who steers: one party at a time.

All the owner's views are one party, and so are all that one guest has open: a page that changes to another transport
is there twice for a moment. Anybody may ask for control; whoever has it may give it on or let go of it; the owner
may take it at any time. Somebody who joined to watch gets control only from the owner, so that a link for watching
stays one, whoever else is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from openspace_server.protocols.fields import ProtocolError, describe
from openspace_server.protocols.signaling import Role


class Participant(Protocol):
    """What is known of a viewer here. ``viewer`` is its name, of which there is one."""

    @property
    def viewer(self) -> str: ...

    @property
    def role(self) -> Role: ...

    @property
    def owner(self) -> bool: ...

    @property
    def party(self) -> str:
        """Whose view it is, if known: a party's views have one name and steer together."""


class Control:
    """Knows all viewers in the order they came. ``changed()`` is called when somebody else steers or asks to."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._present: list[Participant] = []
        self._asking: list[Participant] = []
        self._holder: Participant | None = None
        self._owners = False
        """The owner's views have control, even while none of them is here: a page may be loading again."""

    # -- asked -----------------------------------------------------------------------------------------------------

    def steers(self, who: Participant) -> bool:
        return who.owner if self._owners else self._holder is not None and _same(who, self._holder)

    def asks(self, who: Participant) -> bool:
        return any(_same(who, other) for other in self._asking)

    def free_name(self, wanted: str, party: str = "") -> str:
        """``wanted``, or with a number behind it if somebody else has that name."""
        for who in self._present:
            if party and who.party == party:
                return who.viewer
        taken = {who.viewer for who in self._present}
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}-{number}", number + 1
        return name

    def message(self) -> dict[str, Any]:
        """What the state tells: who steers (None: nobody; the owner's views have no name there), and who asks to."""
        controller: dict[str, Any] | None = None
        if self._owners:
            controller = {"viewer": None, "owner": True}
        elif self._holder is not None:
            controller = {"viewer": self._holder.viewer, "owner": False}
        return {"controller": controller, "requests": [who.viewer for who in self._asking]}

    def refusal(self, who: Participant) -> str:
        """Why ``who`` does not steer and what it may do."""
        if who.role is Role.VIEWER:
            return "only controllers may, you are a viewer"
        holder = "the owner" if self._owners else self._holder.viewer if self._holder else "nobody"
        return f"{holder} steers now: {'take_control' if who.owner else 'request_control'} first"

    # -- done ------------------------------------------------------------------------------------------------------

    def joined(self, who: Participant) -> None:
        """The first one who may steer does; the owner's views always belong together."""
        self._present.append(who)
        if not self._owners and self._holder is None and who.role is Role.CONTROLLER:
            self._hand_to(who)

    def left(self, who: Participant) -> None:
        if who in self._present:
            self._present.remove(who)
            stays = next((other for other in self._present if _same(who, other)), None)
            if who in self._asking:
                self._asking.remove(who)
                if stays is not None:
                    self._asking.append(stays)
                self._changed()
            if who is self._holder:
                self._holder = stays
                if stays is None:
                    self._pass_on()

    def request(self, who: Participant) -> bool:
        """``who`` asks for control; True if it has it now, which is so when nobody had it."""
        if self.steers(who):
            return True
        if self._is_free() and who.role is Role.CONTROLLER:
            self._hand_to(who)
            return True
        if not self.asks(who):
            self._asking.append(who)
            self._changed()
        return False

    def release(self, who: Participant) -> None:
        """``who`` lets go of control, or of its wish for it. The owner gets it, else who has asked first."""
        if self.asks(who):
            self._asking = [other for other in self._asking if not _same(who, other)]
            self._changed()
        elif self.steers(who):
            self._pass_on()

    def give(self, who: Participant, name: str) -> None:
        """``who`` gives control to the viewer called ``name``. Raises ProtocolError if it may not."""
        if not self.steers(who) and not who.owner:
            raise ProtocolError("give_control: only who steers and the owner may")
        for other in self._present:
            if other.viewer == name:
                if other.role is Role.VIEWER and not who.owner:
                    raise ProtocolError(f"give_control: {name} is here to watch, only the owner may give it control")
                self._hand_to(other)
                return
        raise ProtocolError(f"viewer: nobody here is called {describe(name)}")

    def take(self, who: Participant) -> None:
        """The owner takes control. Raises ProtocolError for anybody else."""
        if not who.owner:
            raise ProtocolError("take_control: only the owner may; request_control asks for it")
        self._hand_to(who)

    def _is_free(self) -> bool:
        if self._owners:
            return not any(who.owner for who in self._present)
        return self._holder is None

    def _pass_on(self) -> None:
        by_owner = self._owners
        self._owners, self._holder = False, None
        if not by_owner and (owners := [who for who in self._present if who.owner]):
            self._hand_to(owners[0])
        elif asking := [who for who in self._asking if who.role is Role.CONTROLLER]:
            self._hand_to(asking[0])
        else:
            self._changed()

    def _hand_to(self, who: Participant) -> None:
        self._owners = who.owner
        self._holder = None if who.owner else who
        self._asking = [other for other in self._asking if not self.steers(other)]
        self._changed()


def _same(one: Participant, other: Participant) -> bool:
    return one is other or (one.party != "" and one.party == other.party)
