"""Patterns of property URIs: ``*`` stands for any text, and a leading ``{tag}`` for any owner with that tag.

``Scene.*.Renderable.Enabled``; ``{planet_solarSystem}.Renderable.Enabled``; ``{a|b}`` either tag, ``{a&b}`` both,
``{a~b}`` the first but not the second. What follows the braces is compared with the rest of the URI below the owner.
"""

from __future__ import annotations

from openspace_server.engines.properties.owner import PropertyOwner
from openspace_server.engines.properties.property import Property, PropertyError

MAX_PATTERN = 500
_OPERATORS = "|&~"


class Pattern:
    """A compiled pattern. Raises PropertyError when it is malformed."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN:
            raise PropertyError(f"a property pattern is longer than {MAX_PATTERN} characters")
        self._tags: tuple[str, str, str] | None = None
        if text.startswith("{"):
            inside, closed, text = text[1:].partition("}")
            if not closed:
                raise PropertyError(f"'{{{inside}': the closing brace is missing")
            self._tags = _tags(inside)
        if "{" in text or "}" in text:
            raise PropertyError("a tag in braces can only stand at the beginning of a property pattern")
        self._parts = text.split("*")

    def fits(self, property: Property) -> bool:
        """Whether the property's URI fits."""
        uri = property.uri
        if self._tags is None:
            return self._fits_text(uri)
        owner = property.owner
        while owner is not None:
            if self._fits_tags(owner) and self._fits_text(uri[len(owner.uri) :]):
                return True
            owner = owner.parent
        return False

    def _fits_text(self, text: str) -> bool:
        # By hand rather than by a regular expression: a pattern from outside must not be able to take for ever.
        first, *rest = self._parts
        if not rest:
            return text == first
        if not text.startswith(first):
            return False
        at, last = len(first), rest.pop()
        for part in rest:
            at = text.find(part, at)
            if at < 0:
                return False
            at += len(part)
        return text.endswith(last) and len(text) - len(last) >= at

    def _fits_tags(self, owner: PropertyOwner) -> bool:
        assert self._tags is not None
        first, operator, second = self._tags
        has_first = first in owner.tags
        if operator == "|":
            return has_first or second in owner.tags
        if operator == "&":
            return has_first and second in owner.tags
        if operator == "~":
            return has_first and second not in owner.tags
        return has_first


def _tags(inside: str) -> tuple[str, str, str]:
    used = [c for c in inside if c in _OPERATORS]
    if len(used) > 1:
        raise PropertyError(f"'{{{inside}}}': at most one of | & ~ can be used between two tags")
    if not used:
        return inside.strip(), "", ""
    first, second = inside.split(used[0])
    return first.strip(), used[0], second.strip()
