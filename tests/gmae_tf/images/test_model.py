"""Image models: uint8 in, uint8 out, and a folder that gives the same model back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.images.model import WEIGHTS, ImageAutoencoder
from gmae_tf.penalties import GaussianMixturePenalty
from gmae_tf.prior import GaussianMixture


@pytest.fixture
def model() -> ImageAutoencoder:
    penalty = GaussianMixturePenalty(GaussianMixture.one_hot(3, 4, 5.0))
    return ImageAutoencoder.build(16, 1, 4, penalty=penalty, reconstruction_weight=7.0)


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, size=(9, 16, 16, 1), dtype=np.uint8)


def test_bytes_go_in_and_bytes_come_out(model: ImageAutoencoder, images: np.ndarray):
    codes = model.encode(images)
    assert codes.shape == (9, 4)
    np.testing.assert_allclose(codes, model.network.encode(images / np.float32(255)), atol=1e-5)
    decoded = model.decode(codes)
    assert decoded.dtype == np.uint8
    np.testing.assert_allclose(decoded, 255 * model.network.decode(codes), atol=0.51)
    np.testing.assert_array_equal(model.reconstruct(images), decoded)
    assert model.encode(images[:0]).shape == (0, 4)
    assert model.decode(codes[:0]).shape == (0, 16, 16, 1)


def test_large_sets_are_coded_in_parts(
    model: ImageAutoencoder, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    whole, decoded = model.encode(images), model.decode(np.eye(4))
    monkeypatch.setattr("gmae_tf.images.model.AT_ONCE", 2)
    np.testing.assert_allclose(model.encode(images), whole, atol=1e-6)
    np.testing.assert_array_equal(model.decode(np.eye(4)), decoded)


def test_a_folder_gives_the_same_model_back(
    model: ImageAutoencoder, images: np.ndarray, tmp_path: Path
):
    model.details = {"dataset": "toy"}
    model.save(tmp_path / "run")
    again = ImageAutoencoder.load(tmp_path / "run")
    np.testing.assert_array_equal(again.encode(images), model.encode(images))
    assert again.details["dataset"] == "toy"
    assert again.prior is not None
    np.testing.assert_array_equal(again.prior.means, 5 * np.eye(3, 4))
    assert again.network.reconstruction_weight == 7
    assert (again.side, again.channels, again.size) == (16, 1, "small")


def test_responsibilities_and_samples_are_those_of_the_prior(
    model: ImageAutoencoder, rng: np.random.Generator
):
    codes = 5 * np.eye(3, 4)
    assert (model.responsibilities(codes).argmax(axis=1) == [0, 1, 2]).all()
    assert model.sample(6, rng).shape == (6, 16, 16, 1)
    plain = ImageAutoencoder.build(16, 1, 4)
    with pytest.raises(UserError, match="no prior"):
        plain.sample(6, rng)
    with pytest.raises(UserError, match="no components"):
        plain.responsibilities(codes)


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_folder_is_refused_in_one_sentence(
    model: ImageAutoencoder, tmp_path: Path, damage: str
):
    model.save(tmp_path)
    path = tmp_path / WEIGHTS
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        (tmp_path / "model.json").write_text("{}")
    with pytest.raises(UserError, match="does not hold a trained image model") as error:
        ImageAutoencoder.load(tmp_path)
    assert "\n" not in str(error.value)
