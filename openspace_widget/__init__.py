"""OpenSpace, live in a notebook cell."""

from openspace_server import __version__
from openspace_widget.errors import NotReadyError, OpenSpaceError, RequestError, ServerError, SessionError
from openspace_widget.space import OpenSpace

__all__ = [
    "NotReadyError",
    "OpenSpace",
    "OpenSpaceError",
    "RequestError",
    "ServerError",
    "SessionError",
    "__version__",
]
