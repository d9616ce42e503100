"""python -m experiments.images.compare: every model once, ranks with support, one page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.images.compare import CompareConfig, passes, variants
from experiments.summary import better, samples_distance, summarise
from gmae_tf.errors import UserError
from gmae_tf.models import MODELS
from tests.conftest import RunCli


def test_all_models_come_with_every_seed_and_one_budget():
    config = CompareConfig(dataset="fashion_mnist", seeds="0-1", epochs=3)
    found = list(variants(config))
    assert {(name, run.seed) for name, run in found} == {
        (name, seed) for name in (*MODELS, "gmae-published") for seed in (0, 1)
    }
    runs = [run for _, run in found]
    seen = {run.epochs + run.plain_epochs * (run.guide != "none") for run in runs}
    assert {passes(run) for run in runs} == seen
    assert seen == {3}  # those of the guide's autoencoder included
    assert {run.guide for name, run in found if name != "gmae"} == {"none"}
    bare = {(r.model, r.mean_scale, r.latent_noise) for n, r in found if n == "gmae-published"}
    assert bare == {("gmae", 1.0, 0.0)}
    with pytest.raises(UserError, match="'nonsense' is no model"):
        list(variants(CompareConfig(models="ae,nonsense")))
    with pytest.raises(UserError, match="gmae needs 2"):
        list(variants(CompareConfig(dataset="fashion_mnist", models="gmae", epochs=1)))


def rows(**values: list[float]) -> list[dict]:
    return [
        {"model": model, "seed": seed, "fd_prior": value, "accuracy": 1 / value}
        for model, numbers in values.items()
        for seed, value in enumerate(numbers)
    ]


def test_ranks_and_their_support():
    found = summarise(rows(near=[10.0, 10.1, 9.9], far=[20.0, 20.1, 19.9], also=[20.0, 21.0, 19.5]))
    assert list(found) == ["near", "far", "also"]
    assert [cells["fd_prior"].rank for cells in found.values()] == [1, 2, 3]
    assert [cells["accuracy"].rank for cells in found.values()] == [1, 2, 3]
    assert found["near"]["fd_prior"].supported
    assert not found["far"]["fd_prior"].supported
    assert found["also"]["fd_prior"].supported is None  # there is none below
    cell = found["near"]["fd_prior"]
    assert cell.mean == pytest.approx(10)
    assert cell.std == pytest.approx(0.1)
    assert found["near"]["seconds"].mean is None


def test_equal_means_share_a_rank():
    found = summarise(rows(near=[10.0], same=[10.0], far=[20.0]))
    assert [found[name]["fd_prior"].rank for name in ("near", "same", "far")] == [1, 1, 3]


def test_one_seed_supports_nothing():
    found = summarise(rows(near=[10.0], far=[20.0]))
    assert found["near"]["fd_prior"].supported is None
    assert found["near"]["fd_prior"].std is None


def test_support_is_welchs_test():
    own, other = [1.0, 2.0, 3.0, 2.5], [2.5, 3.5, 4.0, 3.0, 5.0]
    # By the textbook: t = difference / sqrt(s1^2/n1 + s2^2/n2) against Student's t.
    from scipy.stats import t

    parts = [np.var(x, ddof=1) / len(x) for x in (own, other)]
    statistic = (np.mean(own) - np.mean(other)) / np.sqrt(sum(parts))
    freedom = sum(parts) ** 2 / sum(
        p**2 / (len(x) - 1) for p, x in zip(parts, (own, other), strict=True)
    )
    assert better(own, other, lower=True) == (t.cdf(statistic, freedom) < 0.05)
    assert better(own, [x + 0.1 for x in own], lower=True) is False
    assert better(own, [x + 5 for x in own], lower=True) is True
    assert better(own, [x + 5 for x in own], lower=False) is False


def test_models_without_a_prior_are_placed_by_their_ex_post_samples():
    found = summarise(
        [
            {"model": "ae", "seed": 0, "fd_ex_post": 5.0},
            {"model": "vae", "seed": 0, "fd_prior": 9.0},
        ]
    )
    assert list(found) == ["ae", "vae"]
    assert samples_distance(found["ae"]) == 5.0


@pytest.mark.usefixtures("eager")
def test_a_comparison_runs_and_repeats_nothing(tmp_path: Path, toy_file: Path, run_here: RunCli):
    out = tmp_path / "compare"
    command = (
        *("-m", "experiments.images.compare", "--dataset", toy_file, "--out", out),
        *("--models", "vae,ae", "--seeds", "0", "--epochs", "1", "--device", "cpu"),
    )
    first = run_here(*command)
    assert first.returncode == 0, first.stderr
    assert "2 of 2: ae-seed0" in first.stdout
    results = json.loads((out / "compare.json").read_text())
    assert [(r["model"], r["seed"]) for r in results["results"]] == [
        ("ae", 0), ("vae", 0)
    ]  # fmt: skip
    assert all(0 < row["mse"] < 1 and row["seconds"] > 0 for row in results["results"])
    page = (out / "compare.html").read_text()
    assert "2 models on toy" in page
    assert page.count("data:image/png") == 4
    assert (out / "figures" / "maps.png").exists()

    again = run_here(*command)
    assert again.returncode == 0, again.stderr
    assert " of 2" not in again.stdout
    assert json.loads((out / "compare.json").read_text())["results"] == results["results"]

    wrong = run_here(*command[:-1], "cpu", "--models", "ae,nonsense")
    assert wrong.returncode == 2
    assert "'nonsense' is no model" in wrong.stderr
    assert "Traceback" not in wrong.stderr
