"""Help texts of the command line and of the server extension's settings."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

import pytest

from openspace_server.cli.main import build_parser, main
from openspace_server.jupyter.app import OpenSpaceExtension

AVOIDED = re.compile(
    r"\b(whoever|somebody|nobody|everybody|anew|beside|lies|lets go of|goes on|go on|picture|pictures|place|told)\b"
)
"""Words that CONTRIBUTING.md asks to avoid."""


def help_of(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, str]]:
    """All help texts below ``parser``, by command and option."""
    for action in parser._actions:
        option = "/".join(action.option_strings) or action.dest
        if not isinstance(action, argparse._SubParsersAction):
            yield f"{name} {option}", action.help or ""
        else:
            for choice in action._choices_actions:
                yield f"{name} {choice.dest}", choice.help or ""
            for command, below in action.choices.items():
                yield from help_of(below, f"{name} {command}")


TEXTS = dict(help_of(build_parser(), "openspace-widget"))
SETTINGS = {name: trait.help for name, trait in OpenSpaceExtension.class_own_traits(config=True).items()}


@pytest.mark.parametrize("texts", [TEXTS, SETTINGS], ids=["command line", "settings"])
def test_help_uses_plain_words(texts: dict[str, str]) -> None:
    assert len(texts) > 30
    assert {name: text for name, text in texts.items() if AVOIDED.search(text)} == {}


def test_every_setting_and_option_has_a_help() -> None:
    assert {name for name, text in TEXTS.items() if not text} == set()
    assert {name for name, text in SETTINGS.items() if not text.endswith(".")} == set()


def test_some_texts_whole() -> None:
    assert SETTINGS["warm"] == "Number of idle sessions kept running so that new ones start immediately."
    assert SETTINGS["quota"] == "Maximum number of live sessions per user; 0 for no limit."
    assert TEXTS["openspace-widget host --slots"] == "number of instances at the same time"
    assert TEXTS["openspace-widget host --bit-rate"] == (
        "bit rate of the video in bit/s; by default it follows the frame size"
    )
    assert TEXTS["openspace-widget hosts drain"] == "give a host no new sessions; its present ones continue"


def test_defaults_are_shown_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["host", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "supervisor port; 0 = a free one (default: 4699)" in text
    assert "(default: None)" not in text
