"""The ``openspace.*`` library: one module per sub-library; importing this registers them all."""

from openspace_server.engines.scripting.library import (
    actions,
    assets,
    events,
    files,
    globebrowsing,
    logging,
    navigation,
    pathnavigation,
    properties,
    scene,
    session_recording,
    time,
)

__all__ = [
    "actions",
    "assets",
    "events",
    "files",
    "globebrowsing",
    "logging",
    "navigation",
    "pathnavigation",
    "properties",
    "scene",
    "session_recording",
    "time",
]
