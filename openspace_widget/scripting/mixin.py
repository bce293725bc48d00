"""Scripting side of a session: properties, Lua, the library and events of OpenSpace."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from openspace_widget.client.event_loop import run
from openspace_widget.client.mixin import ClientMixin
from openspace_widget.scripting import events, properties
from openspace_widget.scripting.events import Subscription
from openspace_widget.scripting.library import Library
from openspace_widget.scripting.properties import PropertyList


class Scripting(ClientMixin):
    """The scripting side of :class:`~openspace_widget.OpenSpace`."""

    def __getitem__(self, uri: str) -> Any:
        """The value of an OpenSpace property: bool, number, text, or a list of numbers.

        Raises:
            UnknownPropertyError: a KeyError that lists near names.

        Example:
            >>> space["Scene.Earth.Renderable.Enabled"]
            True
        """
        return run(properties.get(self._client.api, _text(uri)))

    def __setitem__(self, uri: str, value: Any) -> None:
        """Set an OpenSpace property, or all that match a pattern such as ``"Scene.*Trail.Renderable.Enabled"``.

        Raises:
            UnknownPropertyError: a KeyError that lists near names. LuaError: a value of the wrong kind.

        Example:
            >>> space["Scene.EarthTrail.Renderable.Enabled"] = False
            >>> space["Scene.EarthTrail.Renderable.Enabled"] = True
        """
        run(properties.put(self._client.api, _text(uri), value))

    def __contains__(self, uri: object) -> bool:
        return isinstance(uri, str) and uri in run(properties.uris(self._client.api))

    # Without it Python would take integers from 0 on for properties.
    __iter__ = None

    def _ipython_key_completions_(self) -> list[str]:
        return run(properties.uris(self._client.api))

    def find(self, pattern: str) -> PropertyList:
        """Properties whose URI, or any end of it from a dot on, or name for people matches ``pattern``.

        Args:
            pattern: with ``*`` and ``?``; case does not matter.

        Returns:
            a list of :class:`~openspace_widget.Property`, shown as a table in a cell.

        Example:
            >>> [each.uri for each in space.find("Earth.Renderable.Enabled")]
            ['Scene.Earth.Renderable.Enabled']
        """
        return run(properties.find(self._client.api, pattern))

    def lua(self, script: str, *, timeout: float | None = None) -> Any:
        """Run an OpenSpace Lua script.

        Args:
            script: Lua 5.4; ``openspace`` is the library.
            timeout: seconds to wait; None: the object's own.

        Returns:
            what the script returns: None, one value, or a tuple of several. Numbers come as float, tables as lists or
            dicts, as OpenSpace sends them.

        Raises:
            LuaError: with Lua's message and, as ``line``, the line of the script.

        Example:
            >>> space.lua("return 1 + 1, 'two'")
            (2.0, 'two')
            >>> space.lua("local a = 1\\nerror('no')")
            Traceback (most recent call last):
            openspace_widget.errors.LuaError: line 2: no
                2 | error('no')
        """
        return run(self._client.api.lua(_text(script), timeout))

    @cached_property
    def api(self) -> Library:
        """OpenSpace's Lua library as Python: ``space.api.time.setDeltaTime(3600)``, with completion and help.

        Example:
            >>> space.api.time.isPaused()
            True
        """
        return Library(lambda: run(self._client.api.documentation()), lambda script: self.lua(script))

    def on(self, event: str, call: Callable[[dict[str, Any]], Any]) -> Subscription:
        """Call ``call(event)`` whenever something happens in OpenSpace, until the subscription is cancelled.

        Calls come one after the other on a thread of their own, so they may use ``space``.

        Args:
            event: OpenSpace's name of it, such as ``"FocusNodeChanged"``; ``"*"`` for all.
            call: gets a dict: ``event``, its name, and what it tells.

        Returns:
            a subscription; its ``cancel()`` ends it.

        Raises:
            ArgumentError: no such event (near names are listed).

        Example:
            >>> subscription = space.on("FocusNodeChanged", lambda event: print(event["NewNode"]))
            >>> subscription.active
            True
            >>> subscription.cancel()
        """
        return Subscription(self._client.api, events.checked((event,)), call)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value
