"""The openspace engine: the real program, started on a display of its own, captured, and steered by its API.

Nothing in OpenSpace is changed: stock releases are used as they are, by their flags, files and API.
"""

from openspace_server.engines.openspace.engine import OpenSpaceEngine

__all__ = ["OpenSpaceEngine"]
