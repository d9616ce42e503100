"""python -m experiments.space.rebuild: the committed weights make models that work."""

from __future__ import annotations

import numpy as np

import molecules
from grammar import GrammarAutoencoder

ZINC = [
    "COc1cccc(CNC(=O)N[C@@H](C)CSC)c1OC",
    "O=C(NCCC(=O)N1CCCCC1)c1ccnc2ccccc12",
    "CCNC(=O)CCS(=O)(=O)c1cc(Br)ccc1OC",
    "N#Cc1ccc(COC(=O)Cc2csc(NC(=O)c3ccccc3)n2)cc1",
    "O=c1ccnc2n1[C@@H](CS(=O)(=O)c1ccc(Br)cc1)CS2",
    "COc1ccc([C@@H]([NH3+])c2cscc2C)cc1C",
]


def test_molecules_come_back_from_their_codes(tmp_path, run_here):
    folder = tmp_path / "space"
    done = run_here("-m", "experiments.space.rebuild", "--out", folder)
    assert done.returncode == 0, done.stderr
    model = molecules.load(folder)
    codes = model.encode(ZINC)
    assert codes.shape == (6, 128)
    decoded = model.decode(codes)
    assert decoded == ZINC
    moved = codes + 0.3 * np.random.default_rng(0).standard_normal(codes.shape)
    same = [a == b for a, b in zip(model.decode(moved), decoded, strict=True)]
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
