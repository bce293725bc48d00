"""User files: regular files below one folder that scripts and nodes may open, without following links."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from openspace_server.engines.base import EngineError

_STEP_BY_STEP = os.open in os.supports_dir_fd  # not on Windows


def _flags(*names: str) -> int:
    """The flags of :func:`os.open` with these names, as far as this system has them."""
    flags = 0
    for name in names:
        flags |= getattr(os, name, 0)
    return flags


_FILE = _flags("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
_FOLDER = _flags("O_RDONLY", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC")
_NO_FILE = (errno.ELOOP, errno.EMLINK, errno.ENOTDIR, errno.EISDIR, errno.ENXIO)
"""What systems answer for a link, a folder, or a pipe without a reader."""


@dataclass(frozen=True)
class UserFile:
    """A file below a folder that scripts may use, whether it exists or not.

    Its path is checked as text; :meth:`open` and :meth:`create` check what is there. Neither waits for a pipe.

    Attributes:
        path: absolute.
        folder: absolute, without links.

    Raises:
        EngineError: ``path`` is not below ``folder``.
    """

    path: Path
    folder: Path

    def __post_init__(self) -> None:
        if not self.path.is_relative_to(self.folder) or ".." in self.path.parts:
            raise refusal(self.folder, self.path)

    @property
    def name(self) -> str:
        """For messages."""
        return self.path.name

    def open(self, limit: int) -> BinaryIO:
        """Open for reading.

        Raises:
            OSError: it cannot be read.
            EngineError: a link, no regular file, or more than ``limit`` bytes.
        """
        descriptor = self._open(os.O_RDONLY)
        if os.fstat(descriptor).st_size > limit:
            os.close(descriptor)
            raise EngineError(f"{self.name} is too large: files of this kind may have {limit} bytes")
        return os.fdopen(descriptor, "rb")

    def create(self) -> BinaryIO:
        """Open for writing, empty; the folders on the way are made.

        Raises:
            OSError: it cannot be written.
            EngineError: a link, or no regular file.
        """
        descriptor = self._open(os.O_WRONLY | os.O_CREAT)
        os.ftruncate(descriptor, 0)
        return os.fdopen(descriptor, "wb")

    def _open(self, flags: int) -> int:
        try:
            descriptor = self._walk(flags | _FILE) if _STEP_BY_STEP else self._open_at_once(flags | _FILE)
        except OSError as problem:
            if problem.errno in _NO_FILE:
                raise self._no_file() from None
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._no_file()
        return descriptor

    def _walk(self, flags: int) -> int:
        """Open folder after folder, so that no link can be put in between."""
        *folders, name = self.path.relative_to(self.folder).parts or (".",)
        here = os.open(self.folder, _FOLDER)
        try:
            for folder in folders:
                if flags & os.O_CREAT:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(folder, dir_fd=here)
                below = os.open(folder, _FOLDER, dir_fd=here)
                os.close(here)
                here = below
            return os.open(name, flags, 0o666, dir_fd=here)
        finally:
            os.close(here)

    def _open_at_once(self, flags: int) -> int:
        if is_linked(self.path):
            raise self._no_file()
        if flags & os.O_CREAT:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(self.path, flags, 0o666)

    def _no_file(self) -> EngineError:
        return refusal(self.folder, self.path, "only regular files, and no links")


def admitted(value: Any) -> UserFile:
    """The file of a node's table that scripts may use. Raises EngineError for any other value."""
    if not isinstance(value, UserFile):
        raise EngineError(f"scripts can only use files below their own folder, not {str(value)[:200]}")
    return value


def is_linked(path: Path) -> bool:
    """Whether ``path``, which is absolute and normal, leads over a link."""
    return Path(os.path.realpath(path)) != path


def refusal(folder: Path, path: Path, why: str = "") -> EngineError:
    """The error for a file that scripts may not use."""
    return EngineError(f"scripts can only use files below {folder}, not {path}{f': {why}' if why else ''}")
