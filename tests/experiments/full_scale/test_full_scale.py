"""python -m experiments.full_scale: every kind of training, tiny, and the folders made of them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import gmae_tf
from experiments.full_scale.__main__ import FullScaleConfig, trainings
from experiments.timed_training import read_weights, save_weights


@pytest.mark.slow
@pytest.mark.jax
@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")
def test_all_models_train_and_become_run_folders(tmp_path, run_here, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", images=rng.integers(0, 256, (120, 8, 8), dtype=np.uint8))
    out = tmp_path / "full"
    command = ("-m", "experiments.full_scale", "--tiny", "--seeds", 1, "--out", out)
    options = ("--datasets", json.dumps([str(tmp_path / "mine.npz")]), "--at-once", 1)
    done = run_here(*command, *options)
    logs = "".join(path.read_text() for path in out.glob("*.log"))
    assert done.returncode == 0, done.stderr + logs
    written = {path.name: path.stat().st_mtime for path in out.glob("*.npz")}
    assert set(written) == {"expressions.npz", "mine-0.npz"}
    assert run_here(*command, *options).returncode == 0
    assert {path.name: path.stat().st_mtime for path in out.glob("*.npz")} == written
    for name in ("mine-0", "expressions"):
        folder = tmp_path / f"run-{name}"
        rebuild = ("-m", "experiments.full_scale.rebuild", "--result", out / name)
        done = run_here(*rebuild, "--out", folder)
        assert done.returncode == 0, done.stderr
    model = gmae_tf.ImageAutoencoder.load(tmp_path / "run-mine-0")
    assert model.sample(2, seed=0).shape == (2, 8, 8, 1)


def test_molecules_need_their_arrays_and_the_rest_does_not(tmp_path, run_here):
    assert "molecules" not in {t.name for t in trainings(FullScaleConfig())}
    done = run_here("-m", "experiments.full_scale", "--prepared", tmp_path, "--out", tmp_path / "o")
    assert done.returncode == 2
    assert "holds no prepared molecules" in done.stderr


def test_weights_are_cut_into_files_and_read_back(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("experiments.timed_training.SHARD", 100)
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in ((9, 3), (40,), (2, 2))]
    save_weights(weights, tmp_path / "w.npz")
    assert len(list(tmp_path.glob("w*.npz"))) == 2
    for again, weight in zip(read_weights(tmp_path / "w.npz"), weights, strict=True):
        np.testing.assert_array_equal(again, weight.astype(np.float16))
