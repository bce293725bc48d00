"""Draws the scene 30 times a second into a shared file, for a sender in another Python.

stdin: a line ``<input> <total>`` per input. stdout: the number of the slot of the file, a line per picture.
"""

from __future__ import annotations

import argparse
import mmap
import sys
import threading
import time
from pathlib import Path

from benchmarks.senders.scene import FRAME_RATE, SIZE, Scene

SLOTS = 3


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--references", type=Path)
    chosen = parser.parse_args()
    size = SIZE[0] * SIZE[1] * 4
    chosen.file.write_bytes(b"\0" * size * SLOTS)
    latest: list[tuple[int, float]] = []

    def listen() -> None:
        for line in sys.stdin:
            key, total = line.split()
            latest[:] = [(int(key), float(total))]

    threading.Thread(target=listen, daemon=True).start()
    scene = Scene(chosen.references)
    with chosen.file.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        due, slot = time.monotonic(), 0
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + 1 / FRAME_RATE, time.monotonic())
            if latest:
                scene.steer(*latest.pop())
            memory[slot * size : (slot + 1) * size] = scene.draw().tobytes()
            print(slot, flush=True)
            slot = (slot + 1) % SLOTS


if __name__ == "__main__":
    main()
