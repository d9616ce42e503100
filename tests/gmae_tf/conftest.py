"""One process on JAX for all tests of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.oracles import jax_commands

if TYPE_CHECKING:
    from tests.conftest import RunCli

ROOT = Path(__file__).resolve().parents[2]


def on_jax_alone(run_cli: RunCli, folder: Path, names: list[str]) -> tuple[Path, Any]:
    """The folder of a process that cannot import TensorFlow, and what its commands said."""
    jax_commands.prepare(folder)
    env = {
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "tests" / "without_tensorflow", ROOT))),
        "KERAS_BACKEND": "",  # as unset: JAX is all there is
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # to compile takes longer than to compute
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),  # of equal networks only once
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    done = run_cli("-m", "tests.oracles.jax_commands", *names, cwd=folder, env=env, timeout=900)
    assert done.returncode == 0, done.stderr
    return folder, json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="session")
def jax_alone(run_cli: RunCli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """All commands but the slow ones."""
    names = [name for name in jax_commands.COMMANDS if name not in jax_commands.SLOW]
    return on_jax_alone(run_cli, tmp_path_factory.mktemp("jax-alone"), names)


@pytest.fixture
def jax_alone_slow(run_cli: RunCli, tmp_path: Path) -> tuple[Path, Any]:
    """The slow commands."""
    return on_jax_alone(run_cli, tmp_path, list(jax_commands.SLOW))
