"""What all connections of one API server share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.feed import Feed
from openspace_server.instance.api.flight_control import FlightControl
from openspace_server.instance.api.program_access import ProgramPort
from openspace_server.instance.api.settings import ApiSettings


@dataclass
class Shared:
    """Made once per server. Of ``program`` only the log may be used here; all else goes through ``port``."""

    settings: ApiSettings
    program: ScriptHost
    port: ProgramPort
    feed: Feed
    flight: FlightControl
    connections: set[object] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """What goes on after a connection is gone."""

    def complain(self, category: str, message: str) -> None:
        """Tell the log of something the API stays silent about, as upstream does."""
        self.program.log.warning(category, message)
        self.feed.hurry()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let ``work`` go on by itself."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
