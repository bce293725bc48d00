"""The API of a real instance of the embedded engine, started by a real render host."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import pytest

from openspace_server.instance.api.settings import ApiSettings
from openspace_server.render_host.settings import HostError, HostSettings
from tests.helpers import free_ports
from tests.instance.api.fuzzing import WAYS, send_nonsense
from tests.instance.api.harness import Client, TcpLink
from tests.instance.api.real import HOST, real_instance
from tests.render_host.helpers import host, start_running, status, until_status

FUZZ_MESSAGES = 250
"""For each dialect and transport; benchmarks/fuzz_api.py sends a hundred thousand."""
KEEP_ALIVE = "02"
"""How /proc/net/tcp names the timer of a socket that probes an idle peer."""


@pytest.mark.process
def test_each_slot_serves_tcp_on_its_own_port_and_notices_peers_that_vanish(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with real_instance(tmp_path, slots=2, api_port=0) as first:
            await start_running(first.host.port, "second", engine="embedded")
            await until_answered(first.tcp_port + 1)
            for slot, target in enumerate(("Mars", "Saturn")):
                client = Client(await TcpLink.open(first.tcp_port + slot), legacy=True)
                await client.lua(f"openspace.navigation.setFocus('{target}')")
            for slot, target in enumerate(("Mars", "Saturn")):
                link = await TcpLink.open(first.tcp_port + slot)
                client = Client(link, legacy=True)
                assert await client.lua(
                    "return openspace.propertyValue('NavigationHandler.OrbitalNavigator.Anchor')"
                ) == {"1": target}
                assert timer(link.writer.get_extra_info("peername")[1], link.writer.get_extra_info("sockname")[1]) == (
                    KEEP_ALIVE
                )
            assert not first.tracebacks

    asyncio.run(scenario())


@pytest.mark.process
def test_a_script_runs_to_its_end_without_viewers_and_clients(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with real_instance(tmp_path) as instance:
            client = await instance.client("1.0", "tcp")
            await client.lua(
                "openspace.setPropertyValueSingle('Scene.Earth.Renderable.Enabled', false, 0, 'Linear', 'done = true')"
            )
            other = await instance.client("legacy", "ws")
            async with asyncio.timeout(15):
                while await other.lua("return done") != {"1": True}:
                    pass
            await client.lua("openspace.navigation.setFocus('Mars')")
            script = "return openspace.propertyValue('NavigationHandler.OrbitalNavigator.Anchor')"
            assert await other.lua(script) == {"1": "Mars"}

    asyncio.run(scenario())


@pytest.mark.process
def test_a_web_page_cannot_speak_through_the_tcp_port(tmp_path: Path) -> None:
    message = json.dumps({"topic": 1, "type": "luascript", "payload": {"script": "hacked = true"}})

    async def scenario() -> None:
        async with real_instance(tmp_path) as instance:
            reader, writer = await asyncio.open_connection(HOST, instance.tcp_port)
            head = (
                "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Type: text/plain\r\n\r\n"
            )
            writer.write(f"{head}{message}\n{message}\n".encode())
            assert await asyncio.wait_for(reader.read(), 15) == b""
            writer.close()
            assert await (await instance.client()).lua("return hacked == nil") == {"1": True}

    asyncio.run(scenario())


@pytest.mark.process
def test_two_hundred_clients_receive_time_and_camera_while_frames_are_sent(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            real_instance(tmp_path, width=640, height=360) as instance,
            instance.viewer("bulk") as owner,
            instance.viewer("media") as watching,
        ):
            watching.request_media("h264")
            owner.request("fly_to", target="Moon", duration=600)
            await watching.next_frame()
            clients = [await instance.client("1.0", ("ws", "tcp")[index % 2]) for index in range(200)]
            topics = [
                [await client.start(name, {"event": "start_subscription"}) for name in ("time", "camera")]
                for client in clients
            ]
            for _ in range(3):
                watching.frames.clear()
                for client, (time, camera) in zip(clients, topics, strict=True):
                    await client.next(time, lambda each: set(each) == {"time"})
                    await client.next(camera)
                for _ in range(3):
                    await watching.next_frame()
            assert not instance.tracebacks

    asyncio.run(scenario())


@pytest.mark.process
def test_a_client_that_never_reads_is_disconnected_and_costs_the_instance_bounded_memory(tmp_path: Path) -> None:
    wish = json.dumps({"topic": 1, "type": "documentation", "payload": {"type": "lua"}}).encode() + b"\n"

    async def scenario() -> None:
        async with real_instance(tmp_path, width=320, height=180) as instance:
            client = await instance.client()
            assert await client.ask("documentation", {"type": "lua"})
            before = instance.process.memory_info().rss
            _, writer = await asyncio.open_connection(HOST, instance.tcp_port, limit=1)
            async with asyncio.timeout(30):
                with contextlib.suppress(ConnectionError):  # the cut
                    while True:
                        writer.write(wish)
                        await writer.drain()
                        await asyncio.sleep(0)
            assert await client.lua("return 1") == {"1": 1.0}
            assert instance.process.memory_info().rss - before < 5 * ApiSettings().max_buffered_bytes

    asyncio.run(scenario())


@pytest.mark.process
def test_nonsense_leaves_the_instance_drawing_and_nothing_unlogged(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            real_instance(tmp_path, width=320, height=180) as instance,
            instance.viewer("bulk") as owner,
            instance.viewer("media") as watching,
        ):
            watching.request_media("h264")
            for seed, (kind, transport) in enumerate(WAYS):
                client = await send_nonsense(lambda k=kind, t=transport: instance.client(k, t), seed, FUZZ_MESSAGES)
                assert await (await instance.client(kind, transport)).lua("return 1 + 1") == {"1": 2.0}
                await client.close()
            watching.frames.clear()
            owner.request("fly_to", target="Saturn", duration=600)
            for _ in range(5):
                await watching.next_frame()
            assert not instance.tracebacks

    asyncio.run(scenario())


async def until_answered(port: int) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                return (await TcpLink.open(port)).close()
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)


def timer(port: int, peer: int) -> str:
    """The timer of the socket on ``port`` that ``peer`` is connected to, as the kernel tells."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}") and fields[2].endswith(f":{peer:04X}"):
            return fields[5].partition(":")[0]
    raise AssertionError("no such connection")


@pytest.mark.process
def test_a_taken_port_ends_the_instance_with_a_reason_that_says_what_to_change(tmp_path: Path) -> None:
    async def scenario() -> None:
        with socket.create_server((HOST, free_ports(1)[0])) as taken:
            port = taken.getsockname()[1]
            async with host(
                tmp_path, instance_command=HostSettings().instance_command, slots=1, api_tcp_port=port
            ) as running:
                slot = await start_running(running.port, "s")
                await until_status(running.port, slot, "IDLE")
                reason = (await status(running.port, slot))["reason"]
                assert f"cannot listen on port {port}: it is in use; give the render host another --api-tcp-port" in (
                    reason
                )

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("ports", "reason"),
    [
        ({"api_port": 4682, "api_tcp_port": 4681}, "overlap"),
        ({"api_port": 4682, "api_tcp_port": 4684}, "overlap"),
        ({"api_tcp_port": 65534}, "choose at most 65533"),
        ({"api_port": 65535}, "choose at most 65533"),
    ],
)
def test_ports_that_cannot_all_be_had_are_refused_before_anything_starts(ports: dict[str, int], reason: str) -> None:
    with pytest.raises(HostError, match=reason):
        HostSettings(slots=3, **ports).check()  # type: ignore[arg-type]
    HostSettings(slots=3, api_tcp_port=4679).check()
