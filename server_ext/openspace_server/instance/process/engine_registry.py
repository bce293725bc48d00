"""Registry of engines by name, each imported only when it is used."""

from __future__ import annotations

import importlib
import os

from openspace_server.engines.base import Engine, EngineError

ENGINES = {
    "embedded": "openspace_server.engines.embedded:EmbeddedEngine",
    "openspace": "openspace_server.engines.openspace:OpenSpaceEngine",
}


def make_engine(name: str) -> Engine:
    """A new engine that is not open yet.

    With the environment variable ``OPENSPACE_TEST_ENGINES=1`` a name may also be a path ``module:Class``.

    Raises:
        EngineError: no such engine, or one whose libraries are missing here.
    """
    path = ENGINES.get(name)
    if path is None and ":" in name and os.environ.get("OPENSPACE_TEST_ENGINES") == "1":
        path = name
    if path is None:
        raise EngineError(f"unknown engine {name!r}: this host has {', '.join(sorted(ENGINES))}")
    module, _, attribute = path.partition(":")
    try:
        engine: Engine = getattr(importlib.import_module(module), attribute)()
    except ImportError as error:
        raise EngineError(f"engine {name!r} cannot be loaded here: {error}") from error
    return engine
