"""The OpenSpace API server of an instance: both dialects, over WebSocket and newline-delimited TCP."""

from openspace_server.instance.api.server import ApiServer
from openspace_server.instance.api.settings import ApiSettings

__all__ = ["ApiServer", "ApiSettings"]
