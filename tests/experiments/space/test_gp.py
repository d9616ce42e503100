"""python -m experiments.space.gp: a sparse Gaussian process on the codes of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import QED

import molecules
from gmae_tf.models.config import Recipe
from grammar import load_grammar
from grammar.autoencoder.architectures import Architecture

FEW = ("--inducing", 10, "--steps", 3)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learnt nothing, and says what it was trained on."""
    folder = tmp_path_factory.mktemp("gp") / "run"
    data = molecules.load_molecules("builtin", n=120, kekulize=True)
    model, _ = molecules.MoleculeAutoencoder.untrained(
        data.smiles,
        Recipe("gmae", 6, components=2),
        grammar=load_grammar("smiles_compact").grammar,
        kekulized=True,
        architecture=Architecture("autoregressive", {"units": 8, "dense": 16}),
    )
    model.details["config"] = {"data": "builtin", "n_data": 120, "seed": 0}
    model.save(folder)
    return folder


def test_codes_of_the_training_molecules_predict_their_properties(run, tmp_path, run_here):
    out, codes = tmp_path / "gp.json", tmp_path / "codes.npz"
    command = ("-m", "experiments.space.gp", run, *FEW, "--out", out, "--codes", codes)
    done = run_here(*command)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    data = molecules.load_molecules("builtin", n=120, kekulize=True)
    assert found["training"] + found["test"] == len(data.smiles)
    with np.load(codes) as file:
        assert file["codes"].shape == (len(data.smiles), 6)
        assert file["values"][0, 1] == pytest.approx(QED.qed(Chem.MolFromSmiles(data.smiles[0])))
    # properties that depend smoothly on the codes are predicted, and the file is read again
    x = np.random.default_rng(0).standard_normal((300, 2))
    np.savez(codes, codes=x, values=np.stack([np.sin(x[:, 0]), x[:, 1]], axis=1))
    done = run_here(*command)
    assert done.returncode == 0, done.stderr
    smooth = json.loads(out.read_text())
    assert (smooth["training"], smooth["test"]) == (270, 30)
    for name in ("penalized_logp", "qed"):
        assert smooth[name]["rmse"] < 0.3 * smooth[name]["std"]
        assert f"RMSE {smooth[name]['rmse']:.4f}" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--steps", 0), "--steps"), (("--n", 5), "--n is 5")],
)
def test_wrong_options_are_refused(run, run_here, options, words):
    done = run_here("-m", "experiments.space.gp", run, *options)
    assert done.returncode == 2
    assert words in done.stderr


def test_other_folders_and_files_are_refused(run, tmp_path, run_here):
    done = run_here("-m", "experiments.space.gp", tmp_path)
    assert done.returncode == 2
    assert "does not hold a trained model of molecules" in done.stderr
    (tmp_path / "codes.npz").write_bytes(b"nothing")
    done = run_here("-m", "experiments.space.gp", run, "--codes", tmp_path / "codes.npz")
    assert done.returncode == 2
    assert "remove it" in done.stderr
