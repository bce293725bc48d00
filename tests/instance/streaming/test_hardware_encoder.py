"""The search for a hardware encoder, wherever the tests run."""

from __future__ import annotations

import asyncio

import pytest

from openspace_server.instance.streaming import hardware_encoder
from openspace_server.instance.streaming.codecs import HARDWARE
from openspace_server.instance.streaming.hardware_encoder import SWITCH, find_hardware


def plausible(patch: pytest.MonkeyPatch, answer: bool) -> None:
    patch.setattr(hardware_encoder, "is_hardware_plausible", lambda: answer)


def test_nothing_is_started_where_there_is_no_hardware_or_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    plausible(monkeypatch, False)
    assert asyncio.run(find_hardware()) is None
    plausible(monkeypatch, True)
    monkeypatch.setenv(SWITCH, "x264")
    assert asyncio.run(find_hardware()) is None


@pytest.mark.process
def test_what_the_search_prints_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    plausible(monkeypatch, True)
    monkeypatch.delenv(SWITCH, raising=False)
    assert asyncio.run(find_hardware()) in (None, *HARDWARE)
    monkeypatch.setattr(hardware_encoder.sys, "executable", "/bin/echo")
    assert asyncio.run(find_hardware()) is None, "`-m` and a module's name are no encoder"


@pytest.mark.process
def test_a_search_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    plausible(monkeypatch, True)
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(hardware_encoder, "TIMEOUT", 0.0)
    assert asyncio.run(find_hardware()) is None
    assert "hardware encoders did not answer within 0 seconds" in caplog.text


def test_a_search_that_cannot_be_started_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise OSError("too many processes")

    plausible(monkeypatch, True)
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(hardware_encoder.asyncio, "create_subprocess_exec", refuse)
    assert asyncio.run(find_hardware()) is None
    assert "hardware encoders not looked for: too many processes" in caplog.text
