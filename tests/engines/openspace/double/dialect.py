"""What each version says differently from our own API server, which serves all dialects at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

V1 = (0, 22)
L21 = (0, 21)
FLIGHTS = ("flyTo", "flyToHeight", "flyToGeo", "flyToNavigationState", "zoomToFocus", "jumpTo", "zoomToDistance")
PROPERTY_KEYS = {"Description", "Value", "metaData", "uri", "value"}


@dataclass(frozen=True)
class Version:
    """Such as ``0.21.4``."""

    text: str

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.text.split("."))

    def __str__(self) -> str:
        return self.text

    @property
    def shakes_hands(self) -> bool:
        return self.numbers >= V1

    @property
    def reads_override(self) -> bool:
        return self.numbers >= (0, 21, 4)

    @property
    def legacy_library(self) -> bool:
        return self.numbers < L21

    def refuses(self, type: object) -> bool:
        """Topics that came later."""
        return self.numbers < L21 and type in (
            "errorLog",
            "profile",
            "actionsKeybinds",
            "propertyTree",
            "downloadEvent",
        )

    def spoken(self, type: object, payload: Any) -> Any:
        """The payload of topic ``type`` as this version sends it; None: not at all."""
        if type == "version":
            major, minor, patch = self.numbers
            return {**payload, "openSpaceVersion": {"major": major, "minor": minor, "patch": patch}}
        if self.numbers >= V1 or not isinstance(payload, dict):
            return payload
        if type in ("get", "subscribe") and set(payload) <= PROPERTY_KEYS:
            return self._property(payload) or None
        if type == "get" and "subowners" in payload:
            return self._owner(payload)
        return payload

    def _property(self, fields: dict[str, Any]) -> dict[str, Any]:
        kept = {"Description", "Value"} if self.numbers < L21 else {"metaData", "uri", "value"}
        return {key: value for key, value in fields.items() if key in kept}

    def _owner(self, owner: dict[str, Any]) -> dict[str, Any]:
        properties = [self._property(each) for each in owner["properties"]]
        return {**owner, "properties": properties, "subowners": [self._owner(each) for each in owner["subowners"]]}


def legacy_library() -> str:
    """Lua that takes away what came with 0.21."""
    return "\n".join(f"rawset(openspace.navigation, '{name}', nil)" for name in FLIGHTS)
