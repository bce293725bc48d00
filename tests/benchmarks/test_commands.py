"""Every module in benchmarks/ is a command with a shortest run; `make bench-smoke` starts them all."""

from __future__ import annotations

import importlib

import pytest

from benchmarks.__main__ import names
from benchmarks.harness import options, report


@pytest.mark.parametrize("name", names())
def test_a_benchmark_is_a_command_with_a_shortest_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Parsed(Exception):
        pass

    def stop(*_: object) -> None:
        raise Parsed

    module = importlib.import_module(f"benchmarks.{name}")
    assert f"python -m benchmarks.{name}" in (module.__doc__ or ""), "its text says how to start it"
    monkeypatch.setattr("sys.argv", [name, "--smoke"])
    monkeypatch.setattr(report, "keep_apart", stop)
    with pytest.raises(Parsed):
        module.main()


def test_the_shortest_run_has_its_own_values_and_results(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = options.parser("What is measured.")
    parser.add_argument("--seconds", type=float, default=8)
    monkeypatch.setattr(report, "_folder", report.RESULTS)
    monkeypatch.setattr("sys.argv", ["command"])
    assert options.parse(parser, seconds=1).seconds == 8
    assert report._folder == report.RESULTS
    parser = options.parser("What is measured.")
    parser.add_argument("--seconds", type=float, default=8)
    monkeypatch.setattr("sys.argv", ["command", "--smoke"])
    assert options.parse(parser, seconds=1).seconds == 1
    assert report._folder == report.RESULTS / "smoke"
