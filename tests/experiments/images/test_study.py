"""python -m experiments.images.study: every combination once, measured on what was held out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from experiments.images.study import StudyConfig, distances, grid, judge, study
from gmae_tf.density import LatentDensity
from gmae_tf.images.model import ImageAutoencoder
from gmae_tf.metrics.sets import frechet_distance
from gmae_tf.penalties import GaussianMixturePenalty
from gmae_tf.prior import GaussianMixture
from gmae_tf.train import TrainConfig
from tests.conftest import RunCli


class Pixels:
    """Features that can be computed by hand: the mean of each quarter of an image."""

    name, dim = "quarters", 4

    def __call__(self, images: np.ndarray) -> np.ndarray:
        n, side = len(images), images.shape[1] // 2
        quarters = images.reshape(n, 2, side, 2, side, -1).mean(axis=(2, 4, 5))
        return quarters.reshape(n, 4)


class Data:
    """Random images in two groups, dark and bright."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.test_labels = np.repeat([0, 1], 60)
        level = np.array([40, 200])[self.test_labels][:, None, None, None]
        noise = rng.integers(-30, 30, size=(120, 8, 8, 1))
        self.test = self.validation = self.train = (level + noise).astype(np.uint8)


def test_every_combination_comes_once_beside_the_baseline():
    config = StudyConfig(scales=(1.0, 6.0), sliced=(0.0, 1.0), seeds="0,1", epochs=3)
    runs = list(grid(config))
    assert len(runs) == 2 * (1 + 2 * 2 * 2)
    assert len({json.dumps(about) for about, _ in runs}) == len(runs)
    for about, options in runs:
        assert options.epochs == 3
        assert options.seed == about["seed"]
        if about["scale"] is None:
            assert options.model == "ae"
        else:
            found = (options.guide, options.mean_scale, options.sliced_weight)
            assert found == (about["guide"], about["scale"], about["sliced"])


def test_groups_are_judged_by_the_prior_or_else_by_the_ex_post_mixture():
    data = Data()
    plain = ImageAutoencoder.build(8, 1, 2)
    density = LatentDensity("mixture", 2).fit(plain.encode(data.train))
    found = judge(plain, data, density, 20)
    assert found["accuracy"] == 1  # dark and bright are far apart whatever the weights
    assert found["nmi"] == 1
    assert "ks" not in found
    error = (plain.reconstruct(data.test).astype(float) - data.test) / 255
    assert abs(found["mse"] - np.mean(error**2)) < 1e-6

    penalty = GaussianMixturePenalty(GaussianMixture.one_hot(2, 2, 50.0))
    far = ImageAutoencoder.build(8, 1, 2, penalty=penalty)
    assert {"ks", "covariance", "sliced_term"} <= set(judge(far, data, density, 20))


def test_distances_are_those_of_the_features():
    data, extractor = Data(), Pixels()
    model = ImageAutoencoder.build(8, 1, 2)
    density = LatentDensity("mixture", 2).fit(model.encode(data.train))
    found = distances(model, data, density, extractor, 1000, 0)
    rebuilt = extractor(model.reconstruct(data.validation))
    expected = frechet_distance(rebuilt, extractor(data.test))
    assert abs(found["fd_reconstruction"] - expected) < 1e-6 * expected
    assert "fd_prior" not in found  # it has none
    assert found["features"] == "quarters"


@pytest.mark.usefixtures("eager")
def test_a_study_runs_and_repeats_nothing(tmp_path: Path, toy_file: Path, run_here: RunCli):
    out = tmp_path / "study"
    command = (
        *("-m", "experiments.images.study", "--dataset", toy_file, "--out", out),
        *("--scales", "[2]", "--sliced", "[0]", "--guides", '["none"]', "--epochs", "1"),
        *("--device", "cpu"),
    )
    first = run_here(*command)
    assert first.returncode == 0, first.stderr
    assert "without Frechet distances" in first.stdout
    results = json.loads((out / "study.json").read_text())
    assert [row["scale"] for row in results["results"]] == [None, 2]
    assert results["training_images"] == 180  # a tenth validates
    assert (out / "study.png").read_bytes().startswith(b"\x89PNG")

    again = run_here(*command)
    assert again.returncode == 0, again.stderr
    assert "1 of 2" not in again.stdout
    assert json.loads((out / "study.json").read_text())["results"] == results["results"]


@pytest.mark.usefixtures("eager")
def test_what_trials_share_is_made_before_a_cluster_trains_them(
    tmp_path: Path, toy_file: Path, monkeypatch: pytest.MonkeyPatch
):
    """Two workers would train the plain autoencoder of a seed at once, in one folder."""

    def measure(options: TrainConfig, data: Data, folder: Path, *_: object) -> dict[str, object]:
        return {"seconds": 1.0, "shared": (folder.parent / "seed0" / "groups.npz").exists()}

    monkeypatch.setattr("experiments.images.study.train_and_measure", measure)
    with LocalCluster(n_workers=2, processes=False, dashboard_address=None) as cluster:
        study(
            StudyConfig(
                dataset=str(toy_file),
                out=tmp_path / "study",
                scheduler=cluster.scheduler_address,
                scales=(1.0, 6.0),
                sliced=(0.0,),
                guides=("neighbours", "none"),
                epochs=1,
                n_data=60,
                device="cpu",
            )
        )
    rows = json.loads((tmp_path / "study" / "study.json").read_text())["results"]
    assert [row["shared"] for row in rows] == 5 * [True]
