"""python -m molecules.encode as a user runs it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import molecules


def test_codes_of_a_file_are_those_of_the_model(run_here, tmp_path):
    path, out = tmp_path / "own.csv", tmp_path / "codes.csv"
    path.write_text("name,SMILES\na,OC(=O)c1ccccc1\nb,C[Si](C)(C)C\nc,C1CC\n")
    done = run_here("-m", "molecules.encode", path, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "3 rows read, 1 used, 2 not used" in done.stdout
    table = pd.read_csv(out)
    model = molecules.load("compact")
    assert table.smiles.tolist() == ["O=C(O)c1ccccc1"]
    codes = table.iloc[:, 1:].to_numpy()
    assert codes.shape == (1, model.latent_dim)
    with np.testing.suppress_warnings() as warned:
        warned.filter(UserWarning)
        assert codes == pytest.approx(model.encode(table.smiles.tolist()), abs=1e-4)


def test_a_file_that_is_not_there_is_one_sentence(run_here):
    done = run_here("-m", "molecules.encode", "absent.smi")
    assert done.returncode == 2
    assert "absent.smi cannot be read" in done.stderr


def test_salts_are_encoded_where_they_are_asked_for(run_here, tmp_path):
    path, out = tmp_path / "own.csv", tmp_path / "codes.csv"
    path.write_text("SMILES\nNCc1ccccc1.Cl\nCCO\n")
    done = run_here("-m", "molecules.encode", path, "--largest-fragment", "--out", out)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(out).smiles.tolist() == ["NCc1ccccc1", "CCO"]
