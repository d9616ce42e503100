"""`--task molecules` as a user runs it, with a toy in the place of the trained model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rdkit import Chem

from bayesopt.run import main
from bayesopt.surrogates import feature_network as features
from bayesopt.surrogates.feature_network import FeatureNetwork
from molecules.chem.properties import find
from tests.bayesopt.toy_molecules import KNOWN, install, pool

SMALL = ("--budget", 20, "--batch-size", 10, "--inducing-points", 30, "--jobs", 1)


@pytest.fixture(scope="module")
def finished(run_here, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("run") / "molecules"
    with pytest.MonkeyPatch.context() as patch:
        install(patch, tmp_path_factory.mktemp("known"))
        done = run_here("-m", "bayesopt.run", "--task", "molecules", *SMALL, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "penalised logP" in done.stdout
    assert "alkane C38" in done.stdout
    return out


def test_results_are_in_the_users_sign(finished):
    results = json.loads((finished / "results.json").read_text())
    assert results["maximise"] is True
    assert results["score_name"] == "penalised logP"
    scores = [row["score"] for row in results["top"]]
    assert scores == sorted(scores, reverse=True)
    for row in results["top"]:
        assert row["score"] == pytest.approx(find("penalized_logp")(row["string"]))
        assert row["string"] == Chem.CanonSmiles(row["string"])
        assert not row["in_training_data"]
        assert row["string"] not in pool()[:KNOWN]
        assert Chem.MolFromSmiles(row["string"]).GetNumHeavyAtoms() <= 38
    assert results["validity"] == 1.0
    assert results["median_best"] == pytest.approx(scores[0])
    assert "target" not in results["config"]
    assert results["config"]["objective"] is None  # as given: nothing


def test_page_speaks_of_molecules_and_draws_them(finished):
    page = (finished / "report.html").read_text()
    assert "The best molecule found has the penalised logP" in page
    assert "(higher is better)" in page
    assert page.count("<img") == 5
    assert "The best molecules found" in page
    assert 'src="http' not in page


@pytest.fixture
def toy(tmp_path, monkeypatch) -> None:
    install(monkeypatch, tmp_path)


def test_same_command_evaluates_nothing_twice(toy, finished, capsys):
    before = json.loads((finished / "results.json").read_text())
    main(["--task", "molecules", *map(str, SMALL), "--out", str(finished)])
    assert "continuing" in capsys.readouterr().out
    assert json.loads((finished / "results.json").read_text())["top"] == before["top"]


def test_minimised_objective_with_constraints(toy, tmp_path):
    out = tmp_path / "out"
    what = ("--task", "molecules", "--objective", "sa", "--max-heavy-atoms", 20, "--no-alerts")
    main([str(a) for a in (*what, *SMALL, "--no-baselines", "--out", out)])
    results = json.loads((out / "results.json").read_text())
    scores = [row["score"] for row in results["top"]]
    assert scores == sorted(scores)
    assert results["maximise"] is False
    assert all(find("alerts")(row["string"]) == 0 for row in results["top"])


def test_deep_kernel_of_several_seeds(toy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(features, "LEAST_STEPS", 20)
    out = tmp_path / "out"
    what = ("--task", "molecules", "--surrogate", "deep", "--budget", 0, "--no-baselines")
    what += ("--reads", "features")
    command = [str(a) for a in (*what, "--inducing-points", 30, "--jobs", 1, "--out", out)]
    main([*command, "--seeds", "0"])
    first = json.loads((out / "results.json").read_text())["surrogate"]
    monkeypatch.setattr(FeatureNetwork, "fit", _only_seed(1))
    main([*command, "--seeds", "0-1"])  # continues: seed 0 is not fitted again
    both = json.loads((out / "results.json").read_text())["surrogate"]
    assert both["seeds"] == [0, 1]
    rmse = [first["rmse"], 2 * both["rmse"] - first["rmse"]]
    assert rmse[1] > 0
    assert both["rmse_standard_error"] == pytest.approx(abs(rmse[0] - rmse[1]) / 2)
    assert capsys.readouterr().out.count("GP RMSE") == 3


def _only_seed(expected):
    fit = FeatureNetwork.fit

    def checked(self, codes, scores, *, seed, progress=None):
        assert seed == expected
        return fit(self, codes, scores, seed=seed, progress=progress)

    return checked


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--task", "molecules", "--target", "x"), "--target belongs to --task expr"),
        (("--objective", "qed"), "--objective belongs to --task molecules or strings"),
        (("--no-alerts",), "--no-alerts belongs to --task molecules"),
        (("--task", "molecules", "--objective", "qde"), "did you mean qed"),
        (("--task", "molecules", "--to", "CC"), "--min-similarity"),
        (("--task", "molecules", "--objective", " "), "--objective is empty"),
        (
            ("--task", "molecules", "--data", "my.csv", "--value-column", "IC50", "--minimize"),
            "ask --data my.csv --value-column IC50 --minimize. To search by a computed score",
        ),
    ],
)
def test_bad_options_are_one_sentence(toy, tmp_path, capsys, arguments, sentence):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
