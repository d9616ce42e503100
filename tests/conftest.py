"""Fixtures for every test: real data where there is some, seeded numbers, commands."""

from __future__ import annotations

import gc
import io
import os
import runpy
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Protocol
from unittest import mock

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # the same on every machine
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker for each core: more threads only wait
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(name, "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job that a script puts aside
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("unhurried", deadline=None)  # other processes may hold up an example
settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parent.parent
LONG = ("test_jax.py", "test_scan.py", "test_without_tensorflow.py", "test_tutorials.py")
"""Begun first, so that at the end no worker is left alone with them."""


class RunCli(Protocol):
    """Run `python ARGUMENTS` in the checkout, or in `cwd`."""

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path = ...,
        timeout: float = ...,
        env: dict[str, str] | None = ...,
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.hookimpl(tryfirst=True)  # before -m selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for the real data is marked `data`, and what takes long comes first."""
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker("data")
    items.sort(key=lambda item: item.path.name not in LONG)


def pytest_collection_finish() -> None:
    """Look for garbage less often: among all that TensorFlow makes it took a fifth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the real data, for `make test-data`."""
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


@pytest.fixture(scope="session")
def run_here() -> RunCli:
    """`python -m MODULE ARGUMENTS` in this process, which has imported TensorFlow already.

    Starting TensorFlow, or GPflow, takes a process longer than most of the commands that are
    tested.  `run_cli` is for what a start itself must show.  What was patched stays patched.
    """

    def run(
        *arguments: str | Path,
        cwd: Path = ROOT,
        timeout: float = 300,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        dash, module, *options = map(str, arguments)
        assert dash == "-m"
        out, err, status = io.StringIO(), io.StringIO(), 0
        with (
            pytest.MonkeyPatch.context() as patch,
            mock.patch.dict(os.environ, env or {}),  # undoes what the command sets, too
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            patch.chdir(cwd)
            patch.setattr(sys, "argv", [module, *options])
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "'[a-z_.]+' found in sys.modules", RuntimeWarning)
                try:
                    runpy.run_module(module, run_name="__main__", alter_sys=True)
                except SystemExit as stop:
                    status = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
                except Exception:
                    traceback.print_exc()
                    status = 1
        return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())

    return run


@contextmanager
def without_graphs() -> Iterator[None]:
    """Without graphs, whose making takes longer than a few steps; other tests have them."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)


@pytest.fixture
def eager() -> Iterator[None]:
    """A test without graphs."""
    with without_graphs():
        yield


@pytest.fixture(scope="module")
def eager_module() -> Iterator[None]:
    """A module without graphs."""
    with without_graphs():
        yield
