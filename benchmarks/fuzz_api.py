"""Random and mutated messages over both dialects and both transports.

    python -m benchmarks.fuzz_api [--count 100000]

A real render host with a real instance of the embedded engine that streams to a viewer meanwhile. Exits with 1 if the
instance logged an exception, stopped drawing or answering, or grew by more than 30 MB after the first fifth.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import options
from benchmarks.harness.instances import SIZE
from benchmarks.harness.report import publish
from tests.instance.api.fuzzing import WAYS, send_nonsense
from tests.instance.api.real import RealInstance, real_instance

ALLOWED_GROWTH = 30.0
ROUND = 500
END_RECORDING = "if openspace.sessionRecording.isRecording() then openspace.sessionRecording.stopRecording() end"
"""Some of the nonsense starts one, and what it keeps is no leak."""


async def fuzz(count: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="openspace-api-fuzz-"))
    width, height = SIZE
    started, early, rounds = time.monotonic(), 0.0, max(5, count // ROUND)
    async with (
        real_instance(folder, width=width, height=height) as instance,
        instance.viewer("media") as watching,
    ):
        watching.request_media("h264")
        for number in range(rounds):
            kind, transport = WAYS[number % len(WAYS)]
            client = await send_nonsense(lambda k=kind, t=transport: instance.client(k, t), number, count // rounds)
            await client.close()
            probe = await instance.client(kind, transport)
            assert await probe.lua("return 1 + 1") == {"1": 2.0}
            await probe.lua(END_RECORDING)
            await probe.close()
            if number == rounds // 5:
                early = memory(instance)
            if number % 20 == 0:
                print(f"{(number + 1) * ROUND} messages, {memory(instance):.0f} MB", file=sys.stderr)
            watching.frames.clear()
        grown = memory(instance) - early
        owner = await instance.client()
        await owner.lua("openspace.navigation.jumpTo('Earth') openspace.time.setPause(false)")
        watching.frames.clear()
        await owner.lua("openspace.navigation.flyTo('Mars', 5)")
        for _ in range(10):
            await watching.next_frame()
        tracebacks, log = instance.tracebacks, instance.log.stat().st_size / 1e6
    rows = [
        ("messages", str(rounds * (count // rounds)), ""),
        ("seconds", f"{time.monotonic() - started:.0f}", ""),
        ("exceptions in the instance's log", "some" if tracebacks else "0", "0"),
        ("growth of its memory after the first fifth, MB", f"{grown:.1f}", f"≤ {ALLOWED_GROWTH:.0f}"),
        ("its log, MB", f"{log:.1f}", ""),
    ]
    publish("fuzz_api", rows, {"messages": count, "memory_growth_mb": grown, "log_mb": log, "tracebacks": tracebacks})
    if tracebacks:
        print(tracebacks, file=sys.stderr)
    return int(bool(tracebacks) or grown > ALLOWED_GROWTH)


def memory(instance: RealInstance) -> float:
    """MB."""
    return float(instance.process.memory_info().rss / 1e6)


def main() -> int:
    parser = options.parser(__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="messages")
    return asyncio.run(fuzz(options.parse(parser, count=500).count))


if __name__ == "__main__":
    sys.exit(main())
