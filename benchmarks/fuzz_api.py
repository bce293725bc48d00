"""Random and mutated messages over both dialects and both transports: ``python benchmarks/fuzz_api.py [COUNT]``.

Ends with a line of numbers; exits with 1 if an exception was not expected, drawing stopped, or memory grew by more
than 30 MB after the first fifth.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "server_ext")]

from tests.api.fuzzing import Fuzzer  # noqa: E402  (after the path)
from tests.api.harness import HANDSHAKE, Client, TcpLink, WebSocketLink, api  # noqa: E402  (after the path)
from tests.api.test_robustness import handled, send_raw  # noqa: E402  (after the path)

ALLOWED_GROWTH = 30.0
ROUND = 500


class Unexpected(logging.Handler):
    """Counts log records with a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.count += 1
            print(self.format(record), file=sys.stderr)


def resident() -> float:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def main(count: int) -> int:
    unexpected = Unexpected()
    logging.getLogger().addHandler(unexpected)
    logging.getLogger("openspace").setLevel(logging.CRITICAL)
    started, early = time.monotonic(), 0.0
    async with api() as server:
        ways = [(dialect, transport) for dialect in ("1.0", "legacy") for transport in ("ws", "tcp")]
        for number in range(count // ROUND):
            dialect, transport = ways[number % len(ways)]
            fuzzer = Fuzzer(number)
            client: Client | None = None
            for _ in range(ROUND):
                if client is None or client.gone.is_set():
                    opened = WebSocketLink.open(server.port) if transport == "ws" else TcpLink.open(server.tcp_port)
                    client = Client(await opened, dialect == "legacy")
                    if dialect == "1.0":
                        await client.link.send(json.dumps(HANDSHAKE))
                try:
                    await send_raw(client, fuzzer.message())
                except Exception:
                    await asyncio.sleep(0)
            await handled(client)
            probe = await server.client(dialect, transport)
            assert await probe.lua("return 1 + 1") == {"1": 2.0}
            await probe.close()
            assert client is not None
            await client.close()
            if number == count // ROUND // 5:
                gc.collect()
                early = resident()
        drawn = server.engine.draws
        await asyncio.sleep(0.5)
        drawing = server.engine.draws > drawn
    gc.collect()
    grown = resident() - early
    print(
        json.dumps(
            {
                "messages": count,
                "seconds": round(time.monotonic() - started, 1),
                "unexpected_exceptions": unexpected.count,
                "drawing": drawing,
                "memory_growth_MB": round(grown, 1),
            }
        )
    )
    return int(bool(unexpected.count) or not drawing or grown > ALLOWED_GROWTH)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
