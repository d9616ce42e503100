"""The choice of features, and the table of all measures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.images.features.extractors import SCORES, evaluate_sets, make_extractor
from gmae_tf.metrics.sets import (
    f_beta_summary,
    frechet_distance,
    kernel_distance,
    neighbour_precision_recall,
    prd_curve,
    sliced_wasserstein,
)


class Corners:
    """Means of the four quarters of an image: features without a network."""

    name, dim = "fd_corners", 4

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.calls += 1
        halves = images.reshape(len(images), 2, 2, 2, 2).astype(float)  # [N, row, ., column, .]
        return halves.mean(axis=(2, 4)).reshape(len(images), 4)


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 200, (400, 4, 4, 1), dtype=np.uint8)


def test_rows_are_the_measures_themselves(images: np.ndarray):
    extractor, own, reference = Corners(), images[:200], images[200:]
    (row,) = evaluate_sets(extractor, reference, [("samples", own)], seed=3)
    a, b = Corners()(own), Corners()(reference)
    assert (row["name"], row["n"]) == ("samples", 200)
    assert row["frechet"] == pytest.approx(frechet_distance(a, b))
    assert (row["f8"], row["f1_8"]) == f_beta_summary(prd_curve(a, b, seed=3))
    assert (row["precision"], row["recall"]) == neighbour_precision_recall(a, b, seed=3)
    assert (row["kernel"], row["kernel_std"]) == kernel_distance(a, b, seed=3)
    assert row["sliced_wasserstein"] == sliced_wasserstein(own, reference, seed=3)


def test_anchors_lie_around_the_samples(images: np.ndarray, rng: np.random.Generator):
    reference, floor = np.split(images, 2)
    noise = rng.integers(0, 256, reference.shape, dtype=np.uint8)
    near = np.clip(floor.astype(int) + 12, 0, 255).astype(np.uint8)
    extractor = Corners()
    sets = {"real": floor, "near": near, "noise": noise}
    rows = evaluate_sets(extractor, reference, sets.items())
    assert [row["name"] for row in rows] == ["real", "near", "noise"]
    assert extractor.calls == 4  # the reference once
    for name in ("frechet", "kernel", "sliced_wasserstein"):
        values = [row[name] for row in rows]
        assert values == sorted(values)
    for name in ("f8", "f1_8", "precision", "recall"):
        assert rows[0][name] > rows[2][name]
        assert all(0 <= row[name] <= 1 for row in rows)


def test_without_features_only_pixels_are_compared(images: np.ndarray):
    (row,) = evaluate_sets(None, images[:100], [("x", images[100:150])])
    sliced = sliced_wasserstein(images[100:150], images[:100])
    assert row == {"name": "x", "n": 50, "sliced_wasserstein": sliced, **dict.fromkeys(SCORES)}


def test_the_extractor_follows_what_is_there(tmp_path: Path):
    assert make_extractor("celeba", labelled=False) is None
    found = make_extractor("mnist", labelled=True)
    assert found is not None
    assert found.name.startswith("fd_clf[mnist-")
    assert found.dim == 128
    with pytest.raises(UserError, match="pth"):
        make_extractor("mnist", labelled=True, inception=tmp_path / "none.pth")
    with pytest.raises(UserError, match="classifier"):
        make_extractor("celeba", labelled=False, classifier=tmp_path)
    with pytest.raises(UserError, match="--dataset no-such-set"):
        make_extractor("no-such-set", labelled=True)
