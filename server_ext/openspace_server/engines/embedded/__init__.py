"""The embedded engine: solar system and stars on Panda3D.

``bodies``, ``ephemeris``, ``rotation`` say what is where; ``clock`` and ``navigator`` (``camera``, ``flight``) move;
``scene`` (``planets``, ``stars``, ``orbits``, ``labels``) draws on a ``pipe``'s canvas; ``engine`` puts them
together.
"""

from openspace_server.engines.embedded.engine import EmbeddedEngine
from openspace_server.engines.embedded.graphics.canvas import Probe, probe

__all__ = ["EmbeddedEngine", "Probe", "probe"]
