"""Properties of OpenSpace: read, set, found by pattern, and completed from the live tree."""

from __future__ import annotations

import html
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from openspace_server.protocols.suggestions import did_you_mean, near
from openspace_widget.client.event_loop import run
from openspace_widget.client.lua import literal, plain
from openspace_widget.client.openspace_api import OpenSpaceApi
from openspace_widget.errors import UnknownPropertyError
from openspace_widget.units import seconds

WILD = ("*", "?", "{")


class Property:
    """One property of the live tree, as :meth:`OpenSpace.find` returns it.

    Attributes:
        uri: such as ``"Scene.Earth.Renderable.Enabled"``.
        type: OpenSpace's name of its kind: ``"Bool"``, ``"Float"``, ``"Vec3"``, …
        name: for people.
        description: what it does.
        limits: ``(least, greatest)`` of numbers; None for other kinds.
        options: what an option property may be, by its number.

    Example:
        >>> earth = space.find("Scene.Earth.Renderable.Enabled")[0]
        >>> earth.type, earth.value
        ('Bool', True)
        >>> earth.value = False
        >>> space["Scene.Earth.Renderable.Enabled"]
        False
        >>> earth.value = True
    """

    def __init__(self, api: OpenSpaceApi, fields: dict[str, Any]) -> None:
        about = fields.get("metaData") or {}
        more = about.get("additionalData") or {}
        self._api = api
        self.uri = str(fields["uri"])
        self.type = str(about.get("type", "")).removesuffix("Property")
        self.name = str(about.get("guiName", ""))
        self.description = str(about.get("description", ""))
        self.limits: tuple[Any, Any] | None = (plain(more["min"]), plain(more["max"])) if "min" in more else None
        options = more.get("options") or {}
        self.options: dict[str, str] = (
            {str(key): str(name) for key, name in options.items()}
            if isinstance(options, dict)
            else {str(index): str(name) for index, name in enumerate(options)}
        )
        self._seen = plain(fields.get("value"))

    @property
    def value(self) -> Any:
        """The value now; setting it sets the property. Raises LuaError for a value of the wrong kind."""
        return run(get(self._api, self.uri))

    @value.setter
    def value(self, value: Any) -> None:
        run(put(self._api, self.uri, value))

    def set(self, value: Any, duration: Any = 0, easing: str = "Linear") -> None:
        """Set the property, over ``duration`` seconds where it is a number; returns at once.

        Args:
            easing: OpenSpace's name of the curve, such as ``"Linear"``, ``"CubicEaseInOut"``.
        """
        run(put(self._api, self.uri, value, seconds(duration, "duration"), easing))

    def __repr__(self) -> str:
        return f"<{self.uri} = {self._seen!r} ({self.type})>"


class PropertyList(list[Property]):
    """Properties; shown as a table in a notebook."""

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{html.escape(each.uri)}</code></td><td>{html.escape(repr(each._seen))}</td>"
            f"<td>{html.escape(each.type)}</td><td>{html.escape(each.description)}</td></tr>"
            for each in self
        )
        return f"<table><tr><th>property</th><th>value</th><th>kind</th><th>what it does</th></tr>{rows}</table>"


async def get(api: OpenSpaceApi, uri: str) -> Any:
    """The value of the property ``uri``. Raises UnknownPropertyError."""
    name = literal(uri)
    # Asking for a property that is not there gets no answer, so that is asked first.
    if not await api.lua(f"return openspace.hasProperty({name})"):
        raise await _unknown(api, uri)
    answer = await api.ask("get", {"property": uri})
    if "Value" in answer:  # OpenSpace 0.20
        return plain(answer["Value"])
    value = answer.get("value", answer)
    return plain(value["value"] if isinstance(value, dict) and "metaData" in value else value)


async def put(api: OpenSpaceApi, uri: str, value: Any, duration: float = 0, easing: str = "Linear") -> None:
    """Set one property, or with wildcards all that match. Raises UnknownPropertyError, LuaError."""
    name = literal(uri)
    timed = f", {literal(duration)}, {literal(easing)}" if duration > 0 else ""
    if any(mark in uri for mark in WILD):
        await api.lua(f"openspace.setPropertyValue({name}, {literal(value)}{timed})")
        return
    known = await api.lua(
        f"if not openspace.hasProperty({name}) then return false end\n"
        f"openspace.setPropertyValueSingle({name}, {literal(value)}{timed})\nreturn true"
    )
    if not known:
        raise await _unknown(api, uri)


async def find(api: OpenSpaceApi, pattern: str) -> PropertyList:
    """Properties whose URI, or its end from any dot on, matches ``pattern`` in any case; or whose name does."""
    folded = pattern.casefold()

    def matches(fields: dict[str, Any]) -> bool:
        parts = str(fields["uri"]).casefold().split(".")
        tails = (".".join(parts[i:]) for i in range(len(parts)))
        name = str((fields.get("metaData") or {}).get("guiName", "")).casefold()
        return fnmatchcase(name, folded) or any(fnmatchcase(tail, folded) for tail in tails)

    return PropertyList(Property(api, fields) for fields in walk(await api.tree()) if matches(fields))


async def uris(api: OpenSpaceApi) -> list[str]:
    """The URIs of all properties."""
    return [str(fields["uri"]) for fields in walk(await api.tree())]


def walk(owner: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All properties below ``owner``."""
    yield from map(_modern, owner.get("properties") or ())
    for below in owner.get("subowners") or ():
        yield from walk(below)


def _modern(fields: dict[str, Any]) -> dict[str, Any]:
    """A property as OpenSpace 0.21 and later describes it; 0.20 has other words for the same."""
    if "Description" not in fields or "uri" in fields:
        return fields
    about = fields["Description"]
    limits = about.get("AdditionalData") or {}
    more = {"min": limits["MinimumValue"], "max": limits["MaximumValue"]} if "MinimumValue" in limits else {}
    shown = {
        "guiName": about.get("Name", ""),
        "type": about.get("Type", ""),
        "description": about.get("description", ""),
    }
    return {"uri": about["Identifier"], "value": fields.get("Value"), "metaData": shown | {"additionalData": more}}


async def _unknown(api: OpenSpaceApi, uri: str) -> UnknownPropertyError:
    known = await uris(api)
    hint = did_you_mean(near(uri, known, alike=0.6), "space.find('*') lists them")
    return UnknownPropertyError(f"there is no property {uri!r}: {hint}")
