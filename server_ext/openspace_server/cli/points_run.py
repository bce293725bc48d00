"""The commands ``openspace-widget points send | receive``: arrays over a data channel, with a report at the end."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openspace_server.cli.points_report import ReceiveReport, SendReport

if TYPE_CHECKING:
    import numpy as np

    from openspace_server.render_host.host import RenderHost
    from openspace_server.render_host.offers.sender import OfferSender

log = logging.getLogger(__name__)

RESTART_PAUSE = 1.0
IN_FLIGHT = 4
"""Frames in flight: sent and not answered yet."""


async def send(arguments: argparse.Namespace) -> int:
    """The command ``points send``; the exit code."""
    from openspace_server.protocols.fields import ProtocolError
    from openspace_server.render_host.offers.sender import OfferError, OfferSender
    from openspace_server.render_host.offers.webrtc import LibraryMissing
    from openspace_server.render_host.settings import secret_from_environment

    try:
        frames = _load(arguments.file)
        sender = OfferSender(
            arguments.to,
            library=arguments.webrtc,
            secret=secret_from_environment(),
            session=arguments.session,
            token=None,
        )
    except (LibraryMissing, ValueError, OSError) as problem:
        return _failed("send", problem)
    state = SendReport(1 / arguments.hz if arguments.hz > 0 else 0.0)
    began, used = time.monotonic(), time.process_time()
    failure: Exception | None = None
    bound: list[float] | None = None
    try:
        await sender.open()
        began, used = time.monotonic(), time.process_time()
        bound = await _send_all(sender, frames, arguments, state)
    except (OfferError, ProtocolError) as problem:
        failure = problem
    finally:
        await sender.close()
    report = state.report(max(time.monotonic() - began, 1e-6), time.process_time() - used)
    report |= {"webrtc": sender.library, "points": len(frames[0]), "error_bound": bound}
    _publish(report, arguments.report)
    if failure is not None:
        return _failed("send", failure)
    return 0 if report["lost"] == report["corrupt"] == 0 else 1


async def _send_all(
    sender: OfferSender, frames: list[np.ndarray], arguments: argparse.Namespace, state: SendReport
) -> list[float] | None:
    from openspace_server.protocols import encodings
    from openspace_server.protocols.arrays import Encoding, decode_columns
    from openspace_server.protocols.points import PointFrame, PointOptions, checksum

    encoding = Encoding(encodings.SHUFFLED if arguments.compress else encodings.RAW, arguments.quantise)
    options = PointOptions(unit=arguments.unit)
    # The checksum of what arrives is known: that of the frame itself, or of its values quantised to 16 bits.
    crcs: dict[int, int] = {}
    answers: set[asyncio.Task[None]] = set()
    bound = None

    async def await_answer(began: float, answer: asyncio.Future[dict[str, Any]], crc: int) -> None:
        state.on_answer(began, await answer, crc)

    def encoded(count: int) -> tuple[list[bytes | memoryview], list[float] | None, int]:
        index = count % len(frames)
        frame = PointFrame(arguments.name, count + 1, frames[index], {}, options, sender="points send", check=True)
        parts, bound = frame.encode(encoding)
        if index not in crcs:
            arrives = decode_columns(b"".join(parts))[1] if arguments.quantise else frames[index]
            crcs[index] = checksum(PointFrame(arguments.name, 0, arrives))
        return parts, bound, crcs[index]

    # While one frame is sent, the next one is encoded.
    ahead = asyncio.create_task(asyncio.to_thread(encoded, 0))
    await asyncio.wait({ahead})
    start = time.monotonic()
    for count in itertools.count():
        due = start + count * state.period
        if due >= start + arguments.seconds or time.monotonic() >= start + arguments.seconds + state.period:
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        while len(answers) >= IN_FLIGHT:
            await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        began = time.monotonic()
        parts, bound, crc = await ahead
        ahead = asyncio.create_task(asyncio.to_thread(encoded, count + 1))
        state.sent += 1
        state.bytes += sum(len(part) for part in parts)
        task = asyncio.create_task(await_answer(began, await sender.send(parts), crc))
        answers.add(task)
        task.add_done_callback(answers.discard)
    if answers:
        await asyncio.wait(answers, timeout=30)
    if state.period:
        await asyncio.sleep(max(0.0, start + arguments.seconds - time.monotonic()))
    return bound


async def receive(arguments: argparse.Namespace) -> int:
    """The command ``points receive``; the exit code."""
    import signal

    from openspace_server.render_host.offers.server import OfferServer, OfferSettings
    from openspace_server.render_host.offers.webrtc import LibraryMissing
    from openspace_server.render_host.settings import HostError, secret_from_environment

    count = ReceiveReport(arguments.stall)
    settings = OfferSettings(arguments.host, arguments.port, library=arguments.webrtc, secret=secret_from_environment())
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    try:
        server = OfferServer(settings, count)
        server.start()
    except (HostError, LibraryMissing) as problem:
        return _failed("receive", problem)
    print(json.dumps({"event": "ready", "port": server.port, "webrtc": server.library}), flush=True)
    began, used = time.monotonic(), time.process_time()
    try:
        async with asyncio.timeout(arguments.seconds or None):
            await ending.wait()
    except TimeoutError:
        pass
    report = count.report(time.process_time() - used, time.monotonic() - began)
    await server.close()
    _publish(report | {"webrtc": server.library}, arguments.report)
    return 0 if not count.refusals else 1


async def take_offers(host: RenderHost, port: int) -> None:
    """Serve ``POST /offer`` for the sessions of a render host; ends the host if that is impossible."""
    from openspace_server.render_host.offers.server import OfferSettings, run_beside_host
    from openspace_server.render_host.settings import HostError

    address = f"[{host.settings.host}]" if ":" in host.settings.host else host.settings.host
    settings = OfferSettings(
        host.settings.host, port, f"ws://{address}:{host.gateway_port}", secret=host.settings.secret
    )

    def on_listening(port: int) -> None:
        log.info("points are received at http://%s:%d/offer", address, port)
        if host.settings.announce:
            print(json.dumps({"event": "offer", "port": port}), flush=True)

    try:
        while True:
            await run_beside_host(settings, on_listening)
            log.error("the process that receives points has ended: it is started again")
            await asyncio.sleep(RESTART_PAUSE)
    except HostError as problem:
        log.error("%s", problem)
        host.end("points cannot be received")


def _load(path: Path) -> list[np.ndarray]:
    """The frames of a file. Raises ValueError, OSError."""
    import numpy as np

    array = np.load(path, allow_pickle=False, mmap_mode="r")
    if not isinstance(array, np.ndarray) or array.dtype.str not in ("<f4", "<f8") or array.ndim not in (2, 3):
        kind = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "an archive"
        raise ValueError(f"{path}: expected float32 or float64 (n, 3) or (t, n, 3), got {kind}")
    if array.shape[-1] != 3 or 0 in array.shape:
        raise ValueError(f"{path}: expected shape (n, 3) or (t, n, 3), got {array.shape}")
    return [np.ascontiguousarray(frame) for frame in (array if array.ndim == 3 else array[None])]


def _publish(report: dict[str, Any], path: Path | None) -> None:
    text = json.dumps(report, indent=2)
    print(text, flush=True)
    if path is not None:
        path.write_text(text + "\n", "utf-8")


def _failed(command: str, problem: Exception) -> int:
    print(f"openspace-widget points {command}: {problem}", file=sys.stderr)
    return 2


def run(work: Any) -> int:
    from openspace_server.render_host.offers import webrtc

    async def main() -> int:
        code: int = await work
        return code

    return webrtc.run(main)
