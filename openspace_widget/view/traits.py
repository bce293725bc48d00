"""Live traits of a session, for links with ipywidgets and other traitlets."""

from __future__ import annotations

import contextlib
import logging
import threading
from datetime import UTC, datetime
from typing import Any

import traitlets

from openspace_widget.client.event_loop import background, run
from openspace_widget.client.session import Session
from openspace_widget.errors import OpenSpaceError
from openspace_widget.units import iso, moment
from openspace_widget.view.observed import Latest, Observed

log = logging.getLogger(__name__)

MAX_UNDER_WAY = 4
"""Changes of one trait sent and not yet answered. While there are so many only the latest waits to be sent: a slider
that is dragged makes more than an instance takes at a time."""

Request = tuple[str, dict[str, Any]]
"""Verb and arguments."""


class LiveTraits(Observed):
    """The session's state as traits: they follow it, and setting them steers it.

    Observers of what the session does are called one after the other on a thread of their own, so that they may use
    ``space``. Values stand still while one runs; then the latest follow. What an observer raises is logged.

    Attributes:
        time: simulation time, an aware datetime in UTC. It follows jumps at once, and the clock as the instance tells
            it, every few seconds.
        rate: simulated seconds per second.
        paused: whether simulation time stands.
        focus: identifier of the body the camera orbits.
        size: ``(width, height)`` of the live view in pixels.
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
        self._following = False
        self._states = Latest(self._take)
        self._taking = threading.local()
        self._sending = threading.Lock()
        self._under_way = dict.fromkeys(("time", "rate", "paused", "focus", "size"), 0)
        self._next: dict[str, Request] = {}

    def follow(self) -> None:
        """Follow the session. The first call waits for the instance, so that the values are true.

        Raises:
            SessionError: it has ended. NotReadyError: no answer in time.
        """
        if not self._following:
            run(self._begin())
            self._states.flush()
            self._following = True

    async def _begin(self) -> None:
        self.on_state(await self._session.ask("state"))

    @traitlets.validate("time")
    def _aware(self, proposal: Any) -> datetime:
        return moment(proposal["value"])

    def on_state(self, state: dict[str, Any]) -> None:
        """A state message of the instance. Called on the background loop; the traits follow soon after."""
        names = ("time", "rate", "paused", "focus", "flying")
        values: dict[str, Any] = {name: state[name] for name in names if name in state}
        if "width" in state:
            values["size"] = (int(state["width"]), int(state["height"]))
        self._states.put(values)

    def _take(self, values: dict[str, Any]) -> None:
        """Set the traits, on the thread that calls their observers."""
        if "time" in values:
            values["time"] = moment(values["time"])
        self._taking.values = dict(values)
        try:
            with self.hold_trait_notifications():
                for name, value in values.items():
                    if not self._states.is_outdated(name):
                        self.set_trait(name, value)
        finally:
            self._taking.values = {}

    def _comes_from_instance(self, name: str, value: Any) -> bool:
        """Whether :meth:`_take` has just set it: what an observer sets meanwhile does not count."""
        values = getattr(self._taking, "values", {})
        return name in values and values.pop(name) == value

    def notify_change(self, change: Any) -> None:
        """Called by traitlets on each change; sends to the instance what a user has set."""
        # Not by an observer: users call unobserve_all().
        if change["type"] == "change" and change["name"] in self._under_way:
            self._send(change)
        super().notify_change(change)

    def _send(self, change: Any) -> None:
        value = change["new"]
        if self._comes_from_instance(change["name"], value):
            return
        match change["name"]:
            case "time":
                verb, arguments = "set_time", {"time": iso(value)}
            case "size":
                verb, arguments = "resolution", {"width": value[0], "height": value[1]}
            case "focus":
                verb, arguments = "set_focus", {"target": value}
            case name:
                verb, arguments = f"set_{name}", {name: value}
        self._start(change["name"], (verb, arguments))

    def _start(self, name: str, request: Request) -> None:
        """Send ``request`` soon, or in place of one that still waits."""
        with self._sending:
            if self._under_way[name] >= MAX_UNDER_WAY:
                self._next[name] = request
                return
            self._under_way[name] += 1
        try:
            self._states.outdate(name)
            background().submit(self._send_all(name, request))
        except BaseException:  # an observer that sets its own trait recurses until Python refuses
            self._end(name)
            raise

    def _end(self, name: str) -> None:
        with self._sending:
            self._one_less(name)

    def _one_less(self, name: str) -> None:
        """One change less is under way; after the last one the trait follows the session again."""
        self._under_way[name] -= 1
        if not self._under_way[name]:
            self._next.pop(name, None)
            self._states.renew(name)

    def _take_next(self, name: str) -> Request | None:
        """What waits to be sent; without any, one change less is under way."""
        with self._sending:
            request = self._next.pop(name, None)
            if request is None:
                self._one_less(name)
            return request

    async def _send_all(self, name: str, request: Request) -> None:
        """Send ``request``, then what waits meanwhile."""
        following: Request | None = request
        try:
            while following is not None:
                state, problem = await self._ask(*following)
                following = self._take_next(name)
        except BaseException:
            self._end(name)
            raise
        self.on_state(state)
        self._states.put({"problem": problem})

    async def _ask(self, verb: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The state after a change, and why it was refused: a slider must not wait, and has nowhere to raise."""
        try:
            return await self._session.ask(verb, **arguments), ""
        except OpenSpaceError as refused:
            log.warning("%s", refused)
            with contextlib.suppress(OpenSpaceError):
                return await self._session.ask("state"), str(refused)
            return {}, str(refused)
