"""Cutting long messages up, as :mod:`.pieces` (towards the kernel) and :mod:`.transfer` (towards an instance) do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence


def cut(parts: Sequence[bytes | memoryview], size: int, prefix: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """The bytes of ``parts``, one part after the other, ``size`` at a time, the last time what is left.

    Each run of bytes comes behind ``prefix(offset, total)``: where in the message it begins, and how long the message
    is. They are made one at a time; a message without bytes has none.
    """
    rest = [memoryview(part).cast("B") for part in reversed(parts)]
    total = sum(len(part) for part in rest)
    for offset in range(0, total, size):
        run: list[bytes | memoryview] = [prefix(offset, total)]
        room = size
        while room and rest:
            part = rest.pop()
            run.append(part[:room])
            if len(part) > room:
                rest.append(part[room:])
            room -= len(run[-1])
        yield b"".join(run)
