"""All benchmarks, one after the other: ``python -m benchmarks --smoke`` shows that each still works.

Options other than ``--only`` go to each of them. Ends with 1 if one of them failed or did not come to an end.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATIENCE = 600
"""Seconds that one may take with ``--smoke``."""


def names() -> list[str]:
    """The commands in this folder: each is a module of its own."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("__"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names(), default=names(), metavar="NAME")
    chosen, options = parser.parse_known_args()
    failed = [name for name in chosen.only if not succeeds(name, options)]
    print(
        *(f"FAILED {name}" for name in failed),
        f"{len(chosen.only) - len(failed)} passed, {len(failed)} failed",
        sep="\n",
    )
    return int(bool(failed))


def succeeds(name: str, options: list[str]) -> bool:
    """Run one; what it printed is shown if it fails."""
    began = time.monotonic()
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    smoke = "--smoke" in options
    with tempfile.TemporaryFile("w+") as output:
        target = output if smoke else None
        process = subprocess.Popen(command, stdout=target, stderr=target, start_new_session=smoke)
        try:
            code = process.wait(PATIENCE if smoke else None)
            problem = f"ended with {code}" if code else ""
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            problem = f"did not end within {PATIENCE} s"
        print(f"{name}: {problem or 'passed'}, {time.monotonic() - began:.0f} s", flush=True)
        if problem:
            output.seek(0)
            print(output.read(), flush=True)
    return not problem


if __name__ == "__main__":
    sys.exit(main())
