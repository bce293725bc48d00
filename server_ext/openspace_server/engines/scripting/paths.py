"""Path tokens of OpenSpace, and the folder that scripts may write to."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from openspace_server.engines.base import EngineError
from openspace_server.engines.user_files import UserFile, is_linked, refusal

MAX_PATH = 4096
"""Characters of a path."""
MAX_NAME_BYTES = 255
"""Of a file's or folder's name, as most file systems have it."""
MAX_FOLDERS = 31
"""From the user folder to a file: who lists and removes them goes into one after the other."""
_TOKEN = re.compile(r"\$\{(\w+)\}")


class Paths:
    """Resolves ``${RECORDINGS}/tour.osrectxt`` and the like.

    Args:
        user: the folder that stands for ``${USER}``; everything that a script writes is below it.
    """

    def __init__(self, user: Path) -> None:
        self.user = user.resolve()
        self._tokens = {
            "USER": self.user,
            "RECORDINGS": self.user / "recordings",
            "SCREENSHOTS": self.user / "screenshots",
            "STARTUP_SCREENSHOT": self.user / "screenshots",
            "TEMPORARY": self.user / "temporary",
        }

    @property
    def recordings(self) -> Path:
        return self._tokens["RECORDINGS"]

    @property
    def screenshots(self) -> Path:
        return self._tokens["SCREENSHOTS"]

    @screenshots.setter
    def screenshots(self, folder: Path) -> None:
        self._tokens["SCREENSHOTS"] = folder

    def resolve(self, text: str) -> str:
        """``text`` with its tokens replaced, absolute. Raises EngineError for an unknown token."""

        def replaced(match: re.Match[str]) -> str:
            folder = self._tokens.get(match[1])
            if folder is None:
                raise EngineError(f"unknown path token ${{{match[1]}}}: there are {', '.join(self._tokens)}")
            return str(folder)

        try:
            os.fsencode(text)
        except UnicodeEncodeError:
            raise EngineError("not a path") from None
        if "\0" in text or len(text) > MAX_PATH:
            raise EngineError("not a path")
        return str((self.user / _TOKEN.sub(replaced, text)).absolute())

    def inside(self, text: str, folder: Path | None = None) -> Path:
        """The path ``text`` means, relative to ``folder``. Raises EngineError outside the user folder and for links."""
        plain = "${" not in text and not Path(text).is_absolute()
        path = Path(os.path.normpath(self.resolve(str((folder or self.user) / text) if plain else text)))
        if not path.is_relative_to(self.user):
            raise refusal(self.user, path)
        _check_lengths(path.relative_to(self.user).parts)
        if is_linked(path):
            raise refusal(self.user, path, "no links")
        return path

    def file(self, text: str, folder: Path | None = None, ending: str = "") -> UserFile:
        """The file ``text`` means, relative to ``folder``, with ``ending`` appended. Raises EngineError as
        :meth:`inside`."""
        path = self.inside(text, folder)
        if ending:
            path = path.with_name(path.name + ending)
            _check_lengths((path.name,))
        return UserFile(path, self.user)


def _check_lengths(parts: Sequence[str]) -> None:
    """Raises EngineError for a path that file systems, or this program, could not handle."""
    if any(len(os.fsencode(part)) > MAX_NAME_BYTES for part in parts):
        raise EngineError(f"the name of a file or folder may have {MAX_NAME_BYTES} bytes")
    if len(parts) > MAX_FOLDERS + 1:
        raise EngineError(f"a file may be {MAX_FOLDERS} folders deep, not {len(parts) - 1}")
