"""The text of session recordings: what OpenSpace wrote is read, what is written comes back, nonsense is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openspace_server.protocols import session_recording
from openspace_server.protocols.fields import ProtocolError
from openspace_server.protocols.session_recording import CameraLine, CameraPose, Line, ScriptLine, TimeLine, Times
from tests.examples import examples

SAMPLE = """OpenSpace_record/playback01.00A
# a comment
camera 12.5 0.0 839771169.184 1.5 -2.5 3.5 0 0 0 1 1.000000e+00 F Earth
time 12.5 0.0 839771169.184 3600.000 R J
script 12.6 0.1 839771170.184 2 openspace.printInfo("a")
openspace.printInfo("b")
camera 13.5 1.0 839771269.184 2.5 -2.5 3.5 0 0 0 2 1.000000e+00 - Earth
"""


def test_a_file_of_openspace_is_read() -> None:
    lines = session_recording.read(SAMPLE.replace("\n", "\r\n"))
    assert [type(line) for line in lines] == [CameraLine, TimeLine, ScriptLine, CameraLine]
    first, time, script, last = lines
    assert isinstance(first, CameraLine)
    assert first.pose == CameraPose("Earth", (1.5, -2.5, 3.5), (0, 0, 0, 1), True, 1.0)
    assert isinstance(time, TimeLine)
    assert (time.rate, time.paused, time.jump) == (3600, False, True)
    assert isinstance(script, ScriptLine)
    assert script.script.splitlines() == ['openspace.printInfo("a")', 'openspace.printInfo("b")']
    assert isinstance(last, CameraLine)
    assert last.pose.rotation == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must begin with"),
        ("OpenSpace_record/playback01.00B\n\x01", "binary"),
        ("OpenSpace_record/playback01.00A\ncamera 1 2\n", "line 2"),
        (
            "OpenSpace_record/playback01.00A\nfilm 1 2\n",
            "line 2 of .*: unknown kind of line: camera, time and script are known",
        ),
        ("OpenSpace_record/playback01.00A\ncamera 0 0 0 1 2 x 0 0 0 1 1 F Earth\n", "line 2"),
        ("OpenSpace_record/playback01.00A\nscript 0 0 0 9 x\n", "expected the number of lines of a script"),
        ("OpenSpace_record/playback01.00A\ncamera 0 0 nan 1 2 3 0 0 0 1 1 F Earth\n", "finite"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_line(text: str, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        session_recording.read(text)


metres = st.floats(-1e20, 1e20)
times = st.builds(Times, st.floats(0, 1e6), st.floats(0, 1e6), st.floats(-3e10, 3e10))
poses = st.builds(
    CameraPose,
    st.sampled_from(["Earth", "Mars"]),
    st.tuples(metres, metres, metres),
    st.just((0.5, 0.5, -0.5, 0.5)),
    st.booleans(),
    st.just(1.0),
)
scripts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1).filter(
    lambda t: t.strip() == t
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.one_of(st.builds(CameraLine, times, poses), st.builds(ScriptLine, times, scripts))))
def test_what_is_written_is_read_back(lines: list[Line]) -> None:
    back = session_recording.read("".join(session_recording.write(lines)))
    assert len(back) == len(lines)
    for one, other in zip(lines, back, strict=True):
        assert other.times.simulation == pytest.approx(one.times.simulation, abs=1e-3)
        if isinstance(one, CameraLine) and isinstance(other, CameraLine):
            assert other.pose.position == pytest.approx(one.pose.position, rel=1e-15, abs=1e-7)
            assert (other.pose.focus, other.pose.follows_rotation) == (one.pose.focus, one.pose.follows_rotation)
        elif isinstance(one, ScriptLine) and isinstance(other, ScriptLine):
            assert other.script.split() == one.script.split()
