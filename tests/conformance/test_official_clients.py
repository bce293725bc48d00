"""Clients that nobody here wrote, each in an environment of its own, against our server."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance import install
from tests.instance.api.harness import Api, api
from tests.instance.api.real import real_instance

CLIENTS = Path(__file__).parent / "clients"
PASSWORD = "sésame"
TIMEOUT = 60
PREPARE = "openspace.time.setPause(true) openspace.setPropertyValueSingle('Scene.Earth.Renderable.Enabled', true)"


def installed(make: Callable[[], Path]) -> Path:
    """What ``make`` installs; skips the test where the registries cannot be reached."""
    try:
        return make()
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"the client cannot be installed here: {error}")


def conforms(command: Callable[[Api], list[str]]) -> None:
    """Start a server that trusts nobody, run ``command`` against it, and see that it says CONFORMS."""

    async def main() -> None:
        async with api(trust_loopback=False, password=PASSWORD) as server:
            await says_that_it_conforms(command(server))

    asyncio.run(main())


async def says_that_it_conforms(command: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            output = (await process.communicate())[0].decode()
    except TimeoutError:
        process.kill()
        output = (await process.communicate())[0].decode() + "\n(it took too long)"
    assert "CONFORMS" in output, output


def test_all_of_them_against_a_real_instance_of_a_real_host(tmp_path: Path) -> None:
    current, legacy, node = (
        installed(lambda: install.python_client("0.9.1")),
        installed(lambda: install.python_client("0.1.3")),
        installed(install.node_client),
    )
    # A host's own ports trust this machine: there is no password to get wrong.
    any_password = ""

    async def main() -> None:
        async with real_instance(tmp_path) as instance:
            tcp, ws = str(instance.tcp_port), str(instance.port)
            for command in (
                [str(current), str(CLIENTS / "current.py"), tcp, any_password],
                [str(legacy), str(CLIENTS / "legacy.py"), tcp, any_password],
                ["node", str(CLIENTS / "legacy.js"), str(node), "tcp", tcp, any_password],
                ["node", str(CLIENTS / "legacy.js"), str(node), "websocket", ws, any_password],
            ):
                await (await instance.client()).lua(PREPARE)
                await says_that_it_conforms(command)
            assert not instance.tracebacks

    asyncio.run(main())


def test_openspace_api_0_9_1_over_tcp() -> None:
    python = installed(lambda: install.python_client("0.9.1"))
    conforms(lambda server: [str(python), str(CLIENTS / "current.py"), str(server.tcp_port), PASSWORD])


def test_openspace_api_0_1_3_over_tcp() -> None:
    python = installed(lambda: install.python_client("0.1.3"))
    conforms(lambda server: [str(python), str(CLIENTS / "legacy.py"), str(server.tcp_port), PASSWORD])


@pytest.mark.parametrize("transport", ["tcp", "websocket"])
def test_openspace_api_js_0_1_6(transport: str) -> None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = installed(install.node_client)

    def command(server: Api) -> list[str]:
        port = server.tcp_port if transport == "tcp" else server.port
        return [node, str(CLIENTS / "legacy.js"), str(folder), transport, str(port), PASSWORD]

    conforms(command)
