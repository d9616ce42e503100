"""GMVAE with Gumbel-softmax: its samples, its bound, its temperature."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import softmax
from scipy.stats import chisquare, entropy

from gmae_tf.autoencoder import Batch
from gmae_tf.distributions import gumbel_softmax, kl_to_uniform


def test_samples_have_the_probabilities_of_the_softmax() -> None:
    logits = np.array([1.0, 0.0, -1.0], np.float32)
    seed = keras.random.SeedGenerator(0)
    samples = ops.convert_to_numpy(gumbel_softmax(np.tile(logits, (5000, 1)), 0.1, seed))
    np.testing.assert_allclose(samples.sum(axis=1), 1.0, rtol=1e-5)
    counts = np.bincount(samples.argmax(axis=1), minlength=3)
    assert chisquare(counts, 5000 * softmax(logits)).pvalue > 0.001
    assert (samples.max(axis=1) > 0.9).mean() > 0.8
    warm = ops.convert_to_numpy(gumbel_softmax(np.tile(logits, (5000, 1)), 5.0, seed))
    assert warm.max(axis=1).mean() < 0.6


def test_terms_are_those_of_the_formula(make_model, rng) -> None:
    model = make_model("gmvae", components=3, options={"features": 4})
    method = model.method
    encoded = rng.normal(size=(5, 7)).astype("float32")
    found = method.loss_terms(Batch(model, None, encoded, None, None, training=False))
    best = np.eye(3, dtype=np.float32)[encoded[:, :3].argmax(axis=1)]
    mean, log_variance = map(ops.convert_to_numpy, method.moments(encoded, best))
    centre, spread = map(ops.convert_to_numpy, method.clusters(best))
    ratio = np.exp(log_variance - spread)
    gaussian = 0.5 * (ratio - 1 - np.log(ratio) + (mean - centre) ** 2 / np.exp(spread)).sum(1)
    divergence = entropy(softmax(encoded[:, :3], axis=1), np.full((5, 3), 1 / 3), axis=1)
    assert float(found["gaussian"]) == pytest.approx(gaussian.mean(), rel=1e-4)
    assert float(found["categorical"]) == pytest.approx(divergence.mean(), rel=1e-4)
    np.testing.assert_allclose(kl_to_uniform(encoded[:, :3]), divergence, rtol=1e-4)
    np.testing.assert_allclose(
        method.cluster_probs(encoded), softmax(encoded[:, :3], axis=1), rtol=1e-4
    )


def test_temperature_falls_to_its_end_in_half_the_training(make_model) -> None:
    method = make_model("gmvae", steps=100, options={"features": 4, "temperature": 0.5}).method
    encoded = np.zeros((4000, 6), np.float32)
    sharpness = []
    for step in (0, 50, 100):
        method.steps.count.assign(float(step))
        sharpness.append(float(ops.mean(ops.max(method.choose(encoded, True), axis=-1))))
    # With two groups and equal logits, the larger value is sigmoid(|logistic noise| / t).
    noise = np.abs(np.random.default_rng(0).logistic(size=200_000))
    expected = [np.mean(1 / (1 + np.exp(-noise / t))) for t in (1.0, 0.5, 0.5)]
    np.testing.assert_allclose(sharpness, expected, atol=0.015)


def test_samples_come_from_the_learnt_components(make_model, rng) -> None:
    model = make_model("gmvae")
    centre, spread = map(ops.convert_to_numpy, model.method.clusters(np.eye(2, dtype="float32")))
    codes = model.method.sample_codes(20_000, rng)
    second = (np.exp(spread) + centre**2).mean(axis=0)
    np.testing.assert_allclose(codes.mean(axis=0), centre.mean(axis=0), atol=0.05)
    np.testing.assert_allclose((codes**2).mean(axis=0), second, rtol=0.05)


def test_finds_two_groups(make_model, train, two_blobs) -> None:
    options = {"features": 32, "gaussian_weight": 1.0, "categorical_weight": 1.0}
    model = make_model("gmvae", steps=300, options=options)
    history = train(model, two_blobs, epochs=15)
    assert 0.25 < history[-1]["categorical"] < 0.6  # log 2 = 0.69 if nothing kept it low
    groups = model.cluster_probs(two_blobs).argmax(axis=1)
    share = (groups == np.arange(1000) % 2).mean()
    assert max(share, 1 - share) > 0.95
