"""The context of an API server: what all its connections share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.instance.api.feed import Feed
from openspace_server.instance.api.flight_control import FlightControl
from openspace_server.instance.api.script_access import ScriptAccess
from openspace_server.instance.api.settings import ApiSettings


@dataclass
class Context:
    """One per server. Of ``script_host`` only the log may be used directly; all else goes through ``scripts``."""

    settings: ApiSettings
    script_host: ScriptHost
    scripts: ScriptAccess
    feed: Feed
    flight: FlightControl
    connections: set[object] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Work that continues after its connection is gone."""

    def warn(self, category: str, message: str) -> None:
        """Write to the log what the API does not answer, as upstream does."""
        self.script_host.log.warning(category, message)
        self.feed.collect_soon()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in the background."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
