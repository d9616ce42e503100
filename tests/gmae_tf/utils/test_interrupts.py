"""Ctrl-C and SIGTERM end a command with one sentence, wherever they hit it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gmae_tf.utils import interrupts
from gmae_tf.utils.cli import run_command
from tests.conftest import RunCli

BROKEN = """
import signal
from dataclasses import dataclass
from gmae_tf.utils.cli import run_command

@dataclass(frozen=True)
class Config:
    "No options."

class HalfMade:
    def __del__(self):
        raise AttributeError("_alive")

def body(config):
    broken = HalfMade()
    signal.raise_signal(signal.SIGTERM)

run_command(body, Config, prog="train", description="d")
"""
GOES_ON = "train: stopped; the same command continues where this one stopped.\n"


@dataclass(frozen=True)
class Config:
    """No options."""


@pytest.fixture(autouse=True)
def _hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal has changed for the rest of the process is undone."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)


def ended(body: Callable[[], object]) -> int:
    with pytest.raises(SystemExit) as stop:
        run_command(lambda config: body(), Config, prog="train", description="d", argv=[])
    return int(str(stop.value.code))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_one_sentence_and_its_status(
    number: int, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers = [signal.getsignal(s) for s in interrupts.STATUS]
    assert ended(lambda: signal.raise_signal(number)) == status
    assert capsys.readouterr().err == GOES_ON
    assert [signal.getsignal(s) for s in interrupts.STATUS] == handlers


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, None), (0, None)],
)
def test_a_child_that_a_signal_ended_ends_its_parent_with_the_same_status(
    number: int, status: int | None
) -> None:
    def body() -> None:
        interrupts.raise_if_interrupted(-number)

    if status is None:
        body()
    else:
        assert ended(body) == status


def test_an_error_that_a_library_makes_of_a_signal_is_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def body() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise AssertionError("Concurrent access?") from None

    assert ended(body) == 130
    assert capsys.readouterr().err == GOES_ON


def test_a_signal_that_is_swallowed_ends_the_process_a_little_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends: list[tuple[str, int]] = []
    monkeypatch.setattr(interrupts, "PATIENCE", 0.02)
    monkeypatch.setattr(
        interrupts, "end_at_once", lambda words, number: ends.append((words, number))
    )
    with interrupts.interruptible("the end"):
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            time.sleep(0.2)
    assert ends == [("the end", signal.SIGTERM)]


def test_a_signal_that_hits_a_del_comes_again(capsys: pytest.CaptureFixture[str]) -> None:
    class Hit:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    start = time.monotonic()

    def body() -> None:
        Hit()
        time.sleep(interrupts.PATIENCE)

    assert ended(body) == 130
    assert time.monotonic() - start < interrupts.PATIENCE / 2
    assert capsys.readouterr().err == GOES_ON


def test_what_a_signal_left_half_made_says_nothing_when_it_is_freed(run_cli: RunCli) -> None:
    done = run_cli("-c", BROKEN)
    assert (done.returncode, done.stderr) == (143, GOES_ON)


def test_without_a_signal_the_hook_stays_what_it_was() -> None:
    hook = sys.unraisablehook
    with interrupts.interruptible("the end"):
        assert sys.unraisablehook is not hook
    assert sys.unraisablehook is hook


def test_a_second_signal_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[int] = []
    monkeypatch.setattr(interrupts, "end_at_once", lambda words, number: ends.append(number))

    def body() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:  # while it tidies up
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    assert ended(body) == 130
    assert ends == [signal.SIGINT]


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.interruptible("the end"):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_while_a_command_is_imported_ends_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ends: list[int] = []
    before = {number: signal.getsignal(number) for number in interrupts.STATUS}
    interrupts.quiet_start()
    assert {number: signal.getsignal(number) for number in interrupts.STATUS} == before
    monkeypatch.setattr(os, "_exit", ends.append)
    monkeypatch.setattr(sys, "argv", ["-m"])
    try:
        interrupts.quiet_start()
        signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ends == [143]
    assert capfd.readouterr().err == "stopped.\n"
