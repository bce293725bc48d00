"""How a render host process ends, and that it takes its instances along."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from openspace_server.cli.main import main
from openspace_server.render_host.settings import HostError, HostSettings, is_loopback
from tests.helpers import until
from tests.render_host.helpers import alive, children, command, host, host_process, start_running, status

pytestmark = pytest.mark.process

CLI = [sys.executable, "-m", "openspace_server.cli"]


def two_running(port: int) -> None:
    async def start() -> None:
        await start_running(port, "parent")
        await start_running(port, "plain")

    asyncio.run(start())


def wait_gone(processes: list[psutil.Process], limit: float = 10.0) -> None:
    _, left = psutil.wait_procs(processes, timeout=limit)
    assert not alive(left), left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_polite_signal_ends_the_host_and_every_instance(tmp_path: Path, number: signal.Signals) -> None:
    with host_process(tmp_path) as (process, ready):
        two_running(ready["port"])
        family = children(process.pid)
        assert len(family) == 3
        process.send_signal(number)
        assert process.wait(10) == 0
        wait_gone(family)


def test_instances_end_when_their_host_is_killed(tmp_path: Path) -> None:
    with host_process(tmp_path) as (process, ready):
        asyncio.run(start_running(ready["port"], "plain"))
        family = children(process.pid)
        assert len(family) == 1
        process.kill()
        process.wait()
        wait_gone(family)


def test_a_deaf_instance_does_not_survive_the_end_of_its_host(tmp_path: Path) -> None:
    with host_process(tmp_path, stop=0.3) as (process, ready):
        asyncio.run(start_running(ready["port"], "deaf"))
        family = children(process.pid)
        process.terminate()
        assert process.wait(10) == 0
        wait_gone(family)


def test_a_host_ends_when_stdin_closes_if_told_to(tmp_path: Path) -> None:
    with host_process(tmp_path, stdin=subprocess.PIPE, end_with_stdin=True) as (process, ready):
        asyncio.run(start_running(ready["port"], "plain"))
        family = children(process.pid)
        process.stdin.close()
        assert process.wait(10) == 0
        wait_gone(family)


def test_a_host_lingers_only_as_long_as_told_after_the_last_command(tmp_path: Path) -> None:
    with host_process(tmp_path, linger=1.0) as (process, ready):

        async def keep_busy() -> None:
            until_then = time.monotonic() + 1.5
            await until(lambda: time.monotonic() > until_then or _asked(ready["port"]), "1.5 s of commands")

        async def _asked(port: int) -> bool:
            await status(port, 0)
            return False

        asyncio.run(start_running(ready["port"], "plain"))
        family = children(process.pid)
        asyncio.run(keep_busy())
        assert process.poll() is None
        last = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - last > 0.8
        wait_gone(family)


def test_the_announcement_names_the_ports_and_the_process(tmp_path: Path) -> None:
    with host_process(tmp_path, slots=5) as (process, ready):
        assert ready["event"] == "ready"
        assert ready["pid"] == process.pid
        assert ready["slots"] == 5
        reply = asyncio.run(command(ready["port"], {"command": "SERVER_STATUS"}))
        assert reply["total"] == 5
        socket.create_connection(("127.0.0.1", ready["gateway_port"])).close()


def run_cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *arguments], capture_output=True, text=True, timeout=60, check=False, env=os.environ | environment
    )


@pytest.mark.parametrize("option", ["--port", "--gateway-port"])
def test_a_port_in_use_is_one_clear_line_and_exit_code_2(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_cli("host", "--port", "0", "--gateway-port", "0", option, str(port))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"openspace-widget host: 127.0.0.1:{port} is in use: choose another port with {option} (0 = a free one)"
    )
    assert "Traceback" not in done.stderr


def test_a_host_that_others_can_reach_needs_a_secret() -> None:
    done = run_cli("host", "--host", "0.0.0.0", "--port", "0", "--gateway-port", "0", OPENSPACE_HOST_SECRET="")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "openspace-widget host: --host 0.0.0.0 can be reached from other machines: set a secret in the environment "
        "variable OPENSPACE_HOST_SECRET, the same one where the orchestrator runs, or use --host 127.0.0.1"
    )
    HostSettings(host="0.0.0.0", secret="s").check()
    with pytest.raises(HostError, match="no-such-host"):
        HostSettings(host="no-such-host.invalid").check()
    assert [is_loopback(name) for name in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--slots", "0", "an integer from 1 to 256"),
        ("--slots", "many", "an integer from 1 to 256"),
        ("--port", "70000", "an integer from 0 to 65535"),
        ("--linger", "-1", "a number of seconds, 0 or more"),
        ("--linger", "soon", "a number of seconds, 0 or more"),
        ("--width", "1", "an integer from 64 to 8192"),
        ("--frame-rate", "61", "an integer from 1 to 60"),
        ("--bit-rate", "60000001", "an integer from 100000 to 60000000"),
        ("--bit-rate", "99999", "an integer from 100000 to 60000000"),
        ("--bit-rate", "4M", "an integer from 100000 to 60000000"),
    ],
)
def test_a_value_out_of_range_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str, expected: str
) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["host", option, value])
    assert refusal.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == f"openspace-widget host: error: argument {option}: expected {expected}, got {value}"


def test_an_unknown_option_is_named() -> None:
    done = run_cli("host", "--x")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "openspace-widget: error: unrecognized arguments: --x"


def test_the_command_line_loads_fast() -> None:
    heavy = "print([m for m in ('tornado', 'numpy', 'av', 'asyncio', 'aiortc') if m in sys.modules])"
    program = f"import sys; import openspace_server.cli.main as c; c.build_parser(); {heavy}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_instance_does_not_see_the_host_s_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSPACE_HOST_SECRET", "sesame")
    seen = tmp_path / "seen"
    program = f"import os, pathlib; pathlib.Path({str(seen)!r}).write_text(os.environ.get('OPENSPACE_HOST_SECRET', ''))"

    async def scenario() -> None:
        async with host(tmp_path, instance_command=(sys.executable, "-c", program)) as running:
            await command(running.port, {"command": "START"})
            await until(seen.exists, "the instance ran")
            await until(lambda: running.slots[0].state == "IDLE", "IDLE")

    asyncio.run(scenario())
    assert seen.read_text() == ""


def test_the_real_instance_ends_when_its_host_is_killed(tmp_path: Path) -> None:
    with host_process(tmp_path, real=True, width=320, height=180) as (process, ready):
        asyncio.run(start_running(ready["port"], "plain"))
        family = children(process.pid)
        assert family
        process.kill()
        process.wait()
        wait_gone(family)


def test_doctor_prints_a_line_per_check_and_tells_success_by_its_exit_code() -> None:
    done = run_cli("doctor")
    lines = [line for line in done.stdout.splitlines() if line.startswith(("✓", "✗"))]
    assert len(lines) >= 8
    assert any("libx264" in line and line.startswith("✓") for line in lines)
    assert done.returncode == (1 if any(line.startswith("✗") for line in lines) else 0)


def test_ready_line_is_json_only(tmp_path: Path) -> None:
    arguments = [
        "host",
        "--port",
        "0",
        "--gateway-port",
        "0",
        "--announce",
        "--end-with-stdin",
        "--log-dir",
        str(tmp_path),
    ]
    done = subprocess.run([*CLI, *arguments], input="", capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["event"] == "ready"
