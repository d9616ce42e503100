"""python -m grammar.encode as a user runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grammar.autoencoder.model import GrammarAutoencoder

STRINGS = ["1/3+x+sin(x*x)", "x/1+3+(1*1)"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.txt"
    path.write_text("\n".join([*STRINGS, "x+y"]) + "\n")
    return path


@pytest.mark.parametrize("name", ["codes.csv", "codes.npz"])
def test_codes_of_a_file_are_those_of_the_model(run_here, file, tmp_path, name):
    out = tmp_path / name
    done = run_here("-m", "grammar.encode", file, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "3 rows read, 2 used, 1 not used" in done.stdout
    if name.endswith(".csv"):
        table = pd.read_csv(out)
        assert list(table.columns) == ["string", *(f"z{i}" for i in range(1, 26))]
        strings, codes = table.string.tolist(), table.iloc[:, 1:].to_numpy()
    else:
        arrays = np.load(out)
        strings, codes = arrays["strings"].tolist(), arrays["codes"]
    assert strings == STRINGS
    model = GrammarAutoencoder.load("expressions")
    assert codes == pytest.approx(model.encode(STRINGS), abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["absent.txt"], "absent.txt cannot be read"),
        (["absent.txt", "--out", "codes.json"], "must end in .csv or .npz"),
        ([], "--data is required"),
        ([str(Path(__file__)), "--model", "absent"], "(there is no such folder)"),
    ],
)
def test_mistakes_are_one_sentence(run_here, arguments, sentence):
    done = run_here("-m", "grammar.encode", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
