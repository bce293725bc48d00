"""Camera tours: lists of stops, flown live and rendered frame by frame."""

from openspace_widget.tour.stops import Stop
from openspace_widget.tour.tour import Tour

__all__ = ["Stop", "Tour"]
