"""Near names: only those that were probably meant, in whatever case they were written."""

from __future__ import annotations

from openspace_server.protocols.suggestions import did_you_mean, near, suggest

BODIES = ["Charon", "Mars", "Moon", "Saturn", "Sun", "Triton", "Tethys", "Titan", "Titania"]


def test_names_much_less_alike_than_the_nearest_are_left_out() -> None:
    assert near("Satrun", BODIES) == ["Saturn"]
    assert near("titn", BODIES) == ["Titan", "Triton"]
    assert near("xyzzy", BODIES) == []
    assert near("", BODIES) == []


def test_a_very_long_name_is_looked_at_only_in_part() -> None:
    assert near("Saturn" + "x" * 10_000_000, BODIES) == []


def test_the_question_reads_well_however_many_there_are() -> None:
    assert did_you_mean(["Mars"]) == "did you mean Mars?"
    assert did_you_mean(["Mars", "Moon"]) == "did you mean Mars or Moon?"
    assert did_you_mean(["Mars", "Moon", "Sun"], before="; ") == "; did you mean Mars, Moon or Sun?"
    assert did_you_mean([], "none is near", before="; ") == "none is near"
    assert suggest("xyzzy", ["Mars", "Moon"]) == "there are Mars, Moon"
    assert suggest("xyzzy", []) == "there are none"
