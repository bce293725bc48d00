"""Coverage of the whole suite, module by module: names those below 60 %, with the reasons written for them.

Reads dist/coverage/report.json (``make coverage``) and tests/coverage_reasons.toml. Ends with 1 if a module was
executed by no test, or is below without a reason.
"""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "dist" / "coverage" / "report.json"
REASONS = ROOT / "tests" / "coverage_reasons.toml"
ENOUGH = 60.0
"""Percent of a module's statements."""


@dataclass(frozen=True)
class Module:
    path: str
    statements: int
    executed: int

    @property
    def percent(self) -> float:
        return 100 * self.executed / self.statements


def modules(report: dict[str, Any]) -> list[Module]:
    """Those that have statements at all."""
    found = [
        Module(path.replace("\\", "/"), each["summary"]["num_statements"], each["summary"]["covered_lines"])
        for path, each in sorted(report["files"].items())
    ]
    return [module for module in found if module.statements]


def judge(found: list[Module], reasons: dict[str, str]) -> tuple[list[str], list[str]]:
    """Lines for people, and what is wrong."""
    lines, problems = [], []
    for module in found:
        reason = reasons.get(module.path, "")
        if not module.executed:
            problems.append(f"{module.path}: no test executes it")
        elif module.percent < ENOUGH:
            lines.append(f"{module.path}: {module.percent:.0f} %. {reason or 'No reason is given.'}")
            if not reason:
                problems.append(f"{module.path}: {module.percent:.0f} %, and {REASONS.name} has no reason")
    paths = {module.path for module in found}
    problems += [f"{path}: named in {REASONS.name}, and there is no such module" for path in reasons.keys() - paths]
    return lines, problems


def main() -> int:
    found = modules(json.loads(REPORT.read_text("utf-8")))
    lines, problems = judge(found, tomllib.loads(REASONS.read_text("utf-8"))["below"])
    total = Module("", sum(each.statements for each in found), sum(each.executed for each in found))
    print(f"Coverage: {total.percent:.1f} % of {total.statements} statements in {len(found)} modules.")
    print(f"Below {ENOUGH:.0f} %:", *(lines or ["none"]), sep="\n  ")
    if problems:
        print("Not accepted:", *problems, sep="\n  ")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
