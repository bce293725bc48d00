"""The command-line options that every benchmark has."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.harness import report


def parser(description: str | None) -> argparse.ArgumentParser:
    """For the options of one benchmark; ``description`` is its module's text."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def parse(options: argparse.ArgumentParser, **smoke: Any) -> argparse.Namespace:
    """The options as given on the command line. With ``--smoke`` those in ``smoke`` have its values, and the figures
    are kept apart from measured ones."""
    options.add_argument("--smoke", action="store_true", help="the shortest run: shows that it works, measures nothing")
    chosen = options.parse_args()
    if chosen.smoke:
        vars(chosen).update(smoke)
        report.keep_apart("smoke")
    return chosen
