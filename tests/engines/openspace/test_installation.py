"""What is known of an installation of OpenSpace without starting it."""

from __future__ import annotations

from pathlib import Path

import pytest

from openspace_server.engines.openspace.process.installation import CONFIGURATION, Installation


def installation(folder: Path, configuration: str | None = None) -> Installation:
    folder.mkdir()
    if configuration is not None:
        (folder / CONFIGURATION).write_text(configuration)
    return Installation(folder, folder / "bin" / "OpenSpace")


@pytest.mark.parametrize(
    ("name", "configuration", "version"),
    [
        ("OpenSpace-0.21.4", None, "0.21.4"),
        ("openspace_0.20", None, "0.20"),
        ("OpenSpace", "Server = {}\n", "0.22 or later"),
        ("OpenSpace", "Profile = 'default'\n", "0.21 or earlier"),
        ("OpenSpace", None, "unknown"),
        ("OpenSpace-10.21.4", None, "unknown"),
    ],
)
def test_the_version_by_the_folders_name_or_the_configuration(
    tmp_path: Path, name: str, configuration: str | None, version: str
) -> None:
    assert installation(tmp_path / name, configuration).version == version


def test_the_users_own_profiles_come_first(tmp_path: Path) -> None:
    base, user = installation(tmp_path / "OpenSpace"), tmp_path / "user"
    for folder, names in ((base.base, ("default", "mars")), (user, ("lesson",))):
        (folder / "data" / "profiles").mkdir(parents=True)
        for name in names:
            (folder / "data" / "profiles" / f"{name}.profile").touch()
    assert base.profiles(user) == ["lesson", "default", "mars"]
