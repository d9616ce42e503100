"""python -m experiments.strings.compare_molecules, on molecules made offline."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from experiments.strings.compare_molecules import write_scored

TINY = (
    *("--data", "builtin", "--n-data", 200, "--epochs", 1, "--batch-size", 40, "--latent-dim", 12),
    *("--units", 16, "--dense", 32, "--samples", 40, "--budget", 2, "--seeds", 0),
)


@pytest.mark.slow  # the shared code is tested quickly beside, on expressions
def test_a_comparison_of_rules_and_characters(tmp_path, run_cli, run_here):
    out = tmp_path / "compare"
    command = (
        "-m",
        "experiments.strings.compare_molecules",
        *TINY,
        "--models",
        "gmae,cvae",
        "--out",
        out,
    )
    done = run_cli(*command, timeout=900)
    assert done.returncode == 0, done.stderr
    results = json.loads((out / "compare.json").read_text())
    rows = {row["model"]: row for row in results["results"]}
    assert rows["gmae"]["prior_valid"] == 1  # by its masks
    assert 0 <= rows["cvae"]["prior_valid"] < 1
    assert all(row["rmse"] > 0 for row in rows.values())
    assert results["random"][0]["best"] is not None
    assert results["molecules"] == 200
    again = run_here(*command)
    assert again.returncode == 0, again.stderr
    assert "of 2" not in again.stdout
    assert json.loads((out / "compare.json").read_text())["results"] == results["results"]


def test_values_are_written_once(tmp_path):
    from molecules.chem.properties import find

    write_scored(tmp_path / "scored.csv", ["CCO", "c1ccccc1"])
    with (tmp_path / "scored.csv").open(newline="") as file:
        found = {row["smiles"]: float(row["penalized_logp"]) for row in csv.DictReader(file)}
    score = find("penalized_logp")
    assert list(found) == ["CCO", "c1ccccc1"]
    np.testing.assert_allclose([*found.values()], [score(s) for s in found])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--models", "nonsense"), "'nonsense' is none of the models"),
        (("--nonsense", 1), "there is no option --nonsense"),
        (("--model-options", '{"grae": {"beta": 1}}'), "grae has no option 'beta'"),
        (("--data", "nothing.smi"), "nothing.smi"),
        (("--data", "builtin", "--n-data", 30), "30 molecules are too few"),
    ],
)
def test_bad_input_is_told_in_a_sentence(arguments, words, tmp_path, run_here):
    done = run_here(
        "-m", "experiments.strings.compare_molecules", *arguments, "--out", "run", cwd=tmp_path
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
