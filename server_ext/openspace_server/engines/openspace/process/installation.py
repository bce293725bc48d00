"""Discovery of OpenSpace installations, their profiles and versions."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openspace_server.engines.base import EngineError
from openspace_server.engines.openspace.settings import DIRECTORY, PROFILE, OpenSpaceSettings

CONFIGURATION = "openspace.cfg"
STREAMING_CONFIGURATION = "remote_gstreamer_output.json"
OLDEST = (0, 19)
DOWNLOAD = "https://www.openspaceproject.com/installation"

_PROGRAMS = {
    "win32": ("bin/OpenSpace.exe", "bin/RelWithDebInfo/OpenSpace.exe", "bin/Release/OpenSpace.exe"),
    "darwin": ("bin/OpenSpace", "bin/RelWithDebInfo/OpenSpace", "bin/OpenSpace.app/Contents/MacOS/OpenSpace"),
}.get(sys.platform, ("bin/OpenSpace", "bin/RelWithDebInfo/OpenSpace", "bin/Release/OpenSpace"))


@dataclass(frozen=True)
class Installation:
    """A folder with OpenSpace in it, and the program."""

    base: Path
    program: Path

    @property
    def configuration(self) -> Path:
        return self.base / CONFIGURATION

    @property
    def streams(self) -> bool:
        """Whether this is the published streaming build, which sends its second window by itself."""
        return (self.base / "config" / STREAMING_CONFIGURATION).is_file()

    @property
    def version(self) -> str:
        """The version as far as it is known without starting it: by the folder's name or the configuration."""
        named = re.search(r"(?<!\d)(0\.\d+(?:\.\d+)?)(?!\d)", self.base.resolve().name)
        if named:
            return named[1]
        try:
            newer = re.search(r"^Server\s*=", self.configuration.read_text("utf-8", "replace"), re.MULTILINE)
        except OSError:
            return "unknown"
        return "0.22 or later" if newer else "0.21 or earlier"

    def profiles(self, user: Path) -> list[str]:
        """The names of all profiles, the user's own first."""
        folders = (user / "data" / "profiles", self.base / "data" / "profiles")
        return [file.stem for folder in folders for file in sorted(folder.glob("*.profile"))]

    def user_folder(self, settings: OpenSpaceSettings) -> Path:
        return settings.user or self.base / "user"


def find_installation(settings: OpenSpaceSettings) -> Installation:
    """The installation that the settings name, else the first one found on PATH and in the usual places.

    Raises:
        EngineError: there is none, or it is not complete; says where it was looked for and what to do.
    """
    if settings.directory is not None:
        found = _installation(settings.directory)
        if found is None:
            raise EngineError(
                f"{DIRECTORY} is {settings.directory}, but there is no OpenSpace: expected the folder that holds "
                f"{CONFIGURATION} and {_PROGRAMS[0]}"
            )
        return found
    for path in usual_paths():
        found = _installation(path)
        if found is not None:
            return found
    raise EngineError(
        f"OpenSpace was not found on PATH nor in the usual places such as {Path.home() / 'OpenSpace'}: install it "
        f"({DOWNLOAD}) and set {DIRECTORY} to its folder in the render host's environment"
    )


def check_profile(installation: Installation, settings: OpenSpaceSettings) -> None:
    """Raises EngineError, naming the profiles there are, if the configured one is not among them."""
    there = installation.profiles(installation.user_folder(settings))
    if settings.profile not in there:
        known = ", ".join(there[:12]) or "none"
        raise EngineError(
            f"OpenSpace has no profile {settings.profile!r}: there are {known}. Set {PROFILE} in the render host's "
            "environment"
        )


def usual_paths() -> Iterator[Path]:
    """Paths where OpenSpace may be, the likeliest first."""
    for name in ("OpenSpace", "openspace"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path).resolve()
    home = Path.home()
    roots = [home, home / "Applications", home / "Desktop", home / "source"]
    if sys.platform == "win32":
        roots += [Path(os.environ.get("ProgramFiles", r"C:\Program Files")), Path("C:/"), Path("D:/")]  # noqa: SIM112
    elif sys.platform == "darwin":
        roots.append(Path("/Applications"))
    else:
        roots += [Path("/opt"), Path("/usr/local"), Path("/usr/share"), Path("/usr/local/share")]
    for root in roots:
        for pattern in ("OpenSpace", "openspace", "OpenSpace-*", "openspace-*"):
            yield from sorted(root.glob(pattern), reverse=True)


def _installation(path: Path) -> Installation | None:
    """The installation at ``path``, which is its folder, the program, or something in between."""
    for base in (path, *path.parents[:4]):
        if (base / CONFIGURATION).is_file():
            for program in (path, *(base / name for name in _PROGRAMS)):
                if program.is_file() and os.access(program, os.X_OK):
                    return Installation(base, program)
    return None
