"""An image in memory shared with the X server: shown at once, without a copy through the socket (MIT-SHM)."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_long, c_size_t, c_uint, c_ulong, c_void_p

import numpy as np

Z_PIXMAP, PRIVATE, CREATE, REMOVE = 2, 0, 0o1000, 0


class _Segment(Structure):
    _fields_ = (("segment", c_ulong), ("id", c_int), ("address", c_void_p), ("read_only", c_int))


class _Image(Structure):
    """The beginning of an XImage."""

    _fields_ = (("width", c_int), ("height", c_int), ("offset", c_int), ("format", c_int), ("data", c_void_p))


def _libraries() -> tuple[ctypes.CDLL, ctypes.CDLL, ctypes.CDLL]:
    x, extension, c = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXext.so.6"), ctypes.CDLL(None)
    x.XOpenDisplay.argtypes, x.XOpenDisplay.restype = [c_char_p], c_void_p
    x.XDefaultVisual.argtypes, x.XDefaultVisual.restype = [c_void_p, c_int], c_void_p
    x.XCreateGC.argtypes, x.XCreateGC.restype = [c_void_p, c_ulong, c_ulong, c_void_p], c_void_p
    x.XSync.argtypes = [c_void_p, c_int]
    x.XCloseDisplay.argtypes = [c_void_p]
    extension.XShmCreateImage.argtypes = [
        *(c_void_p, c_void_p, c_uint, c_int, c_char_p, POINTER(_Segment), c_uint, c_uint)
    ]
    extension.XShmCreateImage.restype = POINTER(_Image)
    extension.XShmAttach.argtypes = [c_void_p, POINTER(_Segment)]
    extension.XShmPutImage.argtypes = [
        *(c_void_p, c_ulong, c_void_p, POINTER(_Image), c_int, c_int, c_int, c_int, c_uint, c_uint, c_int)
    ]
    c.shmget.argtypes, c.shmget.restype = [c_int, c_size_t, c_int], c_int
    c.shmat.argtypes, c.shmat.restype = [c_int, c_void_p, c_int], c_void_p
    c.shmctl.argtypes = [c_int, c_int, c_void_p]
    c.shmdt.argtypes = [c_long]
    return x, extension, c


class SharedImage:
    """An image of one size for the window with this id, on the display that the environment names."""

    def __init__(self, window: int, width: int, height: int, depth: int) -> None:
        self._x, self._extension, self._c = _libraries()
        self.size = (width, height)
        self._window = window
        self._display = self._x.XOpenDisplay(None)
        self._gc = self._x.XCreateGC(self._display, window, 0, None)
        self._segment = _Segment()
        visual = self._x.XDefaultVisual(self._display, 0)
        self._image = self._extension.XShmCreateImage(
            self._display, visual, depth, Z_PIXMAP, None, byref(self._segment), width, height
        )
        self._segment.id = self._c.shmget(PRIVATE, width * height * 4, CREATE | 0o600)
        self._segment.address = self._c.shmat(self._segment.id, None, 0)
        self._image.contents.data = self._segment.address
        self._extension.XShmAttach(self._display, byref(self._segment))
        self._x.XSync(self._display, 0)
        self._c.shmctl(self._segment.id, REMOVE, None)  # it goes with the last who is attached

    def show(self, pixels: np.ndarray) -> None:
        """Show BGRA ``(height, width, 4)`` of this size."""
        contiguous = np.ascontiguousarray(pixels)
        ctypes.memmove(self._segment.address, contiguous.ctypes.data, contiguous.nbytes)
        self._extension.XShmPutImage(self._display, self._window, self._gc, self._image, 0, 0, 0, 0, *self.size, 0)
        self._x.XSync(self._display, 0)

    def close(self) -> None:
        self._x.XCloseDisplay(self._display)
        self._c.shmdt(self._segment.address)
