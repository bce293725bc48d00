"""Sessions about to end: all viewers are warned, and a waiting script is notified of the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openspace_server.protocols.sessions import SessionState
from openspace_widget.client.server import Connection, ServerAddress
from openspace_widget.client.session import Session
from openspace_widget.errors import SessionError
from tests.jupyter.conftest import Client
from tests.orchestrator.standin import StandInHost


@pytest.fixture
def openspace_config(host: StandInHost) -> dict[str, Any]:
    return {"hosts": [host.address], "host_secret": "s3cret", "max_duration": 2}


@pytest.mark.slow
async def test_a_warning_comes_with_the_time_left_and_a_script_hears_of_the_end(client: Client) -> None:
    made = await client.start()
    token = client.auth["Authorization"].removeprefix("token ")
    ended = asyncio.Event()

    def changed(state: SessionState, reason: str) -> None:
        if state.is_ended:
            ended.set()

    session = Session(Connection(ServerAddress(f"http://{client.where}", token)), made, 20, changed)
    try:
        await session.wait_running()
        events = [event async for event in client.events(made["id"])]
        (warning,) = [event for event in events if event["type"] == "warning"]
        assert warning["reason"] == "a session lasts at most 2 s"
        assert warning["hint"] == "save what you want to keep"
        assert 0 < warning["seconds"] <= 2
        assert (events[-1]["type"], events[-1]["state"]) == ("session", "STOPPED")
        await asyncio.wait_for(ended.wait(), 10)
        with pytest.raises(SessionError, match="a session lasts at most 2 s"):
            await session.ask("state")
    finally:
        await session.detach()
