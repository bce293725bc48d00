"""Properties, in the root library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openspace_server.engines.base import EngineError
from openspace_server.engines.properties import Property, PropertyError
from openspace_server.engines.scripting.registry import function
from openspace_server.protocols.suggestions import did_you_mean

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost


def _required(value: Any) -> Any:
    if value is None:
        raise EngineError("the value is nil")
    return value


@function("", "setPropertyValueSingle")
def set_property_value_single(
    script_host: ScriptHost,
    uri: str,
    value: Any = None,
    duration: float = 0.0,
    easing: str = "Linear",
    postscript: str = "",
) -> None:
    """Set one property, over so many seconds with an easing such as "QuadraticEaseOut"; postscript is Lua to run at
    the end."""
    found = script_host.tree.get(uri)
    if found.kind.name != "Trigger":
        _required(value)
    script_host.change(found, value, duration, easing, postscript)


@function("", "setPropertyValue")
def set_property_value(
    script_host: ScriptHost,
    uri: str,
    value: Any = None,
    duration: float = 0.0,
    easing: str = "Linear",
    postscript: str = "",
) -> None:
    """Set all properties whose URI fits a pattern: * for any text, {tag} at the beginning for all owners with a tag.
    Fails if none fits, or if all that fit refuse the value."""
    found = script_host.tree.match(uri)
    if not found:
        near = script_host.tree.near(uri) if "*" not in uri and "{" not in uri else []
        raise PropertyError(f"no property fits '{uri[:200]}'" + did_you_mean(near, before="; "))
    _required(value)
    refused: list[EngineError] = []
    for each in found:
        try:
            script_host.change(each, value, duration, easing, postscript)
            postscript = ""
        except EngineError as error:
            refused.append(error)
    if len(refused) == len(found):
        raise refused[0]
    for refusal in refused[:10]:
        script_host.log.warning("PropertyOwner", str(refusal))


def value_of(found: Property) -> Any:
    """A property's value as Lua sees it."""
    return list(found.value) if isinstance(found.value, tuple) else found.value


@function("", "propertyValue", "getPropertyValue")
def property_value(script_host: ScriptHost, uri: str) -> Any:
    """The value of a property."""
    return value_of(script_host.tree.get(uri))


@function("", "hasProperty")
def has_property(script_host: ScriptHost, uri: str) -> bool:
    """Whether there is a property of that URI."""
    return script_host.tree.find(uri) is not None


@function("", "property", "getProperty")
def property_(script_host: ScriptHost, uri: str) -> list[str]:
    """The URIs of all properties that fit a pattern."""
    return [each.uri for each in script_host.tree.match(uri)]


@function("", "invertBooleanProperty")
def invert_boolean_property(script_host: ScriptHost, uri: str) -> None:
    """Turn a Bool property over."""
    found = script_host.tree.get(uri)
    if found.kind.name != "Bool":
        raise PropertyError(f"{found.uri} is a {found.type}, not a BoolProperty")
    script_host.change(found, not found.value)


def _fade(script_host: ScriptHost, uri: str, opacity: float, duration: float | None, postscript: str) -> None:
    found = [each for each in script_host.tree.match(f"{uri}.Fade") if each.kind.numeric]
    if not found:
        raise PropertyError(f"nothing that fits '{uri[:200]}' can fade")
    if duration is None:
        default = script_host.tree.find("OpenSpaceEngine.FadeDuration")
        duration = default.value if default is not None and isinstance(default.value, float) else 1.0
    for each in found:
        owner = each.owner
        enabled = owner.find("Enabled") if owner is not None else None
        if not isinstance(enabled, Property):
            script_host.change(each, opacity, duration, "", postscript)
        elif opacity > 0:
            if not enabled.value:
                each.update(0.0)
            script_host.change(enabled, True)
            script_host.change(each, opacity, duration, "", postscript)
        else:
            off = f'openspace.setPropertyValueSingle("{enabled.uri}", false)'
            script_host.change(each, opacity, duration, "", f"{off}\n{postscript}")
        postscript = ""


@function("", "fadeIn")
def fade_in(script_host: ScriptHost, uri: str, fade_time: float | None = None, end_script: str = "") -> None:
    """Enable and fade in whatever fits, such as "Scene.Earth.Renderable"; over FadeDuration if no time is given."""
    _fade(script_host, uri, 1.0, fade_time, end_script)


@function("", "fadeOut")
def fade_out(script_host: ScriptHost, uri: str, fade_time: float | None = None, end_script: str = "") -> None:
    """Fade out and disable whatever fits."""
    _fade(script_host, uri, 0.0, fade_time, end_script)


@function("", "toggleFade")
def toggle_fade(script_host: ScriptHost, uri: str, fade_time: float | None = None, end_script: str = "") -> None:
    """Fade out what is enabled, fade in what is not."""
    first = next(iter(script_host.tree.match(f"{uri}.Enabled")), None)
    _fade(script_host, uri, 0.0 if first is not None and first.value else 1.0, fade_time, end_script)
