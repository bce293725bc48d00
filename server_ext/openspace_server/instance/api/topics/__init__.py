"""Topics of the API, one module each, by their names on the wire."""

from openspace_server.instance.api.topics.actions import ActionsTopic, ShortcutsTopic
from openspace_server.instance.api.topics.authorize import AuthorizationTopic
from openspace_server.instance.api.topics.base import Topic
from openspace_server.instance.api.topics.bounce import BounceTopic
from openspace_server.instance.api.topics.camera import CameraTopic
from openspace_server.instance.api.topics.camera_path import CameraPathTopic
from openspace_server.instance.api.topics.documentation import DocumentationTopic
from openspace_server.instance.api.topics.download_event import DownloadEventTopic
from openspace_server.instance.api.topics.engine_mode import EngineModeTopic
from openspace_server.instance.api.topics.error_log import ErrorLogTopic
from openspace_server.instance.api.topics.event import EventTopic
from openspace_server.instance.api.topics.flight_controller import FlightControllerTopic
from openspace_server.instance.api.topics.get_property import GetPropertyTopic
from openspace_server.instance.api.topics.lua_script import LuaScriptTopic
from openspace_server.instance.api.topics.missions import MissionsTopic
from openspace_server.instance.api.topics.profile import ProfileTopic
from openspace_server.instance.api.topics.property_tree import PropertyTreeTopic
from openspace_server.instance.api.topics.session_recording import SessionRecordingTopic
from openspace_server.instance.api.topics.set_property import SetPropertyTopic
from openspace_server.instance.api.topics.sky_browser import SkyBrowserTopic
from openspace_server.instance.api.topics.subscribe import SubscriptionTopic
from openspace_server.instance.api.topics.time import TimeTopic
from openspace_server.instance.api.topics.trigger import TriggerPropertyTopic
from openspace_server.instance.api.topics.version import VersionTopic

TOPICS: dict[str, type[Topic]] = {
    name: topic
    for topic in (
        ActionsTopic,
        AuthorizationTopic,
        BounceTopic,
        CameraPathTopic,
        CameraTopic,
        DocumentationTopic,
        DownloadEventTopic,
        EngineModeTopic,
        ErrorLogTopic,
        EventTopic,
        FlightControllerTopic,
        GetPropertyTopic,
        LuaScriptTopic,
        MissionsTopic,
        ProfileTopic,
        PropertyTreeTopic,
        SessionRecordingTopic,
        SetPropertyTopic,
        ShortcutsTopic,
        SkyBrowserTopic,
        SubscriptionTopic,
        TimeTopic,
        TriggerPropertyTopic,
        VersionTopic,
    )
    for name in topic.names
}
