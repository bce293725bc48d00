"""Settings of the openspace engine, from environment variables of the render host."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from openspace_server.engines.base import EngineError

DIRECTORY = "OPENSPACE_DIR"
PROFILE = "OPENSPACE_PROFILE"
DISPLAY = "OPENSPACE_DISPLAY"
LAUNCHER = "OPENSPACE_LAUNCHER"
LOADING = "OPENSPACE_LOADING_TIMEOUT"
SYNC = "OPENSPACE_SYNC"
USER = "OPENSPACE_USER"

DEFAULT_LOADING = 900.0


@dataclass(frozen=True)
class OpenSpaceSettings:
    """Read from the environment by :meth:`read`.

    Attributes:
        directory: ``OPENSPACE_DIR``, the folder of the installation or the program in it; None to look for it.
        profile: ``OPENSPACE_PROFILE``, such as ``default``, ``mars``, ``jwst``.
        display: ``OPENSPACE_DISPLAY``, an X display to use instead of a virtual one, such as ``:0``.
        launcher: ``OPENSPACE_LAUNCHER``, words before the command, such as ``vglrun -d egl``.
        loading: ``OPENSPACE_LOADING_TIMEOUT``, seconds until OpenSpace must have loaded its profile.
        sync: ``OPENSPACE_SYNC``, the folder of downloads that all instances share; None for the installation's.
        user: ``OPENSPACE_USER``, the folder with the user's own profiles and assets; None for the installation's.
    """

    directory: Path | None = None
    profile: str = "default"
    display: str | None = None
    launcher: tuple[str, ...] = ()
    loading: float = DEFAULT_LOADING
    sync: Path | None = None
    user: Path | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> OpenSpaceSettings:
        """Raises EngineError for an invalid value."""
        values = os.environ if environment is None else environment

        def folder(name: str) -> Path | None:
            return Path(values[name]).expanduser() if values.get(name) else None

        profile = values.get(PROFILE) or "default"
        if Path(profile).name != profile.replace("\\", "/"):
            raise EngineError(f"{PROFILE}: expected the name of a profile such as default, got {profile!r}")
        try:
            loading = float(values.get(LOADING) or DEFAULT_LOADING)
        except ValueError:
            raise EngineError(f"{LOADING}: expected a number of seconds, got {values[LOADING]!r}") from None
        return cls(
            folder(DIRECTORY),
            profile.removesuffix(".profile"),
            values.get(DISPLAY) or None,
            tuple(shlex.split(values.get(LAUNCHER) or "")),
            loading,
            folder(SYNC),
            folder(USER),
        )
