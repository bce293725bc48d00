"""``openspace.globebrowsing``: geographic positions on bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openspace_server.engines.scripting.registry import function

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost


from openspace_server.engines.scene_engine import GeoPosition


@function("globebrowsing", "geoPositionForCamera", "getGeoPositionForCamera")
def geo_position_for_camera(script_host: ScriptHost, use_eye_position: bool = False) -> tuple[float, float, float]:
    """Latitude and longitude in degrees and altitude in metres of the camera over the focus, or, with
    useEyePosition, of the point it looks at."""
    if use_eye_position:
        seen = script_host.engine.view_position()
        if seen is not None:
            return seen.latitude, seen.longitude, seen.altitude
    position = script_host.engine.camera_position()
    return position.latitude, position.longitude, position.altitude


@function("globebrowsing", "localPositionFromGeo", "getLocalPositionFromGeo")
def local_position_from_geo(
    script_host: ScriptHost, globe: str, latitude: float, longitude: float, altitude: float = 0.0
) -> tuple[float, float, float]:
    """The body-fixed x, y and z in metres of a position: degrees, and metres above the surface."""
    return script_host.engine.surface_point(globe, GeoPosition(latitude, longitude, altitude))


@function("globebrowsing", "flyToGeo")
def fly_to_geo(
    script_host: ScriptHost,
    globe: str,
    latitude: float,
    longitude: float,
    altitude: float,
    duration: float | None = None,
    should_use_up_vector: bool | None = None,
) -> None:
    """Fly to a position over a body: degrees, metres, seconds. Now openspace.navigation.flyToGeo."""
    script_host.engine.fly_to_geo(globe, latitude, longitude, altitude, duration, script_host.now)


@function("globebrowsing", "jumpToGeo", "goToGeo")
def jump_to_geo(
    script_host: ScriptHost, globe: str, latitude: float, longitude: float, altitude: float | None = None
) -> None:
    """Jump to a position over a body: degrees, metres. Now openspace.navigation.jumpToGeo."""
    script_host.engine.fly_to_geo(globe, latitude, longitude, altitude, 0.0, script_host.now)
