"""The shipped models of strings are those of experiments.space, and a training becomes a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import molecules
from experiments.space.settings import RESULTS
from experiments.timed_training import save_weights
from grammar import GrammarAutoencoder

ZINC = [
    "COc1cccc(CNC(=O)N[C@@H](C)CSC)c1OC",
    "O=C(NCCC(=O)N1CCCCC1)c1ccnc2ccccc12",
    "CCNC(=O)CCS(=O)(=O)c1cc(Br)ccc1OC",
    "N#Cc1ccc(COC(=O)Cc2csc(NC(=O)c3ccccc3)n2)cc1",
    "O=c1ccnc2n1[C@@H](CS(=O)(=O)c1ccc(Br)cc1)CS2",
    "COc1ccc([C@@H]([NH3+])c2cscc2C)cc1C",
]


def test_molecules_come_back_from_their_codes():
    model = molecules.load("compact")
    codes = model.encode(ZINC)
    assert codes.shape == (6, 128)
    decoded = model.decode(codes)
    assert decoded == ZINC
    moved = codes + 0.3 * np.random.default_rng(0).standard_normal(codes.shape)
    same = [a == b for a, b in zip(model.decode(moved), decoded, strict=True)]
    assert np.mean(same) >= 0.6


def test_short_expressions_come_back():
    texts = ["x+1", "x", "sin(x)", "1/3+x+sin(x*x)"]
    assert GrammarAutoencoder.load("expressions").reconstruct(texts) == texts


@pytest.mark.slow
def test_the_shipped_molecules_are_rebuilt_from_weights(tmp_path: Path, run_here):
    """Of the weights alone, as they would come from a device without TensorFlow."""
    shipped = molecules.load("compact")
    save_weights(shipped.network.get_weights(), tmp_path / "molecules.npz")
    (tmp_path / "molecules.config.json").write_text((RESULTS / "molecules.config.json").read_text())
    folder = tmp_path / "run"
    done = run_here(
        *("-m", "experiments.space.rebuild", "--weights", tmp_path / "molecules.npz"),
        *("--out", folder),
    )
    assert done.returncode == 0, done.stderr
    again = molecules.load(folder)
    np.testing.assert_allclose(again.encode(ZINC), shipped.encode(ZINC), atol=1e-5)
    assert again.details["ring_sizes"] == shipped.details["ring_sizes"] == [3, 4, 5, 6, 7]
    assert again.decode(again.encode(ZINC)) == ZINC


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ((), "there is no file"),
        (("molecules.config.json",), "there is no file"),
        (("molecules.config.json", "molecules.npz"), "molecules.npz has no weights of these"),
    ],
)
def test_what_is_no_training_is_refused(tmp_path: Path, run_here, files, complaint):
    weights = tmp_path / "molecules.npz"
    for name in files:
        if name.endswith(".npz"):
            np.savez(weights, **{"000": np.zeros(3)})
        else:
            (tmp_path / name).write_text((RESULTS / name).read_text())
    out = tmp_path / "run"
    done = run_here("-m", "experiments.space.rebuild", "--weights", weights, "--out", out)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert not out.exists()
