"""Units of the embedded engine's astronomy: lengths in metres, times in seconds and days."""

from openspace_server.protocols.units import ASTRONOMICAL_UNIT as AU
from openspace_server.protocols.units import PARSEC

__all__ = ["AU", "DAY", "J2000", "PARSEC"]

DAY = 86_400.0
J2000 = 2_451_545.0
"""Julian day of 2000-01-01T12:00."""
