"""The judgement on coverage: modules that no test executes, and those below the bound."""

from __future__ import annotations

from tools.coverage_report import Module, judge, modules

REPORT = {
    "files": {
        "a/well.py": {"summary": {"num_statements": 10, "covered_lines": 6}},
        "a/badly.py": {"summary": {"num_statements": 10, "covered_lines": 5}},
        "a/never.py": {"summary": {"num_statements": 3, "covered_lines": 0}},
        "a/__init__.py": {"summary": {"num_statements": 0, "covered_lines": 0}},
    }
}


def test_a_module_without_statements_is_none() -> None:
    assert modules(REPORT) == [Module("a/badly.py", 10, 5), Module("a/never.py", 3, 0), Module("a/well.py", 10, 6)]


def test_below_the_bound_a_reason_is_needed_and_nothing_excuses_what_is_never_executed() -> None:
    found = modules(REPORT)
    assert judge(found, {}) == (
        ["a/badly.py: 50 %. No reason is given."],
        ["a/badly.py: 50 %, and coverage_reasons.toml has no reason", "a/never.py: no test executes it"],
    )
    assert judge(found, {"a/badly.py": "It asks the graphics card.", "a/never.py": "It is for Windows."}) == (
        ["a/badly.py: 50 %. It asks the graphics card."],
        ["a/never.py: no test executes it"],
    )


def test_a_reason_for_a_module_that_is_gone_is_told() -> None:
    assert judge([Module("a/well.py", 10, 6)], {"a/gone.py": "x"})[1] == [
        "a/gone.py: named in coverage_reasons.toml, and there is no such module"
    ]
