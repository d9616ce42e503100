"""A training step beside PyTorch: its environment, and frameworks that cannot be measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.benchmarks import image_step

TORCH = """
from unittest.mock import MagicMock

__version__ = "0.0"


def __getattr__(name):
    return MagicMock()


def compile(function):
    def compiled(x):
        raise RuntimeError("no C++ compiler\\nat some place")

    return compiled
"""
"""What the worker asks of PyTorch, done without it: its arrays take every operation."""


def measured(path: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict:
    """Run the command in this process, with a user's PYTHONPATH."""
    monkeypatch.setenv("PYTHONPATH", str(path))
    out = path / "result.json"
    monkeypatch.setattr(
        "sys.argv", ["image_step", "--repeats", "1", "--steps", "1", "--out", str(out), *options]
    )
    image_step.main()
    return json.loads(out.read_text())


def test_a_framework_in_the_users_path_is_found_and_one_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    (tmp_path / "torch.py").write_text(TORCH)
    result = measured(tmp_path, monkeypatch, "--frameworks", "torch", "torch-compile")
    assert list(result["frameworks"]) == ["torch"]
    assert result["frameworks"]["torch"]["versions"] == {"torch": "0.0"}
    assert result["left_out"] == {"torch-compile": "RuntimeError: no C++ compiler"}
    shown = capsys.readouterr()
    assert "torch-compile is left out: RuntimeError: no C++ compiler" in shown.err
    assert "ms a step" in shown.out


def test_a_framework_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    with pytest.raises(SystemExit, match="no framework to measure"):
        measured(tmp_path, monkeypatch, "--frameworks", "torch")
    assert "torch is left out: PyTorch is missing: run `python -m venv TORCH" in (
        capsys.readouterr().err
    )
