"""python -m experiments.space.rebuild: the committed weights make models that work."""

from __future__ import annotations

import numpy as np

import molecules
from grammar import GrammarAutoencoder

DRUGS = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CC(=O)Nc1ccc(O)cc1",
    "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "COc1ccc2cc(C(C)C(=O)O)ccc2c1",
    "CCOC(=O)c1ccc(N)cc1",
    "CN1CCC[C@H]1c1cccnc1",
]


def test_molecules_come_back_from_their_codes(tmp_path, run_here):
    folder = tmp_path / "space"
    done = run_here("-m", "experiments.space.rebuild", "--out", folder)
    assert done.returncode == 0, done.stderr
    model = molecules.load(folder)
    codes = model.encode(DRUGS)
    assert codes.shape == (6, 128)
    assert model.reconstructs(DRUGS).mean() >= 0.8
    moved = codes + 0.3 * np.random.default_rng(0).standard_normal(codes.shape)
    same = [a == b for a, b in zip(model.decode(moved), model.decode(codes), strict=True)]
    assert np.mean(same) >= 0.6
    done = run_here(
        *("-m", "molecules.sample", "--model", folder, "--n", 5, "--no-picture"),
        *("--out", tmp_path / "new.smi"),
    )
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "new.smi").read_text().split()) >= 5


def test_short_expressions_come_back(tmp_path, run_here):
    done = run_here(
        *("-m", "experiments.space.rebuild", "--model", "expressions", "--out", tmp_path / "space")
    )
    assert done.returncode == 0, done.stderr
    texts = ["x+1", "x", "sin(x)", "1/3+x+sin(x*x)"]
    assert GrammarAutoencoder.load(tmp_path / "space").reconstruct(texts) == texts


def test_weights_of_another_model_are_refused(tmp_path, run_here):
    np.savez(tmp_path / "other.npz", **{"000": np.zeros(3)})
    done = run_here(
        *("-m", "experiments.space.rebuild", "--model", "expressions"),
        *("--weights", tmp_path / "other.npz", "--out", tmp_path / "space"),
    )
    assert done.returncode == 2
    assert "other.npz has no weights of these settings" in done.stderr
    assert not (tmp_path / "space").exists()
