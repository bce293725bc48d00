"""Navigation of the camera: ``fly_to``, ``focus``, ``home``, ``camera`` and ``targets``."""

from __future__ import annotations

from typing import Any

from openspace_widget.client.client import Client
from openspace_widget.client.event_loop import run
from openspace_widget.client.mixin import ClientMixin
from openspace_widget.tour.capture import capture
from openspace_widget.tour.tour import Tour
from openspace_widget.units import metres, seconds

FLIGHT_MARGIN = 30.0
"""Seconds beyond a flight's own duration before a missing answer is an error."""


async def fly_to(client: Client, target: str, duration: Any, distance: Any) -> bool:
    """Fly and wait for the arrival; False if something else took the camera on the way."""
    length = seconds(duration, "duration")
    away = None if distance is None else metres(distance, "distance")
    limit = max(length, 0.0) + FLIGHT_MARGIN
    result = await client.ask("fly_to", timeout=limit, target=target, duration=length, distance=away)
    return bool(result["arrived"])


async def target_names(client: Client) -> list[str]:
    """Everything the camera can fly to, by identifier."""
    return [target["identifier"] for target in await client.ask("targets")]


class Navigation(ClientMixin):
    """The camera of :class:`~openspace_widget.OpenSpace`."""

    def fly_to(self, target: str, duration: Any = 4, distance: Any = None) -> bool:
        """Fly to ``target`` and wait until there.

        Args:
            target: a name such as ``"Mars"``; ``targets`` lists them.
            duration: seconds, or text such as ``"1 min"``; 0 jumps.
            distance: from the target's centre: metres, or text such as ``"20000 km"``; None shows it well.

        Returns:
            False if something else, such as a viewer's mouse, took the camera on the way.

        Raises:
            RequestError: unknown target (near names are listed) or impossible distance.

        Example:
            >>> space.fly_to("Saturn", duration=0, distance="300000 km")
            True
            >>> space.focus
            'Saturn'
        """
        return run(fly_to(self._client, target, duration, distance))

    def home(self) -> None:
        """Fly back to the first view; returns at once.

        Example:
            >>> space.home()
        """
        self._ask("home")

    @property
    def focus(self) -> str:
        """Identifier of the body the camera orbits; set it to turn to another one.

        Example:
            >>> space.focus = "Moon"
            >>> space.focus
            'Moon'
        """
        return str(self._ask("state")["focus"])

    @focus.setter
    def focus(self, target: str) -> None:
        self._ask("set_focus", target=target)

    @property
    def camera(self) -> dict[str, Any]:
        """The navigation state: ``Anchor``, ``Position`` (metres from it), ``Up``, ``ReferenceFrame``. May be set.

        Example:
            >>> here = space.camera
            >>> sorted(here)[:2], len(here["Position"])
            (['Anchor', 'Position'], 3)
            >>> space.camera = here
        """
        return dict(self._ask("camera"))

    @camera.setter
    def camera(self, state: dict[str, Any]) -> None:
        self._ask("set_camera", camera=state)

    @property
    def targets(self) -> list[str]:
        """Everything the camera can fly to.

        Example:
            >>> "Earth" in space.targets
            True
        """
        return run(target_names(self._client))

    def capture_tour(self, seconds: Any = None, tolerance: float = 0.02) -> Tour:
        """Capture a flight by hand as a tour: fly in the view while the cell runs, then stop the cell.

        Args:
            seconds: for how long; None: until the cell is interrupted (the stop button, Ctrl-C), an hour at most.
            tolerance: how far the tour may differ from the flight: radians in direction and view, share of the
                distance. Smaller keeps more stops.

        Returns:
            a :class:`~openspace_widget.Tour`; ``print(tour.to_code())`` is a cell to keep.

        Example:
            >>> tour = space.capture_tour(seconds=0.2)
            >>> tour[0].anchor
            'Earth'
        """
        return capture(self._client, seconds, tolerance)
