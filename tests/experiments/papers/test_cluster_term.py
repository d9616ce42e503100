"""python -m experiments.papers.cluster_term: its curves, its trace, and a small run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.papers.cluster_data import POINTS, curves, synthetic
from experiments.papers.cluster_term import ClusterTermConfig, cluster_term, table
from experiments.papers.cluster_trace import Trace, read_trace
from gmae_tf.errors import UserError
from tests.conftest import RunCli


def test_curves_of_a_family_are_alike_and_families_differ(rng) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    x, labels = curves(2000, rng)
    assert x.shape == (2000, POINTS)
    assert set(labels) == set(range(10))
    # With labels the nearest curve says the family, so the families can be told apart.
    nearest = KNeighborsClassifier(1).fit(x[:1500], labels[:1500])
    assert nearest.score(x[1500:], labels[1500:]) > 0.95


def test_curves_are_standardised_by_the_training_part() -> None:
    task = synthetic(600)
    np.testing.assert_allclose(task.train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(task.train.std(axis=0), 1, atol=1e-5)
    assert abs(task.test.mean()) < 0.1
    assert not np.array_equal(task.test[:100], task.train[:100])
    np.testing.assert_array_equal(synthetic(600).train, task.train)


def test_a_trace_undoes_the_mean_since_the_start_of_the_epoch(tmp_path: Path, rng) -> None:
    path, values = tmp_path / "trace.json", rng.normal(size=(2, 30))

    def epoch(trace: Trace, number: int, steps: int) -> None:
        trace.on_epoch_begin(number)
        for batch in range(steps):
            trace.on_train_batch_end(batch, {"term": values[number, : batch + 1].mean()})

    trace = Trace(path, "term")
    trace.set_params({"steps": 30})
    epoch(trace, 0, 30)
    trace.on_epoch_end(0)
    epoch(trace, 1, 20)  # and is stopped here
    again = Trace(path, "term")
    again.set_params({"steps": 30})
    epoch(again, 1, 30)
    again.on_epoch_end(1)
    steps, found = np.array(read_trace(path)).T
    np.testing.assert_array_equal(steps, [10, 20, 30, 40, 50, 60])
    np.testing.assert_allclose(found, values.reshape(6, 10).mean(axis=1))


def test_table_has_means_of_seeds_and_says_never() -> None:
    row = {"data": "mnist", "model": "gm-vae", "threshold": 1.5, "nmi": 0.5, "mse": 0.02}
    low = {**row, "cluster_term": 2.0, "reached": 10, "accuracy": 0.5}
    high = {**row, "cluster_term": 2.2, "reached": 30, "accuracy": 0.7}
    titles, lines = table([low, high])
    assert len(titles) == len(lines[0])
    assert lines[0][:5] == ["mnist", "GM-VAE", "1.5", "2.10 ± 0.14", "20 ± 14"]
    assert lines[0][5] == "60.0 ± 14.1"
    assert table([low, {**high, "reached": None}])[1][0][4] == "never"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"thresholds": (-1.0,)}, "--thresholds"),
        ({"thresholds": ()}, "--thresholds"),
        ({"curves": 50}, "--curves 50"),
        ({"kl_weight": 0.0}, "--kl-weight must be greater"),
        ({"seeds": "x"}, "seeds"),
    ],
)
def test_useless_options_are_refused(tmp_path: Path, change: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        cluster_term(ClusterTermConfig(out=tmp_path / "run", **change))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # its parts are tested above, and a study from end to end in images/test_study.py
@pytest.mark.usefixtures("eager")
def test_a_study_runs_and_repeats_nothing(
    tmp_path: Path, run_here: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    command = (
        *("-m", "experiments.papers.cluster_term", "--data", "synthetic", "--out", out),
        *("--curves", "1000", "--epochs", "1", "--seeds", "0", "--thresholds", "[1.5]"),
        *("--device", "cpu"),
    )
    first = run_here(*command)
    assert first.returncode == 0, first.stderr
    rows = json.loads((out / "results.json").read_text())["results"]
    assert [(row["model"], row["threshold"]) for row in rows] == [
        ("ae", None), ("vae", None), ("gm-vae", 1.5)
    ]  # fmt: skip
    assert all(0 < row["mse"] < 2 and row["accuracy"] >= 0.1 for row in rows)
    assert 0 <= rows[2]["cluster_term"] <= np.log(10)
    assert rows[0]["cluster_term"] is None
    for name in ("cluster_term", "cluster_maps", "cluster_samples_synthetic"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr("gmae_tf.training.fit.fit", None)  # nothing is left to train
    settings = {"data": "synthetic", "curves": 1000, "epochs": 1, "seeds": "0"}
    cluster_term(ClusterTermConfig(out=out, thresholds=(1.5,), **settings))
    assert json.loads((out / "results.json").read_text())["results"] == rows
