"""python -m experiments.images.choose: candidates judged without labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.images.choose import ChooseConfig, best, candidates_of, grid, information
from gmae_tf.images.options import make_options
from gmae_tf.prior import GaussianMixture
from tests.conftest import RunCli


class Split:
    """Two far components: of dark images and of bright ones, or of `wrong`, a coin."""

    prior = GaussianMixture.one_hot(2, 2, 50.0)

    def __init__(self, wrong: bool = False) -> None:
        self.rng = np.random.default_rng(0) if wrong else None

    def encode(self, images: np.ndarray) -> np.ndarray:
        bright = np.asarray(images).mean(axis=(1, 2, 3)) > 127
        if self.rng is not None:
            bright = self.rng.random(len(images)) < 0.5
        return 50.0 * np.eye(2)[bright.astype(int)]


def test_information_is_that_of_components_that_warps_keep():
    level = np.repeat([20, 230], 200)[:, None, None, None]
    images = np.broadcast_to(level, (400, 8, 8, 1)).astype(np.uint8)
    options = make_options(components=2, latent_dim=2, guide="invariance", warps="digits")
    assert information(Split(), images, options) == pytest.approx(np.log(2), abs=1e-6)
    assert information(Split(), images[:200], options) == pytest.approx(0, abs=1e-6)  # one group
    assert information(Split(wrong=True), images, options) < 0.01


def test_the_best_has_the_smallest_distance_among_the_most_informative():
    def row(rest: float, seed: int, information: float, distance: float) -> dict[str, float]:
        about = {"scale": 6.0, "share": 0.3, "rest": rest, "seed": seed}
        return {**about, "information": information, "distance": distance, "reconstruction": 0.1}

    rows = [row(0.1, 0, 2.00, 3.0), row(0.1, 1, 2.02, 3.0), row(0.2, 0, 2.0, 2.0)]
    rows += [row(0.2, 1, 1.98, 2.2), row(0.3, 0, 1.9, 1.0), row(0.3, 1, 1.9, 1.0)]
    chosen = best(candidates_of(rows))
    assert (chosen["rest"], chosen["distance"]) == (0.2, pytest.approx(2.1))


def test_candidates_differ_in_what_is_chosen_only():
    config = ChooseConfig(rests=(0.1, 0.2), shares=(0.3,), scales=(5.0, 6.0), seeds="0-1")
    runs = list(grid(config))
    assert len(runs) == 8
    for about, options in runs:
        found = (options.mean_scale, options.guide_share, options.guide_rest, options.seed)
        assert found == tuple(about.values())
        assert options.guide == "invariance"


@pytest.mark.parametrize(
    ("module", "options", "sentence"),
    [
        ("choose", ("--rests", "[]"), "nothing to choose from"),
        ("choose", ("--rests", "[2]"), "guide_rest is 2.0: give a share from 0 to 1"),
        ("study", ("--guides", "[]", "--no-baseline"), "nothing to train"),
    ],
)
def test_a_grid_without_values_is_refused(
    module: str, options: tuple[str, ...], sentence: str, tmp_path: Path, run_here: RunCli
):
    done = run_here("-m", f"experiments.images.{module}", *options, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("eager")
def test_a_choice_runs_without_labels_and_is_kept(tmp_path: Path, toy_file: Path, run_here: RunCli):
    with np.load(toy_file) as arrays:
        np.savez(tmp_path / "bare.npz", x_train=arrays["x_train"], x_test=arrays["x_test"])
    out = tmp_path / "choice"
    command = (
        *("-m", "experiments.images.choose", "--dataset", tmp_path / "bare.npz", "--out", out),
        *("--rests", "[0.1]", "--scales", "[3]", "--epochs", "1", "--device", "cpu"),
    )
    done = run_here(*command)
    assert done.returncode == 0, done.stderr
    results = json.loads((out / "choice.json").read_text())
    assert results["chosen"]["rest"] == 0.1
    assert results["options"]["guide"] == "invariance"
    row = results["results"][0]
    assert 0 <= row["information"] <= np.log(10)
    assert row["distance"] > 0
