"""Offscreen canvases on Panda3D's graphics pipes: a real GPU where one answers, else the software pipe."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from panda3d import core

from openspace_server.engines.base import EngineError

# Panda's messages go to stderr (stdout belongs to the process that runs us), and only errors.
core.load_prc_file_data(
    "openspace-embedded",
    "notify-output stderr\nnotify-level error\nnotify-level-x11display fatal\nnotify-level-egldisplay fatal\n"
    "notify-level-glxdisplay fatal\nnotify-level-wgldisplay fatal\nnotify-level-windisplay fatal\n"
    "notify-level-loader fatal\nnotify-level-dtool fatal\nprint-pipe-types false\naudio-library-name null\n"
    "sync-video false\ntextures-power-2 down\nclock-mode limited\nclock-frame-rate 100000\nwindow-type offscreen\n"
    "load-display p3tinydisplay\nmodel-cache-dir\ntext-minfilter nearest\ntext-magfilter nearest\ngl-debug false\n",
)

_SOFTWARE_GL = ("llvmpipe", "softpipe", "swiftshader", "software", "gdi generic")
_NO_X11 = (
    "the software renderer needs the library libX11.so.6, which is not installed: "
    "run `sudo apt-get install libx11-6` (Debian, Ubuntu) or `sudo dnf install libX11` (Fedora, RHEL)"
)


_FLAGS = core.GraphicsPipe.BF_refuse_window | core.GraphicsPipe.BF_resizeable


@dataclass(frozen=True)
class Probe:
    """The graphics pipe of this machine. ``problem`` is empty when there is one, else it says what to do."""

    pipe: str
    renderer: str
    gpu: bool
    problem: str = ""


def probe() -> Probe:
    """Find out what would draw, without keeping anything open; prints nothing."""
    try:
        canvas = Canvas(64, 64)
    except EngineError as error:
        return Probe("", "", False, str(error))
    found = canvas.probe
    canvas.close()
    return found


def _gpu_may_exist() -> bool:
    """Whether asking a GL driver is worth the time (and its messages)."""
    if not sys.platform.startswith("linux"):
        return True
    devices = Path("/dev")
    if not any(any(devices.glob(pattern)) for pattern in ("dri/renderD*", "dri/card*", "nvidia[0-9]*")):
        return False
    return all(_loads(library) for library in ("libEGL.so.1", "libGL.so.1"))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _forced() -> str:
    """The pipe that the environment requires, for tests and for machines where the probe is wrong."""
    return os.environ.get("OPENSPACE_EMBEDDED_PIPE", "")


def _pipe_names() -> list[str]:
    if _forced():
        return [_forced()]
    gl = ["p3headlessgl" if sys.platform.startswith("linux") else "pandagl"] if _gpu_may_exist() else []
    return [*gl, "p3tinydisplay"]


def _make_pipe(name: str) -> Any:
    selection = core.GraphicsPipeSelection.get_global_ptr()
    if name == "p3tinydisplay":
        # The module's first choice wants an X server, and reports an error if it is refused; the other does not.
        selection.load_aux_modules()
        for i in range(selection.get_num_pipe_types()):
            if selection.get_pipe_type(i).get_name() == "TinyOffscreenGraphicsPipe":
                return selection.make_pipe(selection.get_pipe_type(i))
    return selection.make_module_pipe(name)


class Canvas:
    """An offscreen buffer that can be read as an array. ``buffer`` takes display regions.

    Raises EngineError that says what to do when nothing can draw.
    """

    def __init__(self, width: int, height: int) -> None:
        self.engine: Any = None
        self._shared = False
        problem = ""
        for name in _pipe_names():
            if name == "p3tinydisplay" and sys.platform.startswith("linux") and not _loads("libX11.so.6"):
                problem = _NO_X11
                continue
            if self._open(name, width, height):
                return
            problem = f"Panda3D's {name} could not create a buffer of {width} x {height} pixels"
        raise EngineError(problem or "no Panda3D graphics pipe can be loaded; reinstall panda3d")

    def _open(self, name: str, width: int, height: int) -> bool:
        pipe = _make_pipe(name)
        if pipe is None or not pipe.is_valid():
            return False
        software = name == "p3tinydisplay"
        engine = core.GraphicsEngine(pipe)
        properties = core.FrameBufferProperties()
        properties.set_rgba_bits(8, 8, 8, 8)
        properties.set_depth_bits(1)
        if not software:
            properties.set_multisamples(4)
        buffer = engine.make_output(pipe, "frame", 0, properties, core.WindowProperties.size(width, height), _FLAGS)
        if buffer is None:
            return False
        engine.open_windows()
        gsg = buffer.get_gsg()
        renderer = "Panda3D software renderer" if software else gsg.get_driver_renderer()
        if not software and not _forced() and any(word in renderer.lower() for word in _SOFTWARE_GL):
            # A software GL draws no faster than the software pipe and uses every core.
            engine.remove_all_windows()
            return False
        self.engine, self._pipe, self._properties = engine, pipe, properties
        self.probe = Probe(name, renderer, not software)
        self._attach(buffer)
        return True

    def _attach(self, buffer: Any) -> None:
        self.buffer = buffer
        self.texture = core.Texture("frame")
        self.texture.set_format(core.Texture.F_rgba)
        buffer.add_render_texture(self.texture, core.GraphicsOutput.RTM_copy_ram)
        buffer.set_clear_color((0, 0, 0, 1))
        buffer.set_clear_depth_active(True)

    def make_second(self, width: int, height: int) -> Canvas:
        """A second canvas that shares textures and meshes with this one. Raises EngineError."""
        size = core.WindowProperties.size(width, height)
        buffer = self.engine.make_output(
            self._pipe, "still", 1, self._properties, size, _FLAGS, self.buffer.get_gsg(), self.buffer
        )
        if buffer is None:
            raise EngineError(f"{self.probe.renderer} cannot create a second buffer of {width} x {height} pixels")
        other = Canvas.__new__(Canvas)
        other.engine, other._pipe, other._properties = self.engine, self._pipe, self._properties
        other.probe, other._shared = self.probe, True
        other._attach(buffer)
        return other

    def look_through(self, camera: Any) -> None:
        """Show what ``camera`` (a NodePath) sees."""
        self.buffer.make_display_region().set_camera(camera)

    def set_active(self, active: bool) -> None:
        """Whether the next drawing includes this canvas."""
        self.buffer.set_active(active)

    def resize(self, width: int, height: int) -> None:
        if (self.buffer.get_x_size(), self.buffer.get_y_size()) != (width, height):
            self.buffer.set_size(width, height)

    def render(self, width: int, height: int) -> np.ndarray:
        """Draw; uint8 ``(height, width, 4)`` BGRA, top row first, alpha of no meaning: a view that the next call
        overwrites."""
        for _ in range(2):  # a GL pipe may take one more frame to adopt a new size
            self.engine.render_frame()
            # Panda keeps every state it ever saw until it is asked to collect those that are not used.
            core.TransformState.garbage_collect()
            core.RenderState.garbage_collect()
            raw = np.frombuffer(self.texture.get_ram_image(), np.uint8)
            if raw.size == width * height * 4:
                return raw.reshape(height, width, 4)[::-1]
        raise EngineError(f"the renderer did not return a frame of {width} x {height} pixels")

    def close(self) -> None:
        if self.engine is not None:
            if self._shared:
                self.engine.remove_window(self.buffer)
            else:
                self.engine.remove_all_windows()
            self.engine = None
