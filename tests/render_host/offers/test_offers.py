"""``POST /offer``: arrays over real data channels, from one of our ends to the other, and what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from openspace_server.protocols import transfer
from openspace_server.protocols.arrays import Encoding
from openspace_server.protocols.points import PointFrame, checksum
from openspace_server.render_host.offers import sender as offer_sender
from openspace_server.render_host.offers.sender import OfferError, OfferSender
from openspace_server.render_host.offers.server import OfferServer, OfferSettings
from openspace_server.render_host.offers.webrtc import HIGH_WATER
from openspace_server.render_host.settings import INSTANCE_COMMAND, HostError
from tests.helpers import until
from tests.render_host.helpers import WAIT, command, host, until_status

POSITIONS = np.random.default_rng(4).normal(size=(60_000, 3)).astype("<f4")
LIBRARIES = [
    "aiortc",
    pytest.param("wrtc", marks=pytest.mark.skipif(not importlib.util.find_spec("webrtc"), reason="no wrtc")),
]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


class Kept:
    """The arrays that came; ``gate`` closed makes the receiver stall."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self.reasons: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def on_frame(self, header: dict[str, Any], array: np.ndarray, columns: dict[str, np.ndarray]) -> None:
        self.arrays.append(array)
        await self.gate.wait()

    def on_refused(self, reason: str) -> None:
        self.reasons.append(reason)


@contextlib.asynccontextmanager
async def receiver(library: str = "aiortc", **settings: Any) -> AsyncIterator[tuple[OfferServer, Kept]]:
    kept = Kept()
    server = OfferServer(OfferSettings(port=0, library=library, **settings), kept)
    server.start()
    try:
        yield server, kept
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def sender(server: OfferServer, library: str = "aiortc", **options: Any) -> AsyncIterator[OfferSender]:
    made = OfferSender(f"http://127.0.0.1:{server.port}", library=library, **options)
    try:
        await made.open()
        yield made
    finally:
        await made.close()


def frame(sequence: int = 1, positions: np.ndarray = POSITIONS, name: str = "stars") -> PointFrame:
    return PointFrame(name, sequence, positions, check=True)


async def answer(made: OfferSender, sent: PointFrame, encoding: Encoding | None = None) -> dict[str, Any]:
    return await asyncio.wait_for(await made.send(sent.encode(encoding or Encoding())[0]), WAIT)


@pytest.mark.slow
@pytest.mark.parametrize("receives", LIBRARIES)
@pytest.mark.parametrize("sends", LIBRARIES)
def test_frames_arrive_bit_for_bit_whichever_library_is_at_either_end(sends: str, receives: str) -> None:
    async def scenario() -> None:
        async with receiver(receives) as (server, kept), sender(server, sends) as made:
            for sequence in range(1, 4):
                sent = frame(sequence, POSITIONS + sequence)
                assert (await answer(made, sent))["crc32"] == checksum(sent)
            assert [array.tobytes() for array in kept.arrays] == [(POSITIONS + k).tobytes() for k in range(1, 4)]
            await answer(made, frame(9), Encoding("zstd", quantised=True))
            assert 0 < np.abs(kept.arrays[-1] - POSITIONS).max() < np.ptp(POSITIONS) / 65535

    run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_receiver_that_stalls_stalls_the_sender_and_neither_fills_up(library: str) -> None:
    async def scenario() -> None:
        async with receiver(library) as (server, kept), sender(server, library) as made:
            kept.gate.clear()
            parts = frame(positions=np.tile(POSITIONS, (4, 1))).encode()[0]
            size = sum(len(part) for part in parts)
            whole = 0
            answers = []

            async def send_on() -> None:
                nonlocal whole
                for _ in range(7):
                    answers.append(await made.send(parts))
                    whole += 1

            sending = asyncio.create_task(send_on())
            await until(lambda: len(kept.arrays) == 1, "the first frame")
            # What may be on its way is a window more than what was taken, and the two frames that are.
            done, _ = await asyncio.wait({sending}, timeout=1.5)
            assert not done
            assert whole * size <= transfer.WINDOW + 3 * size
            assert made.waiting <= HIGH_WATER + 2**17
            kept.gate.set()
            await asyncio.wait_for(sending, 2 * WAIT)
            results = await asyncio.wait_for(asyncio.gather(*answers), 2 * WAIT)
            assert all(result["received"] for result in results)
            assert len(kept.arrays) == 7

    run(scenario())


@pytest.mark.slow
def test_a_sender_that_leaves_in_the_middle_leaves_nothing() -> None:
    async def scenario() -> None:
        async with receiver() as (server, kept):
            async with sender(server) as made:
                await answer(made, frame())
                assert made._outlet is not None
                for chunk in list(transfer.chunks(5, frame().encode()[0], 50_000))[:4]:
                    await made._outlet.send(chunk)
            await until(lambda: not server.peers, "the end of the sender")
            async with sender(server) as made:
                await answer(made, frame())
            assert len(kept.arrays) == 2

    run(scenario())


def test_lies_are_refused_and_the_next_frame_is_fine() -> None:
    async def scenario() -> None:
        async with receiver() as (server, kept), sender(server) as made:
            assert made._outlet is not None
            await made._outlet.send(transfer.UPLOAD.pack(999, 0, 10 * 10**9) + bytes(1000))
            await until(lambda: len(kept.reasons) == 1, "the refusal")
            assert "10000000000 bytes is announced" in kept.reasons[0]
            await made._outlet.send(os.urandom(500))
            await made._outlet.send("text")
            await until(lambda: len(kept.reasons) == 2, "the refusal")
            refused = await asyncio.wait_for(await made.send([b"OSA1", b"\xff\xff\xff\xff", bytes(100)]), WAIT)
            assert "header announces" in refused["reason"]
            assert (await answer(made, frame()))["received"]

    run(scenario())


def test_only_holders_of_the_secret_and_no_browsers_are_let_in() -> None:
    async def scenario() -> None:
        async with receiver(secret="sesame") as (server, _):
            url = f"http://127.0.0.1:{server.port}/offer"
            offer = json.dumps({"type": "offer", "sdp": "v=0\r\n"})

            async def status(body: str = offer, **headers: str) -> tuple[int, str]:
                try:
                    await AsyncHTTPClient().fetch(url, method="POST", body=body, headers=headers)
                except HTTPClientError as problem:
                    reason = json.loads(problem.response.body)["error"] if problem.response else ""
                    return problem.code, reason
                raise AssertionError("it was let in")

            good = {"Content-Type": "application/json", "Authorization": "Bearer sesame"}
            assert (await status(**{"Content-Type": "application/json"}))[0] == 401
            assert (await status(**good | {"Authorization": "Bearer open"}))[0] == 401
            assert (await status(**good | {"Origin": "https://evil.example"}))[0] == 403
            assert (await status(**good | {"Content-Type": "text/plain"}))[0] == 415
            assert await status(**good) == (400, "sdp: it has no data channel (m=application)")
            rubbish = {"type": "offer", "sdp": "v=0\r\nm=application rubbish\r\n"}
            assert "not acceptable" in (await status(json.dumps(rubbish), **good))[1]
            assert await status("{", **good) == (400, "json decode error")
            assert await status('{"type": "offer"}', **good) == (400, "sdp: expected a session description, got None")
            assert await status('{"type": "answer"}', **good) == (400, "type: expected 'offer', got 'answer'")
            assert await status(json.dumps(rubbish | {"session": "s"}), **good) == (
                400,
                "session: this receiver only counts arrays and has no sessions",
            )
            many = {"type": "offer", "sdp": "v=0\r\nm=application\r\n" + "a=candidate:1\r\n" * 65}
            assert await status(json.dumps(many), **good) == (
                400,
                "sdp: longer than 65536 bytes, or more than 64 candidates",
            )
            assert not server.peers
            with pytest.raises(OfferError, match="Bearer secret required"):
                async with sender(server):
                    pass
            async with sender(server, secret="sesame") as made:
                assert (await answer(made, frame()))["received"]

    run(scenario())
    with pytest.raises(HostError) as refusal:
        OfferServer(OfferSettings(host="0.0.0.0", port=0, library="aiortc")).start()
    assert str(refusal.value) == (
        "0.0.0.0 can be reached from other machines: set a secret in OPENSPACE_HOST_SECRET, the same one for all "
        "senders, or listen on 127.0.0.1"
    )


@pytest.mark.process
def test_points_reach_the_scene_of_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSPACE_TEST_ENGINES", "1")
    root = Path(__file__).parents[3]
    monkeypatch.setenv("PYTHONPATH", f"{root / 'server_ext'}:{root}")

    async def scenario() -> None:
        engine = "tests.instance.viewers.point_engine:CloudEngine"
        async with host(tmp_path, instance_command=INSTANCE_COMMAND, engine=engine) as running:
            id = (await command(running.port, {"command": "START", "session": "mine", "token": "t0ken"}))["id"]
            await until_status(running.port, id, "RUNNING")
            gateway = f"ws://127.0.0.1:{running.gateway_port}"
            async with receiver(gateway=gateway) as (server, _):
                async with sender(server, session="mine", token="t0ken") as made:
                    shown = await answer(made, frame())
                    assert (shown["shown"], shown["points"], shown["crc32"]) == (True, 60_000, checksum(frame()))
                    assert "(n, 3)" in (await answer(made, frame(positions=POSITIONS[:, :2])))["reason"]
                async with sender(server, session="mine", token="wrong") as made:
                    refused = await answer(made, frame())
                    assert not refused["received"]

    run(scenario())


@pytest.mark.process
def test_a_host_told_to_takes_points_and_goes_on_when_that_process_dies(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", POSITIONS)
    ports = ["--port", "0", "--gateway-port", "0", "--api-port", "0", "--offer-port", "0"]
    program = [sys.executable, "-m", "openspace_server.cli"]
    command = [*program, "host", *ports, "--announce", "--end-with-stdin", "--log-dir", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["event"] == "ready"
        for _ in range(2):
            offer = json.loads(running.stdout.readline())
            assert offer["event"] == "offer"
            send = [*program, "points", "send", str(tmp_path / "points.npy"), "--seconds", "0.3", "--hz", "0"]
            sent = subprocess.run(
                [*send, "--to", f"http://127.0.0.1:{offer['port']}/offer"],
                capture_output=True, text=True, timeout=40, check=False,
            )  # fmt: skip
            assert sent.returncode == 0, sent.stderr
            (taking,) = psutil.Process(running.pid).children()
            taking.kill()
        running.stdin.close()
        assert running.wait(WAIT) == 0
    assert not taking.is_running()


@pytest.mark.process
def test_the_commands_report_what_they_did(tmp_path: Path) -> None:
    np.save(tmp_path / "points.npy", np.stack([POSITIONS, POSITIONS[::-1]]))
    program = [sys.executable, "-m", "openspace_server.cli", "points"]
    with subprocess.Popen([*program, "receive", "--port", "0"], stdout=subprocess.PIPE, text=True) as receiving:
        assert receiving.stdout is not None
        port = json.loads(receiving.stdout.readline())["port"]
        options = ["--to", f"http://127.0.0.1:{port}", "--hz", "0", "--seconds", "0.5", "--unit", "kpc"]
        send = [*program, "send", str(tmp_path / "points.npy"), *options, "--report", str(tmp_path / "report.json")]
        sent = subprocess.run(send, capture_output=True, text=True, timeout=40, check=False)
        assert sent.returncode == 0, sent.stderr
        report = json.loads((tmp_path / "report.json").read_text())
        assert report == json.loads(sent.stdout)
        assert report["sent"] == report["received"] > 1
        assert report["lost"] == report["corrupt"] == 0
        receiving.send_signal(signal.SIGTERM)
        counted = json.loads(receiving.stdout.read())
        assert counted["received"] == report["received"]
        assert receiving.wait(WAIT) == 0


@pytest.mark.process
@pytest.mark.parametrize(
    ("array", "to", "reason"),
    [
        (np.zeros((5, 2), "f4"), "http://127.0.0.1:9", "expected shape"),
        (np.zeros((5, 3), "i4"), "http://127.0.0.1:9", "expected float32"),
        (np.zeros((5, 3), "f4"), "http://127.0.0.1:9", "127.0.0.1:9"),
    ],
)
def test_what_cannot_be_sent_is_said_in_one_line(tmp_path: Path, array: np.ndarray, to: str, reason: str) -> None:
    np.save(tmp_path / "a.npy", array)
    program = [sys.executable, "-m", "openspace_server.cli", "points", "send", str(tmp_path / "a.npy"), "--to", to]
    done = subprocess.run(program, capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_receiver_that_takes_nothing_for_long_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer_sender, "STALL_TIMEOUT", 0.3)

    async def scenario() -> None:
        async with receiver() as (server, kept), sender(server) as made:
            kept.gate.clear()
            parts = frame(positions=np.tile(POSITIONS, (4, 1))).encode()[0]

            async def send_on() -> None:
                for _ in range(50):
                    await made.send(parts)

            with pytest.raises(OfferError, match=r"^the receiver granted no credits for 0\.3 seconds$"):
                await send_on()
            kept.gate.set()

    run(scenario())
