"""Search for a hardware encoder in a separate process, so that a broken driver crashes or hangs only that one.

``python -m openspace_server.instance.streaming.hardware_encoder`` prints the FFmpeg name of the best hardware encoder,
or nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys

from openspace_server.instance.streaming.codecs import HARDWARE, CodecChoice, best_hardware, is_hardware_plausible

log = logging.getLogger(__name__)

TIMEOUT = 20.0
SWITCH = "OPENSPACE_ENCODER"
"""Environment variable: ``x264`` disables hardware encoders."""


async def find_hardware() -> CodecChoice | None:
    """The hardware encoder to use, None for x264. At once where no hardware is plausible; raises nothing."""
    if os.environ.get(SWITCH) == "x264" or not is_hardware_plausible():
        return None
    command = [sys.executable, "-m", __name__]
    nowhere = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=nowhere, stdout=asyncio.subprocess.PIPE)
    except OSError as problem:
        log.warning("hardware encoders not looked for: %s", problem)
        return None
    try:
        output, _ = await asyncio.wait_for(process.communicate(), TIMEOUT)
    except TimeoutError:
        log.warning("hardware encoders did not answer within %g seconds", TIMEOUT)
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    found = output.decode(errors="replace").strip()
    return next((choice for choice in HARDWARE if choice.codec == found), None)


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(message)s")
    best = best_hardware()
    print(best.codec if best else "")
