"""``space.traits``: what ipywidgets and other traitlets may be linked to."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import traitlets

from openspace_widget.client.event_loop import background
from openspace_widget.client.session import Session
from openspace_widget.errors import OpenSpaceError
from openspace_widget.units import iso, moment

log = logging.getLogger(__name__)


class LiveTraits(traitlets.HasTraits):
    """The session's state as traits: they follow it, and setting them steers it.

    Attributes:
        time: simulation time, an aware datetime in UTC. It follows jumps at once, and the clock as the instance tells
            it, every few seconds.
        rate: simulated seconds per second.
        paused: whether simulation time stands.
        focus: identifier of the body the camera orbits.
        size: ``(width, height)`` of the picture in pixels.
        flying: whether a flight is under way; only to read.

    Example:
        >>> import traitlets
        >>> class Slider(traitlets.HasTraits):
        ...     value = traitlets.Float()
        >>> slider = Slider()
        >>> link = traitlets.link((slider, "value"), (space.traits, "rate"))
        >>> slider.value = 60
        >>> space.time.rate
        60.0
        >>> slider.value = 1
    """

    time = traitlets.Instance(datetime, default_value=datetime(2000, 1, 1, 12, tzinfo=UTC))
    rate = traitlets.Float(1.0)
    paused = traitlets.Bool(False)
    focus = traitlets.Unicode("")
    size = traitlets.Tuple(traitlets.Int(), traitlets.Int(), default_value=(0, 0))
    flying = traitlets.Bool(False)
    problem = traitlets.Unicode("", help="why the last change was refused")

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._hearing = threading.local()
        self._following = False
        self.observe(self._send, ["time", "rate", "paused", "focus", "size"])

    def follow(self) -> None:
        """Begin to follow the session, which needs a connection to its instance; returns at once."""
        if not self._following:
            self._following = True
            background().submit(self._begin())

    async def _begin(self) -> None:
        try:
            self.hear(await self._session.ask("state"))
        except OpenSpaceError as problem:
            self._following = False
            log.info("not followed: %s", problem)

    @traitlets.validate("time")
    def _aware(self, proposal: Any) -> datetime:
        return moment(proposal["value"])

    def hear(self, state: dict[str, Any]) -> None:
        """A state message of the instance."""
        told: dict[str, Any] = {name: state[name] for name in ("rate", "paused", "focus", "flying") if name in state}
        if "time" in state:
            told["time"] = moment(state["time"])
        if "width" in state:
            told["size"] = (int(state["width"]), int(state["height"]))
        with self._quiet(), self.hold_trait_notifications():
            for name, value in told.items():
                self.set_trait(name, value)

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """What is heard is not sent back."""
        self._hearing.now = True
        try:
            yield
        finally:
            self._hearing.now = False

    def _send(self, change: Any) -> None:
        if getattr(self._hearing, "now", False):
            return
        value = change["new"]
        match change["name"]:
            case "time":
                verb, arguments = "set_time", {"time": iso(value)}
            case "size":
                verb, arguments = "resolution", {"width": value[0], "height": value[1]}
            case "focus":
                verb, arguments = "set_focus", {"target": value}
            case name:
                verb, arguments = f"set_{name}", {name: value}
        background().submit(self._ask(verb, arguments))

    async def _ask(self, verb: str, arguments: dict[str, Any]) -> None:
        """A slider must not wait, and has nowhere to raise: what is refused is put right and told in ``problem``."""
        try:
            state = await self._session.ask(verb, **arguments)
            problem = ""
        except OpenSpaceError as refused:
            log.warning("%s", refused)
            problem = str(refused)
            with contextlib.suppress(OpenSpaceError):
                state = await self._session.ask("state")
                self.hear(state)
        with self._quiet():
            self.set_trait("problem", problem)
