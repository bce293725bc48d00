"""Point clouds of the user: reading, checking, encoding, updating, playing."""

from openspace_widget.points.points import AsyncPoints, Pick, Played, Points, Sent

__all__ = ["AsyncPoints", "Pick", "Played", "Points", "Sent"]
