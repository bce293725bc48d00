"""A bar code in the frame, from which a benchmark reads its frame id and the last input applied.

Two rows of 32 square cells in the bottom left corner, each :data:`CELL` pixels a side, most significant bit left.
The upper row is the frame id, the lower row the sequence number of the last input applied before drawing, both
modulo 2**32. A cell is black (luma 16) for 0 and white (luma 235) for 1, without color, so it survives 4:2:0
subsampling and coarse quantisation: read the middle of each cell and compare with half brightness.
The last row of cells ends at the frame's bottom edge (height rounded down to even).
"""

from __future__ import annotations

import numpy as np

CELL = 16
BITS = 32
WIDTH = CELL * BITS
HEIGHT = CELL * 2
_BLACK, _WHITE, _GREY = 16, 235, 128


def stamp(planes: np.ndarray, width: int, height: int, frame_id: int, input_seq: int) -> None:
    """Paint into an I420 frame in place; ``planes`` is uint8 ``(height * 3 / 2, width)``, both sides even.

    A frame smaller than 512x64 is left as it is.
    """
    if width < WIDTH or height < 2 * HEIGHT:
        return
    planes[height - HEIGHT : height - CELL, :WIDTH] = _cells(frame_id)
    planes[height - CELL : height, :WIDTH] = _cells(input_seq)
    flat = planes.reshape(-1)
    for plane in (flat[width * height : width * height * 5 // 4], flat[width * height * 5 // 4 :]):
        plane.reshape(height // 2, width // 2)[(height - HEIGHT) // 2 :, : WIDTH // 2] = _GREY


def read(luma: np.ndarray) -> tuple[int, int]:
    """``(frame id, input sequence number)`` from a grey or luma frame, uint8 ``(height, width)``."""
    middles = slice(CELL // 2, WIDTH, CELL)
    upper = luma[luma.shape[0] - HEIGHT + CELL // 2, middles] > _GREY
    lower = luma[luma.shape[0] - CELL // 2, middles] > _GREY
    return _number(upper), _number(lower)


def _cells(value: int) -> np.ndarray:
    bits = np.unpackbits(np.frombuffer((value & 0xFFFFFFFF).to_bytes(4, "big"), np.uint8))
    return np.repeat(np.where(bits, _WHITE, _BLACK).astype(np.uint8), CELL)


def _number(bits: np.ndarray) -> int:
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
