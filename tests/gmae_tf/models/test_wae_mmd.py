"""WAE-MMD: the statistic against double loops, and codes that become the prior."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from gmae_tf.penalties import MeanDiscrepancyPenalty, mean_discrepancy
from gmae_tf.prior import GaussianMixture


def by_loops(z: np.ndarray, y: np.ndarray, spread: float) -> float:
    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        squared = float(np.sum((a - b) ** 2))
        return sum(c / (c + squared) for c in np.array([0.1, 0.2, 0.5, 1, 2, 5, 10]) * spread)

    n = len(z)
    pairs = [(i, j) for i in range(n) for j in range(n)]
    within = sum(kernel(z[i], z[j]) + kernel(y[i], y[j]) for i, j in pairs if i != j)
    return within / (n * (n - 1)) - 2 * sum(kernel(z[i], y[j]) for i, j in pairs) / n**2


def test_statistic_is_that_of_double_loops():
    rng = np.random.default_rng(0)
    z, y = rng.normal(1.0, 2.0, (7, 3)), rng.normal(size=(7, 3))
    found = float(mean_discrepancy(tf.constant(z), tf.constant(y), 6.0))
    assert found == pytest.approx(by_loops(z, y, 6.0), abs=1e-12)


def test_spread_is_the_mean_squared_distance_of_two_samples():
    assert MeanDiscrepancyPenalty(GaussianMixture.standard_normal(5)).spread == pytest.approx(10.0)
    mixture = GaussianMixture.one_hot(3, 4, 5.0)
    rng = np.random.default_rng(0)
    a, b = mixture.sample(100_000, rng), mixture.sample(100_000, rng)
    measured = np.mean(np.sum((a - b) ** 2, axis=1))
    assert MeanDiscrepancyPenalty(mixture).spread == pytest.approx(measured, rel=0.01)


def test_samples_of_the_prior_have_zero_on_average():
    mixture = GaussianMixture.one_hot(2, 2, 4.0)
    penalty, rng = MeanDiscrepancyPenalty(mixture), np.random.default_rng(0)
    values = [
        float(penalty(tf.constant(mixture.sample(40, rng), tf.float32))["mmd"]) for _ in range(60)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0.0
    off = penalty(tf.constant(mixture.sample(40, rng) + 2.0, tf.float32))["mmd"]
    assert float(off) > 10 * np.std(values)


def test_equal_codes_and_single_ones_have_finite_gradients():
    for rows in (6, 1):
        z = tf.zeros((rows, 3))
        with tf.GradientTape() as tape:
            tape.watch(z)
            term = MeanDiscrepancyPenalty(GaussianMixture.standard_normal(3))(z)["mmd"]
        assert np.isfinite(tape.gradient(term, z).numpy()).all()


def test_penalty_survives_its_config():
    penalty = MeanDiscrepancyPenalty(GaussianMixture.one_hot(2, 3, 4.0), 7.0, 5)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(penalty))
    assert copy.get_config() == penalty.get_config()


def test_codes_become_the_prior(make_model, train, two_blobs):
    model = make_model("wae-mmd")
    train(model, two_blobs, epochs=10, learning_rate=1e-2)
    codes = model.encode(two_blobs)
    np.testing.assert_allclose(codes.mean(axis=0), 0.0, atol=0.2)
    np.testing.assert_allclose(np.cov(codes.T), np.eye(2), atol=0.35)
    errors = np.mean(np.square(model.reconstruct(two_blobs) - two_blobs))
    assert errors < 0.2 * two_blobs.var()


def test_codes_become_the_mixture(make_model, train, two_blobs):
    model = make_model("wae-mmd", options={"mixture": True}, mean_scale=6.0)
    train(model, two_blobs, epochs=8, learning_rate=1e-2)
    responsibilities = model.cluster_probs(two_blobs)
    assert responsibilities.max(axis=1).mean() > 0.95
    np.testing.assert_allclose(responsibilities.mean(axis=0), 0.5, atol=0.1)
