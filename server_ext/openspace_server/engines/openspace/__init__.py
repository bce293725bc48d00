"""The real OpenSpace as an engine: found, prepared, started under a display of its own, grabbed, steered by its API.

Nothing in OpenSpace is changed: stock releases are used as they are, by their flags, files and API.
"""

from openspace_server.engines.openspace.engine import OpenSpaceEngine

__all__ = ["OpenSpaceEngine"]
