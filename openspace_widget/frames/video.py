"""Video files: written frame by frame under the name of a partial file, and shown in a cell."""

from __future__ import annotations

import base64
import contextlib
import html
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

import av
import numpy as np

from openspace_widget.errors import ArgumentError
from openspace_widget.frames.frame import png

EMBEDDED_BYTES = 32 * 1024 * 1024
"""Larger files are linked, not put into the notebook."""


@dataclass(frozen=True)
class Quality:
    """Constant rate factors of H.264 and VP9 (lower is better), and how hard the encoders try."""

    h264: int
    vp9: int
    preset: str
    speed: int


QUALITIES = {
    "draft": Quality(26, 40, "ultrafast", 8),
    "good": Quality(18, 30, "veryfast", 7),
    "best": Quality(12, 20, "medium", 2),
}


def quality_of(quality: str | int) -> Quality:
    """Raises ArgumentError."""
    if isinstance(quality, int) and not isinstance(quality, bool) and 0 <= quality <= 51:
        return Quality(quality, quality, "veryfast", 7)
    if quality not in QUALITIES:
        raise ArgumentError(f"quality: expected {', '.join(QUALITIES)} or a rate factor from 0 to 51, got {quality!r}")
    return QUALITIES[str(quality)]


@dataclass(frozen=True)
class Format:
    """A kind of file: PyAV's container and codec, and the pixels that its writer takes."""

    container: str
    codec: str
    pixels: str
    mime: str


FORMATS = {
    ".mp4": Format("mp4", "libx264", "i420", "video/mp4"),
    ".mkv": Format("matroska", "libx264", "i420", "video/x-matroska"),
    ".webm": Format("webm", "libvpx-vp9", "i420", "video/webm"),
    ".gif": Format("gif", "gif", "rgb", "image/gif"),
    ".apng": Format("apng", "apng", "rgb", "image/apng"),
    ".png": Format("", "png", "rgb", "image/png"),
}
"""By ending."""


@dataclass(frozen=True)
class Target:
    """Where a video goes. ``path`` is the file, or the folder of a sequence, whose files are called ``pattern``."""

    path: Path
    partial: Path
    format: Format
    pattern: str = ""

    @property
    def pixels(self) -> str:
        return self.format.pixels


def target(path: str | PathLike[str], size: tuple[int, int], overwrite: bool) -> Target:
    """Where to write. Raises ArgumentError, FileExistsError, FileNotFoundError."""
    text = str(path)
    file = Path(path).expanduser()
    if text.endswith(("/", "\\")) or (file.suffix.lower() == ".png"):
        found = _sequence(text, file)
    elif file.suffix.lower() not in FORMATS:
        raise ArgumentError(
            f"path: expected a name ending in {', '.join(FORMATS)}, or a folder ending in /, got {text!r}"
        )
    else:
        found = Target(file, file.with_name(f"{file.stem}.partial{file.suffix}"), FORMATS[file.suffix.lower()])
    if found.pixels == "i420" and (size[0] % 2 or size[1] % 2):
        raise ArgumentError(f"size: video needs even sides, got {size[0]} x {size[1]}")
    parent_of(found.path)
    if found.path.exists() and not overwrite:
        raise FileExistsError(f"{found.path} is there already; overwrite=True replaces it")
    return found


def parent_of(path: Path) -> Path:
    """The folder that ``path`` is to be in. Raises FileNotFoundError if there is none."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} to write {path.name} into")
    return path.parent


def _sequence(text: str, file: Path) -> Target:
    if text.endswith(("/", "\\")):
        return Target(file, file.with_name(f"{file.name}.partial"), FORMATS[".png"], "%06d.png")
    if not re.search(r"%0?\d*d", file.name) or file.name.count("%") != 1:
        raise ArgumentError(
            f"path: one image per frame needs a number in its name, such as 'frames/%05d.png', got {text!r}"
        )
    folder = file.parent
    if folder == Path():
        raise ArgumentError(f"path: images go into a folder of their own, such as 'frames/{file.name}'")
    return Target(folder, folder.with_name(f"{folder.name}.partial"), FORMATS[".png"], file.name)


class Writer(ABC):
    """Takes pixels as the format wants them: RGB ``(height, width, 3)`` or I420 ``(height * 3 / 2, width)``, uint8."""

    @abstractmethod
    def add(self, pixels: np.ndarray) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Finish the file, so that it can be played as far as it came."""


class VideoWriter(Writer):
    """One file through PyAV."""

    def __init__(self, file: Path, format: Format, fps: float, size: tuple[int, int], quality: Quality) -> None:
        options = {"movflags": "+faststart"} if format.container == "mp4" else {}
        options |= {"loop": "0"} if format.codec == "gif" else {"plays": "0"} if format.codec == "apng" else {}
        self._rate = Fraction(fps).limit_denominator(1001 * 60)
        self._format = format
        self._container = av.open(str(file), "w", format=format.container, options=options)
        self._stream: Any
        try:
            self._stream = self._container.add_stream(format.codec, rate=self._rate)
        except Exception as problem:
            self._container.close()
            raise ArgumentError(f"this installation of PyAV cannot encode {format.codec}: {problem}") from None
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = {"i420": "yuv420p", "rgb": "rgb24"}[format.pixels]
        self._graph: Any = None
        self._count = 0
        match format.codec:
            case "libx264":
                self._stream.options = {"crf": str(quality.h264), "preset": quality.preset}
            case "libvpx-vp9":
                self._stream.bit_rate = 0
                tuned = {"deadline": "good" if quality.speed < 5 else "realtime", "cpu-used": str(quality.speed)}
                self._stream.options = {"crf": str(quality.vp9), "row-mt": "1", **tuned}
            case "gif":
                self._stream.pix_fmt = "pal8"
                self._graph = _palette(size, self._rate)

    def add(self, pixels: np.ndarray) -> None:
        kind = "yuv420p" if self._format.pixels == "i420" else "rgb24"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=kind)
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        if self._graph is not None:
            self._graph.push(frame)
            frame = self._graph.pull()
        self._mux(frame)

    def close(self) -> None:
        try:
            if self._count:
                self._mux(None)
        finally:
            self._container.close()

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def _palette(size: tuple[int, int], rate: Fraction) -> Any:
    """A palette of its own for each frame: GIF has 256 colours at a time."""
    graph: Any = av.filter.Graph()
    source = graph.add_buffer(width=size[0], height=size[1], format="rgb24", time_base=1 / rate)
    split, palette = graph.add("split"), graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    use, sink = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


class SequenceWriter(Writer):
    """A folder of images, numbered from 0."""

    def __init__(self, folder: Path, pattern: str) -> None:
        folder.mkdir()
        self._folder, self._pattern, self._count = folder, pattern, 0

    def add(self, pixels: np.ndarray) -> None:
        (self._folder / (self._pattern % self._count)).write_bytes(png(pixels))
        self._count += 1

    def close(self) -> None:
        pass


@contextlib.contextmanager
def open_writer(to: Target, fps: float, size: tuple[int, int], quality: Quality) -> Iterator[Writer]:
    """Write to ``to.partial``; it gets its name when all went well, and is left as it is, but closed, when not."""
    _remove(to.partial)
    writer: Writer
    if to.pattern:
        writer = SequenceWriter(to.partial, to.pattern)
    else:
        writer = VideoWriter(to.partial, to.format, fps, size, quality)
    try:
        yield writer
    except BaseException as problem:
        with contextlib.suppress(Exception):
            writer.close()
        if to.partial.exists():
            problem.add_note(f"what was done until then is in {to.partial}")
        raise
    writer.close()
    _remove(to.path)
    to.partial.rename(to.path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Video:
    """A finished video file, or folder of images: ``path``, number of ``frames``, ``fps``, and ``size`` in pixels.

    In a cell it shows itself: small files are put into the notebook, large ones are linked.
    """

    path: Path
    frames: int
    fps: float
    size: tuple[int, int]

    @property
    def seconds(self) -> float:
        """Its duration."""
        return self.frames / self.fps

    def _repr_html_(self) -> str:
        if self.path.is_dir():
            return f"<code>{html.escape(str(self.path))}</code>: {self.frames} images of {self._sides()}"
        mime = FORMATS[self.path.suffix.lower()].mime
        if self.path.stat().st_size > EMBEDDED_BYTES:
            link = html.escape(str(self.path))
            return f'<a href="{link}">{link}</a>: {self.frames} frames of {self._sides()}, {self.seconds:g} s'
        data = f"data:{mime};base64,{base64.b64encode(self.path.read_bytes()).decode()}"
        style = f"max-width: 100%; aspect-ratio: {self.size[0]} / {self.size[1]}"
        if mime.startswith("image/"):
            return f'<img src="{data}" style="{style}" alt="{html.escape(self.path.name)}">'
        return f'<video src="{data}" width="{self.size[0]}" style="{style}" controls loop></video>'

    def _sides(self) -> str:
        return f"{self.size[0]} × {self.size[1]} pixels"

    def __repr__(self) -> str:
        return f"<Video {self.path}: {self.frames} frames of {self._sides()}, {self.fps:g} per second>"
