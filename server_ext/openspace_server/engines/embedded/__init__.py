"""The embedded engine: solar system and stars on Panda3D.

``sky`` computes where bodies are and keeps the simulation clock; ``camera`` moves the camera; ``scene`` and ``points``
draw with ``graphics``; ``scene_graph`` shows all of it as OpenSpace's properties; ``engine`` combines them.
"""

from openspace_server.engines.embedded.engine import EmbeddedEngine
from openspace_server.engines.embedded.graphics.canvas import Probe, probe

__all__ = ["EmbeddedEngine", "Probe", "probe"]
