"""Path tokens of OpenSpace, and the folder that scripts may write to."""

from __future__ import annotations

import os
import re
from pathlib import Path

from openspace_server.engines.base import EngineError
from openspace_server.engines.user_files import UserFile, is_linked, refusal

_TOKEN = re.compile(r"\$\{(\w+)\}")


class Paths:
    """Resolves ``${RECORDINGS}/tour.osrectxt`` and the like.

    Args:
        user: the folder that stands for ``${USER}``; everything a script writes lies in it.
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
        if "\0" in text or len(text) > 4096:
            raise EngineError("not a path")
        return str((self.user / _TOKEN.sub(replaced, text)).absolute())

    def inside(self, text: str, folder: Path | None = None) -> Path:
        """The path ``text`` means, relative to ``folder``. Raises EngineError outside the user folder and for links."""
        plain = "${" not in text and not Path(text).is_absolute()
        path = Path(os.path.normpath(self.resolve(str((folder or self.user) / text) if plain else text)))
        if not path.is_relative_to(self.user):
            raise refusal(self.user, path)
        if is_linked(path):
            raise refusal(self.user, path, "no links")
        return path

    def file(self, text: str, folder: Path | None = None, ending: str = "") -> UserFile:
        """The file ``text`` means, relative to ``folder``, with ``ending`` appended. Raises EngineError as
        :meth:`inside`."""
        path = self.inside(text, folder)
        return UserFile(path.with_name(path.name + ending) if ending else path, self.user)
