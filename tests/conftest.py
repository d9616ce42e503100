"""Fixtures for every test: real data where there is some, seeded numbers, commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parent.parent


class RunCli(Protocol):
    """Run `python ARGUMENTS` in the checkout, or in `cwd`."""

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path = ...,
        timeout: float = ...,
        env: dict[str, str] | None = ...,
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the real data; tests that ask for it are marked `data`."""
    folder = os.environ.get("GMAE_DATA_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GMAE_DATA_DIR names no folder with the real data")
    return Path(folder)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def run_cli() -> RunCli:
    """A command as a user runs it: its own process, its status, its two outputs as text."""

    def run(
        *arguments: str | Path,
        cwd: Path = ROOT,
        timeout: float = 300,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    return run
