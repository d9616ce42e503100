"""`bayesopt.improve` as a user runs it, with a toy in the place of the trained model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bayesopt.improve import summary
from molecules.chem.properties import find, parse, similarity_to
from tests.bayesopt.toy_molecules import install, pool

SMALL = ("--molecules", 3, "--budget", 6, "--batch-size", 3, "--min-similarity", 0.3, "--jobs", 1)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "mine.smi"
    path.write_text("\n".join(pool()[100:160]) + "\n")
    return path


@pytest.fixture
def toy(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "known"
    folder.mkdir()
    install(monkeypatch, folder)


@pytest.fixture
def finished(run_here, toy, file, tmp_path) -> Path:
    out = tmp_path / "improve"
    done = run_here("-m", "bayesopt.improve", "--data", file, *SMALL, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "joint: improvement" in done.stdout
    assert "random: improvement" in done.stdout
    return out


def test_the_worst_are_improved_and_stay_similar(finished, run_here, file):
    results = json.loads((finished / "results.json").read_text())
    score = find("penalized_logp")
    values = sorted(score(s) for s in pool()[100:160])
    assert [row["value"] for row in results["molecules"]] == pytest.approx(values[:3])
    for row in results["molecules"]:
        for strategy in ("joint", "random"):
            found = row[strategy]
            assert 0 <= found["evaluations"] <= 6
            if found["string"] is None:
                assert found["improvement"] == 0
                continue
            assert found["string"] != row["start"]
            assert found["value"] == pytest.approx(score(found["string"]))
            gain = max(found["value"] - row["value"], 0.0)
            assert found["improvement"] == pytest.approx(gain)
            assert similarity_to(row["start"])(parse(found["string"])) >= 0.3
    gains = [row["joint"]["improvement"] for row in results["molecules"]]
    assert results["joint"]["improvement"] == pytest.approx(sum(gains) / 3)
    assert results["joint"]["evaluations"] > 0

    # What is done is not done again, and what is missing is.
    first = finished / "molecule-000.json"
    (finished / "molecule-002.json").unlink()
    first.write_text(first.read_text().replace(results["molecules"][0]["start"], "kept"))
    again = run_here("-m", "bayesopt.improve", "--data", file, *SMALL, "--out", finished)
    assert again.returncode == 0, again.stderr
    assert "continuing" in again.stdout
    rows = json.loads((finished / "results.json").read_text())["molecules"]
    assert rows[0]["start"] == "kept"
    assert rows[2] == results["molecules"][2]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--molecules", 0), "must be 1 or more"),
        (("--objective", "beauty"), "beauty"),
        (("--data", "nowhere.smi"), "nowhere.smi"),
        (("--min-similarity", 2), "min_similarity"),
    ],
)
def test_mistakes_are_one_sentence(run_here, toy, file, tmp_path, options, sentence):
    given = ("--data", file, *SMALL, "--out", tmp_path / "out", *options)
    done = run_here("-m", "bayesopt.improve", *given)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_not_improved_counts_as_nothing():
    row = {"improvement": 0.0, "evaluations": 4}
    better = {"improvement": 2.0, "evaluations": 6}
    found = summary([{"joint": row, "random": row}, {"joint": better, "random": row}])
    assert found["joint"]["improvement"] == 1.0
    assert found["joint"]["success"] == 0.5
    assert found["joint"]["deviation"] == pytest.approx(2**0.5)
    assert found["random"]["success"] == 0.0
