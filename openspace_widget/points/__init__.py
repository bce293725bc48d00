"""Point clouds of the user: input, encoding, upload, updates, playback."""

from openspace_widget.points.points import AsyncPoints, Pick, Played, Points, Sent

__all__ = ["AsyncPoints", "Pick", "Played", "Points", "Sent"]
