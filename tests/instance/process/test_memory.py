"""Memory that viewers leave behind goes back to the system."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
import weakref

import psutil
import pytest

from openspace_server.instance.process.memory import SpareMemory

BLOCKS = 20_000
SIZE = 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc keeps memory in this way")
def test_what_the_allocator_keeps_is_given_back_when_a_viewer_has_left() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    blocks = [library.malloc(SIZE) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, SIZE)
    for block in blocks[:-1]:  # the last one keeps the heap from shrinking by itself
        library.free(block)
    process, spare = psutil.Process(), SpareMemory()
    kept = process.memory_info().rss
    asyncio.run(spare.update(1))
    assert kept - process.memory_info().rss < BLOCKS * SIZE / 4, "no viewer has left"
    asyncio.run(spare.update(0))
    assert kept - process.memory_info().rss > BLOCKS * SIZE / 2
    library.free(blocks[-1])


def test_circles_of_objects_go_when_a_viewer_has_left() -> None:
    class Circle:
        def __init__(self) -> None:
            self.itself = self

    spare = SpareMemory()
    gc.disable()
    try:
        circle = weakref.ref(Circle())
        asyncio.run(spare.update(1))
        assert circle() is not None
        asyncio.run(spare.update(0))
        assert circle() is None
    finally:
        gc.enable()
