"""Frames as arrays, and videos and recordings of them."""

from openspace_widget.frames.frame import Frame
from openspace_widget.frames.video import Video

__all__ = ["Frame", "Video"]
