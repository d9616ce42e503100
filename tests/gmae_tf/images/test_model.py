"""Image models: uint8 in, uint8 out, and a folder that gives the same model back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
    assert model.sample(6, seed=rng).shape == (6, 16, 16, 1)
    plain = ImageAutoencoder.build(16, 1, 4)
    with pytest.raises(UserError, match="no prior"):
        plain.sample(6)
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


@pytest.mark.parametrize(
    "penalty",
    [
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", "ran"]}},
        {"module": "builtins", "class_name": "function", "config": "exec"},
        {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}},
        },
        {"module": "gmae_tf.penalties.norm", "class_name": "NormPenalty", "config": {"x": 1}},
    ],
)
def test_a_penalty_from_a_stranger_is_data(
    model: ImageAutoencoder, tmp_path: Path, penalty: Any, monkeypatch: pytest.MonkeyPatch
):
    model.save(tmp_path)
    described = json.loads((tmp_path / "model.json").read_text())
    described["network"]["penalty"] = penalty
    (tmp_path / "model.json").write_text(json.dumps(described))
    monkeypatch.chdir(tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(UserError, match="does not hold a trained image model"):
        ImageAutoencoder.load(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.fixture(scope="module")
def bars() -> np.ndarray:
    """Images [160, 8, 8] of an upright or a lying bar."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 30, size=(160, 8, 8), dtype=np.uint8)
    for i, (image, place) in enumerate(zip(images, rng.integers(0, 6, size=160), strict=True)):
        image[(slice(None), slice(place, place + 2))[:: 1 if i % 2 else -1]] = 250
    return images


@pytest.fixture(scope="module")
def fitted(bars: np.ndarray) -> ImageAutoencoder:
    return ImageAutoencoder.fit(
        bars, latent_dim=3, components=2, epochs=6, batch_size=12, guide="none", verbose=False
    )


def test_an_array_is_all_that_a_training_needs(fitted: ImageAutoencoder, bars: np.ndarray):
    losses = [row["val_reconstruction"] for row in fitted.details["history"]]
    assert len(losses) == 6
    error = np.mean((fitted.reconstruct(bars)[..., 0] / 255.0 - bars / 255.0) ** 2)
    assert error < 0.7 * np.mean((bars / 255.0 - bars.mean(axis=0) / 255.0) ** 2)
    assert fitted.details["options"]["mean_scale"] == 6  # of the preset


def test_clusters_are_the_likeliest_components(fitted: ImageAutoencoder, bars: np.ndarray):
    z = fitted.encode(bars)
    assert fitted.prior is not None
    near = np.linalg.norm(z[:, None] - fitted.prior.means, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(fitted.clusters(bars), near)
    with pytest.raises(UserError, match="no clusters"):
        ImageAutoencoder.build(8, 1, 3).clusters(bars)


@pytest.mark.usefixtures("eager")
def test_a_seed_gives_the_same_model_and_samples(bars: np.ndarray, fitted: ImageAutoencoder):
    options = {"latent_dim": 2, "components": 2, "epochs": 1, "batch_size": 9, "guide": "none"}
    first, second = (ImageAutoencoder.fit(bars[:100], **options, verbose=False) for _ in range(2))
    np.testing.assert_array_equal(first.encode(bars), second.encode(bars))
    np.testing.assert_array_equal(fitted.sample(5, seed=3), fitted.sample(5, seed=3))
    assert (fitted.sample(5, seed=3) != fitted.sample(5, seed=4)).any()


def test_floats_are_the_same_images(fitted: ImageAutoencoder, bars: np.ndarray):
    codes = fitted.encode(bars)
    for same in (bars[..., None], bars / 255, (bars / 255).astype(np.float32), bars.tolist()):
        np.testing.assert_array_equal(fitted.encode(same), codes)


def test_interpolations_end_at_the_reconstructions(fitted: ImageAutoencoder, bars: np.ndarray):
    lines = fitted.interpolate(bars[:3], bars[3:6], steps=5)
    assert lines.shape == (3, 5, 8, 8, 1)
    ends = np.stack([lines[:, 0], lines[:, -1]]).astype(int)
    expected = np.stack([fitted.reconstruct(bars[:3]), fitted.reconstruct(bars[3:6])])
    assert np.abs(ends - expected).max() <= 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda x: x / 127.5 - 1, "floats between 0 and 1"),
        (lambda x: x.astype(float), "floats between 0 and 1"),
        (lambda x: x[:, :4, :4], "4 x 4 x 1, but the model was trained on 8 x 8 x 1"),
        (lambda x: np.stack([x] * 3, axis=-1), "8 x 8 x 3"),
        (lambda x: x[0], "has the shape"),
    ],
)
def test_other_images_are_refused_in_one_sentence(
    change: Any, sentence: str, fitted: ImageAutoencoder, bars: np.ndarray
):
    with pytest.raises(UserError, match=sentence) as error:
        fitted.encode(change(bars))
    assert "\n" not in str(error.value)


def test_codes_of_another_width_are_refused(fitted: ImageAutoencoder):
    for codes in (np.zeros(3), np.zeros((2, 4))):
        with pytest.raises(UserError, match=r"give \[N, 3\]"):
            fitted.decode(codes)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"leraning_rate": 1e-3}, "no option 'leraning_rate'"),
        ({"components": 4, "latent_dim": 3}, "raise latent-dim"),
        ({"model": "gma"}, "no model"),
        ({"size": "huge"}, "small or paper"),
        ({"epochs": 0}, "greater than 0"),
        ({"validation": np.zeros((2, 4, 4), np.uint8)}, "same shape"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: dict[str, Any], sentence: str, bars: np.ndarray
):
    with pytest.raises(UserError, match=sentence):
        ImageAutoencoder.fit(bars, **options)


def test_images_that_cannot_be_trained_on_are_refused(bars: np.ndarray):
    for images in (bars[:40], bars[:, :7, :7], bars[:, :4]):
        with pytest.raises(UserError, match="at least 50 square ones"):
            ImageAutoencoder.fit(images)


@pytest.mark.usefixtures("eager")
def test_batches_as_large_as_the_data_are_warned_of(bars: np.ndarray, tmp_path: Path):
    options = {"latent_dim": 2, "components": 2, "epochs": 1, "guide": "none", "verbose": False}
    with pytest.warns(UserWarning, match="98 training images at batch size 100 are 1 training"):
        model = ImageAutoencoder.fit(
            bars[:98], validation=bars[98:], folder=str(tmp_path / "run"), **options
        )
    assert (tmp_path / "run" / "state.json").exists()
    model.save(str(tmp_path / "saved"))
    again = ImageAutoencoder.load(str(tmp_path / "saved"))
    np.testing.assert_array_equal(again.encode(bars), model.encode(bars))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_codes_that_are_not_finite_are_no_grey_image(model: ImageAutoencoder, bad: float):
    with pytest.raises(UserError, match=r"codes\[1\] is not finite"):
        model.decode([[0, 0, 0, 0], [0, bad, 0, 0]])
    with pytest.raises(UserError, match="codes are not numbers"):
        model.decode("codes")


@pytest.mark.parametrize("n", [-1, 1.5, "3"])
def test_a_number_of_samples_is_whole(model: ImageAutoencoder, n: Any):
    with pytest.raises(UserError, match=f"n is {n!r}: give"):
        model.sample(n)


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"guide": "neighbors"}, "guide is 'neighbors': choose none or neighbours or invariance"),
        ({"schedule": "linear"}, "schedule is 'linear': choose plateau or cosine"),
        ({"target_mse": "automatic"}, "target_mse is 'automatic': choose auto"),
    ],
)
def test_a_misspelt_choice_is_not_another_training(option: dict[str, str], complaint: str):
    with pytest.raises(UserError, match=complaint):
        ImageAutoencoder.fit(np.zeros((60, 16, 16, 1), np.uint8), **option)
