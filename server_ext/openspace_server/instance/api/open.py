"""Opening of the OpenSpace API, for engines with a scene, after the first frame so that it does not delay it."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openspace_server.engines.base import Engine, EngineError
from openspace_server.engines.scene_engine import SceneEngine
from openspace_server.instance.instance import Instance
from openspace_server.instance.process.host_pipe import Configuration
from openspace_server.instance.transports.peers import peer_class

if TYPE_CHECKING:
    from openspace_server.engines.scripting.script_host import ScriptHost
    from openspace_server.instance.api.server import ApiServer
    from openspace_server.instance.api.settings import ApiSettings


@dataclass(frozen=True)
class SceneApi:
    """Scripts and properties, the server, and the port of its WebSockets."""

    script_host: ScriptHost
    server: ApiServer
    port: int

    async def close(self) -> None:
        """Stop serving. ``script_host`` is closed later, once the draw thread has ended."""
        await self.server.close()


async def open_api(instance: Instance, engine: Engine, configuration: Configuration) -> SceneApi | None:
    """Scripts, properties, recordings and the API; None for engines without a scene.

    A configured port is open to this machine, as OpenSpace's own is. Without one, WebSockets are served on a free port
    that only the render host's gateway can use, and newline-delimited TCP is not served at all.

    Raises:
        EngineError: a configured port is taken.
    """
    await asyncio.to_thread(peer_class)  # viewers come first
    if not isinstance(engine, SceneEngine):
        instance.script_host.set_result(None)
        return None
    host_class, server_class, settings_class = await asyncio.to_thread(_load)
    script_host: ScriptHost = await instance.draw_loop.call(lambda _, now: host_class(engine))
    settings = settings_class(trust_loopback=bool(configuration.api_port), secret=configuration.secret)
    server = server_class(instance.draw_loop, script_host, settings)
    script_host.has_clients = lambda: server.connections > 0
    instance.draw_loop.set_updater(script_host)
    port = _listen(server.listen, configuration.api_port, "--api-port")
    if configuration.api_tcp_port:
        _listen(lambda port: server.listen_tcp(port, trust_loopback=True), configuration.api_tcp_port, "--api-tcp-port")
    instance.script_host.set_result(script_host)
    return SceneApi(script_host, server, port)


def _listen(listen: Callable[[int], int], port: int, option: str) -> int:
    try:
        return listen(port)
    except OSError as problem:
        what = f"the OpenSpace API cannot listen on port {port}"
        why = "it is in use" if problem.errno == errno.EADDRINUSE else problem.strerror or str(problem)
        raise EngineError(f"{what}: {why}; give the render host another {option}") from None


def _load() -> tuple[type[ScriptHost], type[ApiServer], type[ApiSettings]]:
    from openspace_server.engines.scripting.script_host import ScriptHost
    from openspace_server.instance.api.server import ApiServer
    from openspace_server.instance.api.settings import ApiSettings

    return ScriptHost, ApiServer, ApiSettings
