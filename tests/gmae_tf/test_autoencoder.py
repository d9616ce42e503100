"""The autoencoder: loss, logs, saving, sampling."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.losses import MeanSquaredError
from gmae_tf.penalties import (
    GaussianMixturePenalty,
    NormPenalty,
    expected_covariance_distance,
)
from gmae_tf.prior import GaussianMixture
from grammar.autoencoder.losses import MaskedCrossEntropy
from tests.oracles import penalties as oracle

PRIOR = GaussianMixture.one_hot(2, 3, mean_scale=2.0)


def autoencoder(penalty=None, prior=None, weight: float = 10.0, hidden: int = 32) -> Autoencoder:
    """8 numbers -> 3 codes -> 8 numbers."""
    keras.utils.set_random_seed(0)
    encoder = keras.Sequential(
        [keras.Input((8,)), layers.Dense(hidden, activation="relu"), layers.Dense(3)]
    )
    decoder = keras.Sequential(
        [keras.Input((3,)), layers.Dense(hidden, activation="relu"), layers.Dense(8)]
    )
    return Autoencoder(encoder, decoder, MeanSquaredError(), weight, penalty, prior)


@pytest.fixture
def data(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(24, 8)).astype(np.float32)


def test_a_tiny_set_is_learnt_by_heart(data: np.ndarray):
    model = autoencoder(weight=1.0, hidden=128)
    model.compile(keras.optimizers.Adam(5e-3))
    often = np.tile(data[:6], (100, 1))
    before = model.evaluate(often, verbose=0, return_dict=True)["loss"]
    losses = model.fit(often, batch_size=6, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert before > 0.5
    assert losses[-1] < 1e-3
    np.testing.assert_allclose(model.reconstruct(data[:6]), data[:6], atol=0.15)


@pytest.mark.parametrize(
    ("penalty", "names"),
    [
        (None, {"reconstruction"}),
        (NormPenalty(), {"reconstruction", "norm"}),
        (GaussianMixturePenalty(PRIOR), {"reconstruction", "ks", "covariance"}),
        (GaussianMixturePenalty(PRIOR, sliced=1), {"reconstruction", "ks", "covariance", "sliced"}),
    ],
)
@pytest.mark.usefixtures("eager")
def test_every_term_is_logged_in_training_and_validation(penalty, names, data: np.ndarray):
    model = autoencoder(penalty)
    model.compile("adam")
    history = model.fit(data, validation_data=(data,), batch_size=12, epochs=1, verbose=0).history
    logged = names | {"loss"}
    assert set(history) == logged | {f"val_{name}" for name in logged}
    assert all(np.isfinite(values).all() for values in history.values())
    assert all(history[name][0] > 0 for name in logged)


def test_exact_match_is_logged_when_the_loss_knows_it(rng: np.random.Generator):
    rules = rng.integers(0, 3, size=(12, 4)).astype(np.uint8)
    encoder = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(12), layers.Reshape((4, 3))])
    model = Autoencoder(encoder, decoder, MaskedCrossEntropy(np.ones((3, 3))))
    model.compile()
    measured = model.evaluate(rules, batch_size=12, verbose=0, return_dict=True)
    best = model.reconstruct(rules).argmax(axis=-1)
    assert measured["exact_match"] == pytest.approx((best == rules).all(axis=1).mean())


def test_the_loss_is_the_weighted_sum_by_hand(data: np.ndarray):
    model = autoencoder(GaussianMixturePenalty(PRIOR, ks=2.0, covariance=0.5), weight=10.0)
    model.compile("adam")
    measured = model.evaluate(data, batch_size=len(data), verbose=0, return_dict=True)
    z = model.encode(data).astype(np.float64)
    n = len(data)
    by_hand = {
        "reconstruction": np.mean((model.reconstruct(data) - data) ** 2),
        "ks": oracle.ks_distance(z, PRIOR) * 6 * n**2 / (n + 1),
        "covariance": oracle.covariance_distance(z, PRIOR) / expected_covariance_distance(PRIOR, n),
    }
    for name, value in by_hand.items():
        assert measured[name] == pytest.approx(value, rel=1e-4)
    assert measured["loss"] == pytest.approx(
        10 * measured["reconstruction"] + 2 * measured["ks"] + 0.5 * measured["covariance"],
        rel=1e-6,
    )


def test_the_penalty_shapes_the_codes(rng: np.random.Generator):
    data = rng.normal(size=(200, 8)).astype(np.float32)
    model = autoencoder(GaussianMixturePenalty(PRIOR), weight=0.1)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(np.tile(data, (60, 1)), batch_size=100, epochs=1, shuffle=False, verbose=0)
    measured = model.evaluate(data, batch_size=100, verbose=0, return_dict=True)
    assert measured["ks"] < 3
    assert measured["covariance"] < 3
    np.testing.assert_allclose(model.encode(data).mean(axis=0), PRIOR.mean(), atol=0.4)


def test_one_batch_has_the_codes_of_many(data: np.ndarray):
    model = autoencoder()
    parts = model.encode(data, batch_size=5)
    for same in (data, data.astype(float), data.tolist()):
        codes = model.encode(same)
        assert codes.dtype == np.float32
        np.testing.assert_allclose(codes, parts, atol=1e-6)


@pytest.mark.parametrize(
    ("penalty", "prior"),
    [
        (GaussianMixturePenalty(PRIOR, sliced=0.3, midpoint=True), None),
        (NormPenalty(0.1), PRIOR),
        (None, None),
    ],
)
@pytest.mark.usefixtures("eager")
def test_a_saved_model_is_the_same_model(penalty, prior, data: np.ndarray, tmp_path: Path):
    model = autoencoder(penalty, prior)
    model.compile("adam")
    model.fit(data, batch_size=12, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.reconstruct(data), model.reconstruct(data))
    assert loaded.reconstruction_weight == 10.0
    assert int(loaded.optimizer.iterations) == 2
    if penalty is None:
        assert loaded.penalty is None
        assert loaded.prior is None
        return
    assert type(loaded.penalty) is type(penalty)
    assert loaded.penalty.weights == penalty.weights
    np.testing.assert_allclose(loaded.prior.means, PRIOR.means)
    np.testing.assert_allclose(loaded.prior.covariances, PRIOR.covariances)
    once, again = (m.evaluate(data, batch_size=24, verbose=0, return_dict=True)
                   for m in (model, loaded))  # fmt: skip
    for name in set(once) - {"loss", "sliced"}:  # directions differ: both have moved on
        assert again[name] == pytest.approx(once[name], rel=1e-6)


def test_samples_are_decoded_samples_of_the_prior(data: np.ndarray):
    model = autoencoder(GaussianMixturePenalty(PRIOR))
    drawn = model.sample(5, np.random.default_rng(3))
    expected = model.decode(PRIOR.sample(5, np.random.default_rng(3)))
    np.testing.assert_array_equal(drawn, expected)


def test_a_prior_of_its_own_goes_before_that_of_the_penalty():
    other = GaussianMixture.standard_normal(3)
    assert autoencoder(GaussianMixturePenalty(PRIOR), other).prior is other


def test_without_a_prior_there_is_nothing_to_sample_from(rng: np.random.Generator):
    with pytest.raises(UserError, match="no prior to sample from"):
        autoencoder(NormPenalty()).sample(3, rng)


def test_lines_between_codes_start_and_end_there(rng: np.random.Generator):
    model = autoencoder()
    start, end = rng.normal(size=(2, 4, 3))
    path = model.interpolate(start, end, steps=5)
    assert path.shape == (4, 5, 8)
    np.testing.assert_allclose(path[:, 0], model.decode(start), atol=1e-6)
    np.testing.assert_allclose(path[:, -1], model.decode(end), atol=1e-6)
    np.testing.assert_allclose(path[:, 2], model.decode((start + end) / 2), atol=1e-5)


def test_sizes_and_outputs(data: np.ndarray):
    model = autoencoder()
    assert model.latent_dim == 3
    assert model.encode(data).shape == (24, 3)
    output = model(data)
    np.testing.assert_allclose(output["latent"], model.encode(data), atol=1e-5)
    np.testing.assert_allclose(output["reconstruction"], model.reconstruct(data), atol=1e-5)
