"""The density ratio and its divergence against an aggregated posterior that is a known mixture."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy import special, stats

from tests.oracles.batches import seen_by

SMALL = {"ratio": (64, 64)}


def moments(model, x):
    mean, log_variance = np.split(ops.convert_to_numpy(model.encoder(x)), 2, axis=1)
    return mean, np.exp(0.5 * 10 * np.tanh(log_variance / 10))


def test_terms_are_kl_less_ratio_and_cross_entropy(make_model, two_blobs):
    model = make_model("vae-iop", options=SMALL)
    x = two_blobs[:200]
    batch = seen_by(model, x, training=False)
    terms = model.method.loss_terms(batch)
    mean, deviation = moments(model, x)
    kl = 0.5 * (mean**2 + deviation**2 - 1 - 2 * np.log(deviation)).sum(axis=1).mean()
    many = seen_by(model, np.repeat(x, 50, axis=0), training=False)
    z = mean[None] + deviation * np.random.default_rng(0).normal(size=(50, *mean.shape))
    ratio = model.method.ratio.predict(z.reshape(-1, 2).astype("float32"), verbose=0)
    found = float(model.method.loss_terms(many)["kl"])
    assert found == pytest.approx(kl - ratio.mean(), abs=0.04)
    noise = np.random.default_rng(1).normal(size=(10_000, 2)).astype("float32")
    of_noise = model.method.ratio.predict(noise, verbose=0)
    told = special.log1p(np.exp(-ratio)).mean() + special.log1p(np.exp(of_noise)).mean()
    assert float(terms["ratio"]) == pytest.approx(told, rel=0.05)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="gradients of TensorFlow")
def test_each_side_is_moved_by_its_own_term_alone(make_model, two_blobs):
    import tensorflow as tf

    model = make_model("vae-iop", options=SMALL)
    encoder, ratio = model.encoder.trainable_variables, model.method.ratio.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        terms = model.method.loss_terms(seen_by(model, two_blobs[:20]))
    moved = lambda name, of: [g is not None for g in tape.gradient(terms[name], of)]  # noqa: E731
    assert all(moved("kl", encoder))
    assert not any(moved("kl", ratio))
    assert all(moved("ratio", ratio))
    assert not any(moved("ratio", encoder))


def log_aggregated(mean, deviation, z) -> np.ndarray:
    """log q(z) of components with equal weights."""
    within = stats.norm.logpdf(z[:, None], mean, deviation).sum(axis=2)
    return special.logsumexp(within, axis=1) - np.log(len(mean))


def test_ratio_divergence_and_samples_come_to_those_of_a_mixture(make_model, train, two_blobs):
    """The encoder stands still, so that q(z) is a mixture with a component for each row."""
    model = make_model("vae-iop", options=SMALL)
    model.encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    kernel = np.zeros((6, 4))
    kernel[:2, :2] = [[0.4, 0.0], [0.0, 0.25]]
    model.encoder.layers[0].set_weights([kernel, np.array([0.2, 0.0, -1.5, -1.0])])
    model.encoder.trainable = False
    train(model, np.tile(two_blobs, (20, 1)), epochs=3, batch_size=100)

    mean, deviation = moments(model, two_blobs)
    z = mean + deviation * np.random.default_rng(0).normal(size=mean.shape)
    log_q = log_aggregated(mean, deviation, z)
    expected = log_q - stats.norm.logpdf(z).sum(axis=1)
    found = model.method.ratio.predict(z.astype("float32"), verbose=0)[:, 0]
    assert np.std(expected) > 0.9
    assert np.mean(np.abs(found - expected)) < 0.25

    kl = np.mean(stats.norm.logpdf(z, mean, deviation).sum(axis=1) - log_q)
    estimate = float(model.method.loss_terms(seen_by(model, two_blobs))["kl"])
    assert estimate == pytest.approx(kl, abs=0.25)
    to_noise = 0.5 * (mean**2 + deviation**2 - 1 - 2 * np.log(deviation)).sum(axis=1).mean()
    assert estimate < to_noise - 0.5  # what it is with the prior of a plain one

    codes = model.sample_codes(5000, np.random.default_rng(0))
    values = np.linspace(-4, 4, 41)
    for j in range(2):
        below = stats.norm.cdf(values[:, None], mean[:, j], deviation[:, j]).mean(axis=1)
        share = np.searchsorted(np.sort(codes[:, j]), values) / 5000
        assert np.abs(share - below).max() < 0.08
        # N(0, I), from which the candidates are, is further away in the first coordinate.
        assert j or np.abs(stats.norm.cdf(values) - below).max() > 0.1


def test_samples_are_resampled_by_the_ratio(make_model):
    """With a ratio that is known: N(0, I) exp(a z_1) is N(a, 1) in the first coordinate."""
    model = make_model("vae-iop", options={"ratio": (), "candidates": 200})
    model.method.ratio.layers[-1].kernel.assign([[1.0], [0.0]])
    codes = model.sample_codes(20_000, np.random.default_rng(0))
    assert stats.kstest(codes[:, 0] - 1, "norm").statistic < 0.02
    assert stats.kstest(codes[:, 1], "norm").statistic < 0.02
    assert model.sample_codes(0, np.random.default_rng(0)).shape == (0, 2)
