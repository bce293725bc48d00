"""``openspace.asset``: the assets that come with the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.registry import function
from openspace_server.protocols.suggestions import suggest

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost


def _known(script_host: ScriptHost, name: str) -> str:
    """The built-in asset that ``name`` means: with or without its folder and ending. Raises EngineError."""
    assets = script_host.engine.assets()
    plain = name.removesuffix(".asset")
    for each in assets:
        if plain in (each, each.removesuffix(".asset"), each.rpartition("/")[2].removesuffix(".asset")):
            return each
    raise EngineError(f"{name!r} is not one of the built-in assets: {suggest(plain, assets, alike=0.4)}")


def _set(script_host: ScriptHost, name: str, loaded: bool) -> None:
    known = _known(script_host, name)
    if script_host.engine.assets()[known] != loaded:
        script_host.engine.set_asset(known, loaded)
    script_host.events.publish("AssetLoading", AssetPath=known, State="Loaded" if loaded else "Unloaded")


@function("asset", "add")
def add(script_host: ScriptHost, asset_name: str) -> None:
    """Load a built-in asset."""
    _set(script_host, asset_name, True)


@function("asset", "remove")
def remove(script_host: ScriptHost, asset_name: str) -> None:
    """Unload a built-in asset."""
    _set(script_host, asset_name, False)


@function("asset", "reload")
def reload(script_host: ScriptHost, asset_name: str) -> None:
    """Unload a built-in asset and load it again."""
    _set(script_host, asset_name, False)
    _set(script_host, asset_name, True)


@function("asset", "isLoaded")
def is_loaded(script_host: ScriptHost, asset_name: str) -> bool:
    """Whether a built-in asset is loaded; false for unknown ones."""
    try:
        return script_host.engine.assets()[_known(script_host, asset_name)]
    except EngineError:
        return False


@function("asset", "allAssets")
def all_assets(script_host: ScriptHost) -> list[str]:
    """The names of all loaded assets."""
    return [name for name, loaded in script_host.engine.assets().items() if loaded]


@function("asset", "rootAssets")
def root_assets(script_host: ScriptHost) -> list[str]:
    """The names of the assets that were loaded for their own sake: here all that are loaded."""
    return all_assets(script_host)  # type: ignore[no-any-return]
