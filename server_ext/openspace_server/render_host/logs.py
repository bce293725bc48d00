"""Log files of instances (their stderr): one file per instance; old ones are deleted."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

KEPT = 20
_INFO = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ INFO ")
TAIL_BYTES = 8192


def default_log_dir() -> Path:
    """The user's log folder for this program."""
    try:
        from platformdirs import user_log_path
    except ImportError:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "openspace-widget" / "logs"
    return user_log_path("openspace-widget", appauthor=False)


def new_log(directory: Path, slot: int, keep: int = KEPT) -> Path:
    """The path of a fresh log for an instance in ``slot``; older logs beyond the last ``keep`` are deleted.

    Raises:
        OSError: the folder cannot be made or written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    path = directory / f"instance-{slot}-{stamp}-{os.getpid()}.log"
    path.touch(mode=0o600)
    prune(directory, keep)
    return path


def prune(directory: Path, keep: int = KEPT) -> None:
    """Delete all but the ``keep`` most recently written instance logs."""

    def written(path: Path) -> float:
        try:
            return path.stat().st_mtime
        except OSError:
            return 0.0

    for old in sorted(directory.glob("instance-*.log"), key=written, reverse=True)[keep:]:
        old.unlink(missing_ok=True)


def last_line(path: Path) -> str:
    """The last line of a log that may state a cause: neither blank nor of level INFO; ``""`` when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip() and not _INFO.match(line)), "")
