"""python -m experiments.space.train, on a few expressions."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest

TINY = (
    *("--kind", "expressions", "--n", 400, "--steps", 4, "--chunk", 2, "--batch", 40),
    *("--latent", 10, "--architecture", "autoregressive", "--noise", 0.4, "--no-bf16"),
    *("--sizes", '{"units": 16, "dense": 16, "positions": 4}', "--samples", 50),
)


@pytest.mark.slow
@pytest.mark.jax
@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_a_trained_model_is_measured_and_rebuilt(tmp_path, run_cli, run_here):
    out = tmp_path / "trained"
    env = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = run_cli("-m", "experiments.space.train", *TINY, "--out", out, env=env)
    assert done.returncode == 0, done.stderr
    result = json.loads((out / "space.json").read_text())
    assert result["log"][-1]["steps"] == 4
    assert result["found"]["prior"]["complete"] == 1
    done = run_here(
        *("-m", "experiments.space.rebuild", "--weights", out / "space.npz"),
        *("--out", tmp_path / "run"),
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model.json").is_file()


@pytest.mark.slow
@pytest.mark.jax
@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_molecules_are_prepared_trained_and_rebuilt(tmp_path, run_cli, run_here):
    prepared, out = tmp_path / "prepared", tmp_path / "trained"
    data = ("--data", "builtin", "--n", 200, "--jobs", 1, "--out", prepared)
    done = run_here("-m", "experiments.space.prepare", *data)
    assert done.returncode == 0, done.stderr
    rules, targets = (np.load(prepared / f"{name}.npy") for name in ("own", "targets"))
    assert len(rules) == len(targets)
    assert rules.shape[1] == 108
    env = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    size = ("--samples", 20, "--held-out", 10, "--gp", "none", "--jobs", 1, "--crop", 108)
    tiny = (*TINY[4:], "--prepared", prepared, *size, "--out", out, "--spelled", 0.5)
    done = run_cli("-m", "experiments.space.train", *tiny, env=env)
    assert done.returncode == 0, done.stderr
    result = json.loads((out / "space.json").read_text())
    assert result["log"][-1]["steps"] == 4
    assert {"prior", "midpoints"} <= set(result["found"])
    done = run_here(
        *("-m", "experiments.space.rebuild", "--weights", out / "space.npz"),
        *("--out", tmp_path / "run"),
    )
    assert done.returncode == 0, done.stderr


def test_molecules_need_prepared_arrays(tmp_path, run_here):
    done = run_here("-m", "experiments.space.train", "--out", tmp_path / "trained")
    assert done.returncode == 2
    assert "--prepared" in done.stderr
    assert not (tmp_path / "trained").exists()
