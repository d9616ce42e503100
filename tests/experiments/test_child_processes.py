"""An experiment whose child process was stopped by a signal is stopped too, and has not failed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import mutants
from experiments.full_scale.__main__ import FullScaleConfig, train_all
from experiments.regression.__main__ import StudyConfig, study
from experiments.search.command import run_search
from gmae_tf.errors import UserError
from gmae_tf.utils.interrupts import Interrupted

COMMANDS: dict[str, Callable[[Path], object]] = {
    "search": lambda folder: run_search(folder, "--task", "expr"),
    "regression": lambda folder: study(StudyConfig(folder, methods="gplearn", targets="Nguyen-1")),
    "full_scale": lambda folder: train_all(FullScaleConfig(out=folder, datasets=("a.npz",))),
    "mutants": lambda folder: mutants.run_tests(folder, ["test_x.py"]),
}


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let every child process be one line of the shell."""

    def be(line: str) -> None:
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return be


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("line", "status"),
    [("exit 130", 130), ("exit 143", 143), ("kill -INT $$", 130), ("kill -TERM $$", 143)],
)
def test_a_stopped_child_stops_the_experiment(
    tmp_path: Path, child: Callable[[str], None], command: str, line: str, status: int
) -> None:
    child(line)
    with pytest.raises(Interrupted) as stop:
        COMMANDS[command](tmp_path)
    assert stop.value.status == status


@pytest.mark.parametrize("command", ["search", "regression", "full_scale"])
def test_a_child_that_fails_is_an_error(
    tmp_path: Path, child: Callable[[str], None], command: str
) -> None:
    child("exit 1")
    with pytest.raises(UserError, match=r"failed|ended with status 1"):
        COMMANDS[command](tmp_path)
