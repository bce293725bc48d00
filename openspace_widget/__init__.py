"""OpenSpace, live in a notebook cell."""

from openspace_server import __version__
from openspace_widget.aio import AsyncOpenSpace
from openspace_widget.client.session_list import SessionInfo, SessionList
from openspace_widget.errors import (
    ArgumentError,
    LuaCallError,
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
from openspace_widget.frames.recording import Recording
from openspace_widget.frames.video import Video
from openspace_widget.magic import load_ipython_extension
from openspace_widget.points.cloud import Pick, PointLook, Sent
from openspace_widget.points.playback import Played
from openspace_widget.points.points import AsyncPoints, Points, PointsOfSpace
from openspace_widget.scripting.events import Subscription
from openspace_widget.scripting.library import Library, LuaFunction
from openspace_widget.scripting.properties import Property, PropertyList
from openspace_widget.sharing import Share
from openspace_widget.space import OpenSpace, sessions
from openspace_widget.stats import StreamStats
from openspace_widget.timeline import Timeline
from openspace_widget.tour.route import Moment, Route
from openspace_widget.tour.schedule import Schedule
from openspace_widget.tour.stops import Stop
from openspace_widget.tour.tour import Tour
from openspace_widget.view.traits import LiveTraits
from openspace_widget.view.widget import OpenSpaceView

__all__ = [
    "ArgumentError",
    "AsyncOpenSpace",
    "AsyncPoints",
    "Frame",
    "Library",
    "LiveTraits",
    "LuaCallError",
    "LuaError",
    "LuaFunction",
    "Moment",
    "NotReadyError",
    "OpenSpace",
    "OpenSpaceError",
    "OpenSpaceView",
    "Pick",
    "Played",
    "PointLook",
    "Points",
    "PointsError",
    "PointsOfSpace",
    "Property",
    "PropertyList",
    "Recording",
    "RequestError",
    "Route",
    "Schedule",
    "Sent",
    "ServerError",
    "SessionError",
    "SessionInfo",
    "SessionList",
    "Share",
    "Stop",
    "StreamStats",
    "Subscription",
    "Timeline",
    "Tour",
    "UnknownPropertyError",
    "Video",
    "__version__",
    "load_ipython_extension",
    "sessions",
]
