"""Files that scripts name: what is admitted, what is opened, and that no message quotes what they hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openspace_server.engines.base import EngineError
from openspace_server.engines.embedded import EmbeddedEngine
from openspace_server.engines.embedded.points import files as point_files
from openspace_server.engines.embedded.points.node import read_file
from openspace_server.engines.scripting.sandbox import LuaError
from openspace_server.engines.scripting.script_host import ScriptHost
from openspace_server.engines.user_files import UserFile

SECRET = "knOGNSLpkISuqGGB0csXOpetnZOghAtwNO8b6umRFTo="
WHY = ": only regular files, and no links"

ScriptOf = Callable[[str], str]


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A user folder with a secret next to it, and everything in it that must not be opened."""
    folder = tmp_path / "user"
    (folder / "real").mkdir(parents=True)
    (folder / "real" / "points.csv").write_text("x,y,z\n1,2,3\n")
    (tmp_path / "secret").write_text(SECRET)
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "inner").symlink_to(folder / "real" / "points.csv")
    (folder / "way").symlink_to(folder / "real")
    return folder


@pytest.fixture
def script_host(engine: EmbeddedEngine, user: Path) -> Iterator[ScriptHost]:
    script_host = ScriptHost(engine, user)
    yield script_host
    script_host.close()


def refused(script_host: ScriptHost, script: str) -> str:
    """The reason of the error that ``script`` ends with."""
    with pytest.raises(LuaError) as caught:
        script_host.run_script(script)
    return str(caught.value)


def points(path: str) -> str:
    node = f"{{Identifier = 'Cloud', Renderable = {{Type = 'RenderablePointCloud', File = '{path}'}}}}"
    return f"openspace.addSceneGraphNode({node})"


def color_map(path: str) -> str:
    mapping = f"Coloring = {{ColorMapping = {{Parameter = 'x', File = '{path}'}}}}"
    renderable = f"Type = 'RenderablePointCloud', File = '${{USER}}/real/points.csv', {mapping}"
    return f"openspace.addSceneGraphNode({{Identifier = 'Cloud', Renderable = {{{renderable}}}}})"


def texture(path: str) -> str:
    return f"openspace.addSceneGraphNode({{Identifier = 'Cloud', Textures = {{Color = '{path}'}}}})"


def playback(path: str) -> str:
    return f"openspace.sessionRecording.startPlayback('{path}')"


def load(path: str) -> str:
    return f"openspace.navigation.loadNavigationState('{path}')"


def save(path: str) -> str:
    return f"openspace.navigation.saveNavigationState('{path}')"


def screenshots(path: str) -> str:
    return f"openspace.setScreenshotFolder('{path}')"


def exists(path: str) -> str:
    return f"openspace.fileExists('{path}')"


OUTSIDE = (
    "/etc/passwd",
    "/dev/zero",
    "/proc/self/environ",
    "../../secret",
    "${USER}/../secret",
    "${RECORDINGS}/../../x",
)


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("script_of", [points, color_map, texture, playback, load, save, screenshots, exists])
def test_no_script_leaves_the_user_folder(script_host: ScriptHost, user: Path, script_of: ScriptOf, path: str) -> None:
    assert f"scripts can only use files below {user}, not /" in refused(script_host, script_of(path))
    assert not script_host.added


@pytest.mark.parametrize("name", ["link", "zero", "inner", "way/points.csv"])
@pytest.mark.parametrize("script_of", [points, color_map, texture, playback, load, save, screenshots, exists])
def test_no_script_follows_a_link(script_host: ScriptHost, user: Path, script_of: ScriptOf, name: str) -> None:
    why = f"scripts can only use files below {user}, not {user}/{name}: no links"
    assert why in refused(script_host, script_of(f"${{USER}}/{name}"))


@pytest.mark.parametrize("script_of", [points, color_map])
@pytest.mark.timeout(20)
def test_a_pipe_stops_nothing(script_host: ScriptHost, user: Path, script_of: ScriptOf) -> None:
    why = f"scripts can only use files below {user}, not {user}/pipe{WHY}"
    assert why in refused(script_host, script_of("${USER}/pipe"))


@pytest.mark.timeout(20)
def test_pipes_under_the_names_of_other_files_stop_nothing(script_host: ScriptHost, user: Path) -> None:
    (user / "recordings").mkdir()
    (user / "screenshots").mkdir()
    for name in ("recordings/a.osrectxt", "a.navstate", "screenshots/OpenSpace_000000.png"):
        os.mkfifo(user / name)
    script_host.engine.draw(0.0)
    for script, name in (
        (playback("a"), "recordings/a.osrectxt"),
        (load("a"), "a.navstate"),
        (save("a"), "a.navstate"),
        ("openspace.takeScreenshot()", "screenshots/OpenSpace_000000.png"),
        (
            "openspace.sessionRecording.startRecording()openspace.sessionRecording.stopRecording('a', 'Ascii', true)",
            "recordings/a.osrectxt",
        ),
    ):
        assert f"scripts can only use files below {user}, not {user}/{name}{WHY}" in refused(script_host, script)


def test_a_file_next_to_the_user_folder_is_not_written(script_host: ScriptHost, user: Path) -> None:
    outside = user.with_name("user.navstate")
    assert f"scripts can only use files below {user}, not {outside}" in refused(script_host, save("${USER}"))
    assert not outside.exists()


def test_files_below_the_user_folder_are_read(script_host: ScriptHost) -> None:
    script_host.run_script(points("${USER}/real/points.csv"))
    script_host.run_script("openspace.removeSceneGraphNode('Cloud')" + points("real/points.csv"))
    script_host.run_script("openspace.removeSceneGraphNode('Cloud')")


def test_a_path_in_a_menu_is_no_file(script_host: ScriptHost) -> None:
    script_host.run_script("openspace.addSceneGraphNode({Identifier = 'Cloud', GUI = {Path = '/Points'}})")
    script_host.run_script("openspace.removeSceneGraphNode('Cloud')")


def test_what_is_no_text_of_a_file_system_is_no_path(script_host: ScriptHost) -> None:
    with pytest.raises(EngineError, match=r"^not a path$"):
        script_host.paths.file("\ud800")


def directory(path: str) -> str:
    return f"openspace.directoryExists('{path}')"


def recording(path: str) -> str:
    record = "openspace.sessionRecording"
    return f"{record}.startRecording() {record}.stopRecording('{path}')"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a" * 256, "the name of a file or folder may have 255 bytes"),
        ("é" * 128 + "/x", "the name of a file or folder may have 255 bytes"),
        ("a/" * 32 + "x", "a file may be 31 folders deep, not 32"),
    ],
)
@pytest.mark.parametrize("script_of", [points, playback, load, save, screenshots, exists, directory, recording])
def test_names_and_folders_that_could_not_be_handled_are_no_paths(
    script_host: ScriptHost, user: Path, script_of: ScriptOf, path: str, reason: str
) -> None:
    folder = "${RECORDINGS}/" if "name" in reason else "${USER}/"
    assert refused(script_host, script_of(folder + path)).endswith(reason)
    assert not (user / "a").exists()


def test_an_ending_makes_no_name_too_long(script_host: ScriptHost) -> None:
    for script_of in (save, load, playback, recording):
        assert refused(script_host, script_of("a" * 250)).endswith("the name of a file or folder may have 255 bytes")


@pytest.mark.parametrize("name", ["pipe", "link", "zero", "inner", "way/points.csv", "real", "."])
@pytest.mark.timeout(20)
def test_what_was_put_there_after_the_check_is_not_opened(user: Path, name: str) -> None:
    file = UserFile(user / name, user)
    reason = f"scripts can only use files below {user}, not {user / name}{WHY}"
    for opened in (lambda: file.open(1000), file.create):
        with pytest.raises(EngineError) as caught:
            opened()
        assert str(caught.value) == reason
    assert (user.parent / "secret").read_text() == SECRET


def test_systems_that_open_no_file_by_its_folder_follow_no_links_either(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openspace_server.engines.user_files._STEP_BY_STEP", False)
    for name in ("link", "way/points.csv", "pipe"):
        with pytest.raises(EngineError, match="only regular files, and no links"):
            UserFile(user / name, user).open(1000)
    with UserFile(user / "new" / "file", user).create() as out:
        out.write(b"some")
    with UserFile(user / "new" / "file", user).open(4) as content:
        assert content.read() == b"some"


def test_a_file_is_written_whole_and_its_folders_are_made(user: Path) -> None:
    file = UserFile(user / "a" / "b" / "c", user)
    for text in (b"longer", b"short"):
        with file.create() as out:
            out.write(text)
    with file.open(5) as content:
        assert content.read() == b"short"
    with pytest.raises(EngineError) as caught:
        file.open(4)
    assert str(caught.value) == "c is too large: files of this kind may have 4 bytes"


@pytest.mark.parametrize(
    ("name", "limit"), [("large.csv", point_files.LARGEST), ("large.cmap", point_files.LARGEST_MAP)]
)
def test_files_are_read_up_to_a_size(user: Path, name: str, limit: int) -> None:
    with (user / name).open("wb") as out:
        out.truncate(limit + 1)
    file = UserFile(user / name, user)
    with pytest.raises(EngineError) as caught:
        point_files.read_color_map(file) if name.endswith("cmap") else point_files.read(file, {})
    assert str(caught.value) == f"{name} is too large: files of this kind may have {limit} bytes"


@pytest.mark.parametrize("ending", ["csv", "speck"])
def test_more_lines_than_points_can_be_shown_are_not_read(
    user: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(point_files, "_MOST_LINES", 3)
    text = "x,y,z\n" + "1,2,3\n" * 3 if ending == "csv" else "1 2 3\n" * 4
    (user / f"many.{ending}").write_text(text)
    with pytest.raises(EngineError) as caught:
        point_files.read(UserFile(user / f"many.{ending}", user), {})
    reason = "there are more lines than the 20000000 points that can be shown"
    assert str(caught.value) == f"many.{ending} does not hold points: {reason}"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", SECRET, "there is no column 'x': DataMapping names the columns of positions (X, Y, Z)"),
        ("a.csv", f"x,y,z\n1,2,3\n1,{SECRET},3\n", "line 3 lacks a number in one of the columns"),
        ("a.csv", f"x,y,z\n1,2,3\n'{SECRET}\n", "line 3 lacks a number in one of the columns"),
        ("a.csv", "a" * 200_000, "the header is not CSV"),
        ("a.speck", f"1 2 3\n1 2 {SECRET}\n", "line 2 has something else than numbers"),
        ("a.speck", f"{SECRET}\n", "no rows of x y z"),
        ("a.speck", "1 2\n", "no rows of x y z"),
    ],
)
def test_no_message_quotes_a_file_of_points(user: Path, name: str, content: str, reason: str) -> None:
    (user / name).write_text(content)
    with pytest.raises(EngineError) as caught:
        point_files.read(UserFile(user / name, user), {})
    assert str(caught.value) == f"{name} does not hold points: {reason}"


def test_no_message_quotes_bytes_that_are_no_text(user: Path) -> None:
    (user / "a.csv").write_bytes(b"x,y,z\n1,2,3\n\xff,1,2\n")
    with pytest.raises(EngineError) as caught:
        point_files.read(UserFile(user / "a.csv", user), {})
    assert str(caught.value) == "a.csv cannot be read: it is not UTF-8 text"


def test_no_message_quotes_a_color_map(user: Path) -> None:
    (user / "a.cmap").write_text(f"1\n1 2 {SECRET}\n")
    with pytest.raises(EngineError) as caught:
        point_files.read_color_map(UserFile(user / "a.cmap", user))
    assert str(caught.value) == "the colour map a.cmap cannot be read: a colour is three or four numbers"


def test_no_message_quotes_the_columns_of_a_file(engine: EmbeddedEngine, user: Path) -> None:
    (user / "a.csv").write_text(f"x,y,z,{SECRET}\n1,2,3,4\n")
    renderable = {"Type": "RenderablePointCloud", "File": UserFile(user / "a.csv", user)}
    assert list(read_file(renderable).columns) == [SECRET]
    engine.add_node({"Identifier": "Cloud", "Renderable": renderable})
    try:
        engine.update_points("Cloud", colors=None)
        with pytest.raises(EngineError) as caught:
            engine.color_points("Cloud", {"Parameter": "mass", "Colors": [[1, 0, 0]]})
        assert str(caught.value) == "the points have no column 'mass': see the first lines of their file"
    finally:
        engine.remove_node("Cloud")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SECRET, "cannot be read: it is not JSON"),
        ("[" * 90_000, "cannot be read: it is not JSON"),
        (f'["{SECRET}"]', "holds no navigation state"),
        (f'{{"{SECRET}": 1}}', "holds no navigation state of this scene"),
        (f'{{"Anchor": "{SECRET}", "Position": [1, 2, 3]}}', "holds no navigation state of this scene"),
        (f'{{"Anchor": "Mars", "Position": "{SECRET}"}}', "holds no navigation state of this scene"),
        (" " * 100_001, "is too large: files of this kind may have 100000 bytes"),
    ],
)
def test_no_message_quotes_a_navigation_state(script_host: ScriptHost, user: Path, content: str, reason: str) -> None:
    (user / "a.navstate").write_text(content)
    message = refused(script_host, load("a"))
    assert f"a.navstate {reason}" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SECRET, "not an OpenSpace session recording: it must begin with OpenSpace_record/playback"),
        (f"{SECRET} 0 0 0", "line 2 of the session recording: unknown kind of line: camera, time and script are known"),
        (f"time {SECRET} 0 0 1 P J", "line 2 of the session recording: expected a finite number"),
        (
            f"script 0 0 0 {SECRET} x",
            "line 2 of the session recording: expected the number of lines of a script, 1 to ",
        ),
        (
            f"camera 0 0 0 1 2 3 0 0 0 1 1 - {SECRET}",
            "the session recording follows a node that is not in this scene, 0.0 s in",
        ),
        (
            f"camera 0 0 0 1 2 3 0 0 0 1 1 {SECRET} Earth",
            "line 2 of the session recording: expected F or - before the focus",
        ),
    ],
)
def test_no_message_quotes_a_recording(script_host: ScriptHost, user: Path, content: str, reason: str) -> None:
    (user / "recordings").mkdir()
    head = "" if content == SECRET else "OpenSpace_record/playback01.00A\n"
    (user / "recordings" / "a.osrectxt").write_text(head + content)
    message = refused(script_host, playback("a"))
    assert reason in message
    assert SECRET not in message


def test_no_log_quotes_a_recording_that_is_played(script_host: ScriptHost, user: Path) -> None:
    (user / "recordings").mkdir()
    lines = [f"camera 0 {at} 0 1e8 0 0 0 0 0 1 1 - {focus}" for at, focus in ((0, "Earth"), (1, SECRET))]
    (user / "recordings" / "a.osrectxt").write_text("\n".join(("OpenSpace_record/playback01.00A", *lines)))
    script_host.run_script(playback("a"))
    script_host.advance(2.0)
    logged = [entry.message for entry in script_host.log.collect()]
    assert logged == ["the session recording follows a node that is not in this scene, 2.0 s in"]


def test_an_engine_takes_no_path_that_was_not_checked(engine: EmbeddedEngine, user: Path) -> None:
    path = str(user / "real" / "points.csv")
    colored = {"ColorMapping": {"Parameter": "x", "File": path}}
    for renderable in ({"File": path}, {"File": UserFile(Path(path), user), "Coloring": colored}):
        with pytest.raises(EngineError) as caught:
            engine.add_node({"Identifier": "Cloud", "Renderable": {"Type": "RenderablePointCloud", **renderable}})
        assert str(caught.value) == f"scripts can only use files below their own folder, not {path}"


def test_rows_of_a_speck_file_are_as_wide_as_the_narrowest(user: Path) -> None:
    (user / "a.speck").write_text("datavar 0 mass\n1 2 3 4 5\n6 7 8 9\n1 2 3 4 5 6\n")
    data = point_files.read(UserFile(user / "a.speck", user), {})
    assert data.positions.tolist() == [[1, 2, 3], [6, 7, 8], [1, 2, 3]]
    assert {name: column.tolist() for name, column in data.columns.items()} == {"mass": [4, 9, 4]}
