"""OpenSpace, live in a notebook cell."""

from openspace_server import __version__
from openspace_widget.errors import (
    ArgumentError,
    LuaError,
    NotReadyError,
    OpenSpaceError,
    PointsError,
    RequestError,
    ServerError,
    SessionError,
    UnknownPropertyError,
)
from openspace_widget.frames.frame import Frame
from openspace_widget.frames.video import Video
from openspace_widget.magic import load_ipython_extension
from openspace_widget.space import OpenSpace, sessions
from openspace_widget.tour import Stop, Tour

__all__ = [
    "ArgumentError",
    "Frame",
    "LuaError",
    "NotReadyError",
    "OpenSpace",
    "OpenSpaceError",
    "PointsError",
    "RequestError",
    "ServerError",
    "SessionError",
    "Stop",
    "Tour",
    "UnknownPropertyError",
    "Video",
    "__version__",
    "load_ipython_extension",
    "sessions",
]
