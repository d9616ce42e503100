from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.images import ablation
from experiments.images.ablation import (
    AblationConfig,
    build,
    draw,
    measure,
    plane_prior,
    study,
    train,
)
from gmae_tf.errors import UserError
from gmae_tf.images.datasets import ImageData

MEANS = ((3.0, 3.0), (-3.0, -3.0))
PRIOR = plane_prior(MEANS)
SMALL = AblationConfig(show=(1, 2), filters=(4, 4), batch_size=20)


def toy_images(n: int = 60) -> ImageData:
    """Bars that stand (label 1) and lie (label 8), 8 x 8, at random places."""
    rng = np.random.default_rng(0)
    labels = rng.choice([1, 8], size=3 * n)
    images = np.zeros((3 * n, 8, 8, 1), dtype=np.uint8)
    for image, label, at in zip(images, labels, rng.integers(8, size=3 * n), strict=True):
        (image if label == 1 else image.swapaxes(0, 1))[:, at] = 255
    parts, numbers = np.split(images, 3), np.split(labels, 3)
    names = tuple(str(i) for i in range(10))
    return ImageData("toy", *parts, *numbers, names, "Bars.")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ImageData:
    data = toy_images()
    monkeypatch.setattr("gmae_tf.images.datasets.load_images", lambda *_, **__: data)
    return data


def test_codes_of_the_prior_measure_as_such(rng: np.random.Generator) -> None:
    codes = PRIOR.sample(1500, rng)
    labels = np.where(codes.sum(axis=1) > 0, 8, 1)
    found = measure(codes, labels, PRIOR, SMALL)
    for term in ("ks", "covariance", "sliced"):
        assert found[term] == pytest.approx(1.0, abs=0.25)
    assert found["share"] == pytest.approx([0.5, 0.5], abs=0.03)
    assert max(found["distance"]) < 0.1
    assert found["accuracy"] == 1.0
    assert found["covariance_of_codes"][0][1] == pytest.approx(9.0, abs=0.5)


def test_codes_that_miss_the_prior_measure_as_such(rng: np.random.Generator) -> None:
    flipped = PRIOR.sample(1500, rng) * [1, -1]
    labels = np.where(flipped[:, 0] > 0, 8, 1)
    found = measure(flipped, labels, PRIOR, SMALL)
    assert found["ks"] == pytest.approx(1.0, abs=0.3)
    assert found["covariance"] > 50
    aside = np.array([[2.0, 2.0], [2.0, 4.0]]).repeat(50, axis=0) + rng.normal(size=(100, 2)) / 10
    found = measure(aside, np.repeat([1, 8], 50), PRIOR, SMALL)
    assert found["share"] == [1.0, 0.0]
    assert found["distance"] == [pytest.approx(1.0, abs=0.05), None]
    assert found["accuracy"] == 0.5


def test_variants_start_equal_and_differ_in_their_terms() -> None:
    models = {name: build(SMALL, name, PRIOR, (8, 8, 1)) for name in ablation.VARIANTS}
    first = models["ks"].get_weights()
    for model in models.values():
        for a, b in zip(first, model.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    named = {name: set(model.penalty.weights) for name, model in models.items() if model.penalty}
    assert named == {"ks": {"ks"}, "covariance": {"covariance"}, "both": {"ks", "covariance"}}
    assert models["ks"].reconstruction_weight == pytest.approx(200.0)


@pytest.mark.usefixtures("eager")
def test_a_study_writes_codes_numbers_and_figure(
    toy: ImageData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(SMALL, out=tmp_path)
    study(config)
    results = json.loads((tmp_path / "ablation.json").read_text())
    rows = results["results"]
    assert [(r["terms"], r["epoch"]) for r in rows] == [
        (name, epoch) for name in ("ks", "covariance", "both") for epoch in (1, 2)
    ]
    assert results["held_out"] == len(toy.test)
    with np.load(tmp_path / "both" / "codes-0002.npz") as file:
        codes = file["codes"]
    again = measure(codes, toy.test_labels, PRIOR, config)  # type: ignore[arg-type]
    assert rows[-1]["ks"] == pytest.approx(again["ks"])
    assert (tmp_path / "ablation.png").read_bytes().startswith(b"\x89PNG")
    assert "held-out codes" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_an_interrupted_training_keeps_the_codes_of_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gmae_tf.training.callbacks import Checkpoint

    data = toy_images()
    whole = train(SMALL, "both", PRIOR, data, tmp_path / "whole")
    save = Checkpoint.on_epoch_end

    def killed_before_the_second_checkpoint(self: Any, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            raise KeyboardInterrupt
        save(self, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "on_epoch_end", killed_before_the_second_checkpoint)
        with pytest.raises(KeyboardInterrupt):
            train(SMALL, "both", PRIOR, data, tmp_path / "parts")
    parts = train(SMALL, "both", PRIOR, data, tmp_path / "parts")
    assert list(parts) == [1, 2]
    for epoch in parts:
        np.testing.assert_allclose(parts[epoch], whole[epoch], atol=1e-5)
    assert np.abs(parts[1] - parts[2]).max() > 1e-3


def test_the_figure_is_a_small_file(rng: np.random.Generator) -> None:
    codes = {name: {1: PRIOR.sample(2000, rng), 30: PRIOR.sample(2000, rng)} for name in "abc"}
    names = ablation.TITLES
    labels = rng.choice([1, 8], size=2000)
    named = dict(zip(names, codes.values(), strict=True))
    picture = draw(named, labels, PRIOR)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 300_000


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"digits": (1,)}, "at least two labels"),
        ({"means": ()}, "at least one mean"),
        ({"show": (0, 3)}, "epochs of 1"),
        ({"target_mse": 0.0}, "--target-mse must be greater than 0"),
    ],
)
def test_useless_options_are_refused(tmp_path: Path, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        study(replace(SMALL, out=tmp_path, **wrong))
    assert not list(tmp_path.iterdir())
