"""The classifier whose features are compared: shape, storing, training, finding."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.images.datasets import ImageData
from gmae_tf.images.features import classifier as module
from gmae_tf.images.features.classifier import (
    SHIPPED,
    Classifier,
    ClassifierConfig,
    cached_folder,
    fit_classifier,
    load_classifier,
    slug,
)
from gmae_tf.training.batches import shift_images

LABELS = np.array([1, 4, 8])


def squares(n: int, seed: int, labelled: bool = True) -> ImageData:
    """12 x 12 colour images of classes 1, 4, 8: red, green or blue on noise."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(LABELS, n)
    images = rng.integers(0, 80, (n, 12, 12, 3), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[3:9, 3:9, np.searchsorted(LABELS, label)] += 150
    parts = np.split(images, [n // 2, 3 * n // 4])
    numbers = np.split(labels, [n // 2, 3 * n // 4]) if labelled else [None] * 3
    names = tuple(f"class {i}" for i in range(9)) if labelled else None
    return ImageData("squares", *parts, *numbers, names, "Drawn by a test.")


@pytest.fixture(scope="module")
def trained() -> Classifier:
    return fit_classifier(squares(400, 0), ClassifierConfig(epochs=3, batch_size=20, shift=1))


def test_it_learns_and_tells_its_accuracy(trained: Classifier):
    test = squares(400, 0)
    found = LABELS[trained.predict(test.test)]
    accuracy = np.mean(found == test.test_labels)
    assert accuracy > 0.9
    assert trained.details.test_accuracy == pytest.approx(accuracy)
    assert trained.details.classes == ("class 1", "class 4", "class 8")
    assert (trained.details.side, trained.details.channels) == (12, 3)


def test_features_decide_the_class(trained: Classifier):
    images = squares(40, 3).train
    features = trained.features(images)
    assert features.shape == (20, 128) == (20, trained.dim)
    assert features.dtype == np.float32
    kernel, bias = trained.network.get_layer("logits").get_weights()
    np.testing.assert_array_equal(
        (features @ kernel + bias).argmax(axis=1), trained.predict(images)
    )
    np.testing.assert_array_equal(trained(images), features)


def test_what_is_stored_is_what_was_scored(trained: Classifier, tmp_path: Path):
    trained.save(tmp_path)
    again = Classifier.load(tmp_path)
    images = squares(40, 5).train
    assert again.details == trained.details
    np.testing.assert_array_equal(again.features(images), trained.features(images))
    assert again.name == f"fd_clf[squares-{again.details.sha256[:6]}]"


def test_changed_weights_are_found(trained: Classifier, tmp_path: Path):
    trained.save(tmp_path)
    path = tmp_path / "weights.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["000"] = arrays["000"] + np.float16(0.5)
    np.savez(path, **arrays)
    with pytest.raises(UserError, match="not those"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "cut", "no json", "foreign json"])
def test_a_damaged_folder_is_one_sentence(damage: str, trained: Classifier, tmp_path: Path):
    trained.save(tmp_path)
    weights, details = tmp_path / "weights.npz", tmp_path / "classifier.json"
    if damage == "missing":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "no json":
        details.write_text("{")
    else:
        details.write_text(json.dumps({"name": "x"}))
    with pytest.raises(
        UserError, match=r"python -m gmae_tf\.images\.features\.classifier"
    ) as error:
        load_classifier("squares", tmp_path)
    assert "\n" not in str(error.value)


def test_other_images_are_refused(trained: Classifier):
    for images in (np.zeros((2, 12, 12, 1), np.uint8), np.zeros((2, 12, 12, 3), np.float32)):
        with pytest.raises(UserError, match="uint8 images of shape"):
            trained.features(images)
    assert trained.features(np.zeros((0, 12, 12, 3), np.uint8)).shape == (0, 128)


def test_data_without_labels_is_refused():
    with pytest.raises(UserError, match="no labels"):
        fit_classifier(squares(40, 0, labelled=False), ClassifierConfig())


def test_shifted_images_are_rolled_ones_inside(rng: np.random.Generator):
    images = rng.integers(0, 256, (4, 6, 6, 2), dtype=np.uint8)
    offsets = np.array([[0, 0], [1, 0], [-2, 1], [2, -2]])
    moved = shift_images(images, offsets, 2)
    for image, (down, right), found in zip(images, offsets, moved, strict=True):
        expected = np.roll(image, (down, right), axis=(0, 1))
        np.testing.assert_array_equal(found[2:-2, 2:-2], expected[2:-2, 2:-2])
    np.testing.assert_array_equal(moved[1][0], images[1][0])  # the border is repeated


def test_the_users_cache_is_searched_last(
    trained: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    with pytest.raises(UserError, match="--dataset squares"):
        load_classifier("squares")
    trained.save(cached_folder("squares"))
    assert load_classifier("squares").name == trained.name
    monkeypatch.setattr(module, "SHIPPED", tmp_path / "shipped")
    trained.save(tmp_path / "shipped" / "squares")
    (cached_folder("squares") / "weights.npz").unlink()
    assert load_classifier("squares").name == trained.name


def test_folders_are_named_by_their_last_part():
    assert slug("/elsewhere/me/my faces/") == "my_faces"
    assert slug("mnist") == "mnist"


@pytest.mark.parametrize(("dataset", "least"), [("mnist", 0.992), ("fashion_mnist", 0.91)])
def test_the_shipped_classifiers_are_good_and_small(dataset: str, least: float):
    shipped = load_classifier(dataset)
    assert shipped.details.test_accuracy >= least
    assert (shipped.details.side, shipped.details.channels) == (32, 1)
    assert shipped.name.startswith(f"fd_clf[{dataset}-")
    assert (SHIPPED / dataset / "weights.npz").stat().st_size < 1_000_000


@pytest.mark.data
@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_the_stated_accuracy_is_true(dataset: str, data_dir: Path):
    from gmae_tf.images.datasets import load_images

    data, shipped = load_images(dataset, data_dir=data_dir), load_classifier(dataset)
    images, labels = data.test[:2000], data.test_labels
    assert labels is not None
    accuracy = np.mean(shipped.predict(images) == labels[:2000])
    error = np.sqrt(shipped.details.test_accuracy * (1 - shipped.details.test_accuracy) / 2000)
    assert accuracy == pytest.approx(shipped.details.test_accuracy, abs=4 * error)


@pytest.mark.parametrize("option", ["--epochs=0", "--batch-size=-1", "--shift=-2"])
def test_the_command_refuses_nonsense(option: str, capsys: pytest.CaptureFixture[str]):
    from gmae_tf.images.features.classifier import main

    with pytest.raises(SystemExit) as stop:
        main([option])
    assert stop.value.code == 2
    assert option.split("=")[0] in capsys.readouterr().err
