"""``openspace.asset``: the assets that come with the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openspace_server.engines.base import EngineError
from openspace_server.engines.scripting.registry import function
from openspace_server.protocols.suggestions import suggest

if TYPE_CHECKING:
    from openspace_server.engines.scripting.program import Program


def _known(program: Program, name: str) -> str:
    """The built-in asset that ``name`` means: with or without its folder and ending. Raises EngineError."""
    assets = program.engine.assets()
    wanted = name.removesuffix(".asset")
    for each in assets:
        if wanted in (each, each.removesuffix(".asset"), each.rpartition("/")[2].removesuffix(".asset")):
            return each
    raise EngineError(f"{name!r} is not one of the built-in assets: {suggest(wanted, assets, alike=0.4)}")


def _set(program: Program, name: str, loaded: bool) -> None:
    known = _known(program, name)
    if program.engine.assets()[known] != loaded:
        program.engine.set_asset(known, loaded)
    program.events.publish("AssetLoading", AssetPath=known, State="Loaded" if loaded else "Unloaded")


@function("asset", "add")
def add(program: Program, asset_name: str) -> None:
    """Load a built-in asset."""
    _set(program, asset_name, True)


@function("asset", "remove")
def remove(program: Program, asset_name: str) -> None:
    """Unload a built-in asset."""
    _set(program, asset_name, False)


@function("asset", "reload")
def reload(program: Program, asset_name: str) -> None:
    """Unload a built-in asset and load it again."""
    _set(program, asset_name, False)
    _set(program, asset_name, True)


@function("asset", "isLoaded")
def is_loaded(program: Program, asset_name: str) -> bool:
    """Whether a built-in asset is loaded; false for unknown ones."""
    try:
        return program.engine.assets()[_known(program, asset_name)]
    except EngineError:
        return False


@function("asset", "allAssets")
def all_assets(program: Program) -> list[str]:
    """The names of all loaded assets."""
    return [name for name, loaded in program.engine.assets().items() if loaded]


@function("asset", "rootAssets")
def root_assets(program: Program) -> list[str]:
    """The names of the assets that were loaded for their own sake: here all that are loaded."""
    return all_assets(program)  # type: ignore[no-any-return]
