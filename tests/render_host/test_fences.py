"""Late commands and signed ones, at a real host."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
import websockets

from openspace_server.protocols import credentials
from tests.render_host.helpers import ask, command, host, start_running, status, until_status


@pytest.mark.process
def test_a_start_that_comes_too_late_starts_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with host(tmp_path) as running:
            slot = {"slot": "host/0", "engine": "e"}
            new = {"session": "new", "fence": 2, "request_id": "new/2", **slot}
            id = await start_running(running.port, **new)
            late = {"command": "START", "session": "old", "fence": 1, "request_id": "old/1", **slot}
            refused = await command(running.port, late)
            assert (refused["error"], refused["id"]) == ("stale fence", -1)
            assert (await command(running.port, {"command": "SERVER_STATUS"}))["running"] == 1
            assert (await command(running.port, {"command": "START", **new}))["id"] == id  # doubled: no second one
            assert (await status(running.port, id))["fence"] == 2
            # A later grant of the slot means that the earlier one has ended, whatever became of its STOP.
            await start_running(running.port, **new | {"session": "newer", "fence": 3, "request_id": "newer/3"})
            await until_status(running.port, id, "IDLE")

    asyncio.run(scenario())


def test_a_signature_is_good_for_one_message_once(tmp_path: Path) -> None:
    body = json.dumps({"command": "SERVER_STATUS"})

    async def say(port: int, header: str, message: str) -> dict[str, object]:
        url = f"ws://127.0.0.1:{port}/"
        async with websockets.connect(url, additional_headers={"Authorization": header}) as socket:
            return await ask(socket, message)

    async def scenario() -> None:
        async with host(tmp_path, secret="hush") as running:
            good = credentials.sign("hush", body, time.time())
            assert (await say(running.port, good, body))["error"] == "none"
            for bad in (
                good,
                credentials.sign("wrong", body, time.time()),
                credentials.sign("hush", body, time.time() - 3600),
                "OpenSpace-HMAC nonsense",
            ):
                with pytest.raises(websockets.exceptions.InvalidStatus, match="401"):
                    await say(running.port, bad, body)
            with pytest.raises(websockets.exceptions.ConnectionClosed):
                await say(running.port, credentials.sign("hush", body, time.time()), '{"command": "START"}')
            assert running.slots.busy == 0
            url = f"ws://127.0.0.1:{running.port}/"
            header = {"Authorization": credentials.sign("hush", body, time.time())}
            async with websockets.connect(url, additional_headers=header) as socket:
                await ask(socket, body)
                with pytest.raises(websockets.exceptions.ConnectionClosed):
                    await ask(socket, body)

    asyncio.run(scenario())
