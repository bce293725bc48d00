"""Drawing while 200 clients are subscribed to time and camera: ``python benchmarks/api_load.py [CLIENTS]``.

The clients run in a process of their own. Prints pictures per second without and with them, and this process's CPU.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "server_ext")]

from tests.api.harness import Api, Client, WebSocketLink, api  # noqa: E402  (after the path)

SECONDS = 4.0


async def rate(server: Api) -> tuple[float, float]:
    """Pictures per second, and CPU seconds per second."""
    drawn, cpu, started = server.engine.draws, time.process_time(), time.monotonic()
    await asyncio.sleep(SECONDS)
    passed = time.monotonic() - started
    return (server.engine.draws - drawn) / passed, (time.process_time() - cpu) / passed


async def listen(port: int, count: int) -> None:
    clients = [Client(await WebSocketLink.open(port), legacy=True) for _ in range(count)]
    for client in clients:
        for topic in ("time", "camera"):
            await client.start(topic, {"event": "start_subscription"})
    print("ready", flush=True)
    await asyncio.sleep(3600)


async def main(count: int) -> None:
    async with api(max_connections=count + 10) as server:
        client = await server.client()
        await client.lua("openspace.time.setPause(false) openspace.time.setDeltaTime(3600)")
        await client.start("flightcontroller", {"event": "inputState", "inputState": {"zoomIn": 0.01}})
        alone = await rate(server)
        command = [sys.executable, __file__, "listen", str(server.port), str(count)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        await process.stdout.readline()
        crowded = await rate(server)
        process.kill()
        await process.wait()
    for name, (pictures, cpu) in (("alone", alone), (f"with {count} clients", crowded)):
        print(json.dumps({"clients": name, "pictures_per_second": round(pictures, 1), "cpu": round(cpu, 2)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["listen"]:
        asyncio.run(listen(int(sys.argv[2]), int(sys.argv[3])))
    else:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
