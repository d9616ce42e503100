"""GM-VAE: its bound, the threshold of its cluster term, and samples of a cluster."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import softmax
from scipy.stats import entropy, multivariate_normal

from gmae_tf.autoencoder import Batch


def gaussian_kl(mean, variance, centre, spread) -> float:
    """Closed form, diagonal."""
    ratio = variance / spread
    return 0.5 * (ratio - 1 - np.log(ratio) + (mean - centre) ** 2 / spread).sum()


def test_terms_are_those_of_the_formula(make_model, rng) -> None:
    model = make_model("gm-vae", components=3, options={"style_dim": 2, "threshold": 0.1})
    method = model.method
    encoded = rng.normal(size=(6, 8)).astype("float32")
    z = rng.normal(size=(6, 2)).astype("float32")
    found = method.loss_terms(Batch(model, None, encoded, z, None, training=False))
    mean, log_variance, w, w_log_variance = map(ops.convert_to_numpy, method.moments(encoded))
    centres, spreads = map(ops.convert_to_numpy, method.clusters(w))
    prior = style = information = 0.0
    for n in range(6):
        log_density = [
            multivariate_normal(centres[n, k], np.diag(np.exp(spreads[n, k]))).logpdf(z[n])
            for k in range(3)
        ]
        posterior = softmax(log_density)
        variance = np.exp(log_variance[n])
        prior += sum(
            posterior[k] * gaussian_kl(mean[n], variance, centres[n, k], np.exp(spreads[n, k]))
            for k in range(3)
        )
        style += gaussian_kl(w[n], np.exp(w_log_variance[n]), np.zeros(2), np.ones(2))
        information += entropy(posterior, np.full(3, 1 / 3))
    assert float(found["prior"]) == pytest.approx(prior / 6, rel=1e-4)
    assert float(found["style"]) == pytest.approx(style / 6, rel=1e-4)
    assert float(found["information"]) == pytest.approx(information / 6, rel=1e-4)
    assert float(found["cluster"]) == pytest.approx(max(0.1, information / 6), rel=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients by a tape")
@pytest.mark.parametrize("threshold", [0.0, 2.0])
def test_below_the_threshold_the_cluster_term_moves_nothing(
    make_model, rng, threshold: float
) -> None:
    import tensorflow as tf

    model = make_model("gm-vae", options={"threshold": threshold})
    encoded = rng.normal(size=(6, 8)).astype("float32")
    z = rng.normal(size=(6, 2)).astype("float32")
    with tf.GradientTape() as tape:
        term = model.method.loss_terms(Batch(model, None, encoded, z, None, False))["cluster"]
    gradients = tape.gradient(term, [v.value for v in model.method.trainable_variables])
    size = sum(float(tf.norm(g)) for g in gradients if g is not None)
    assert float(term) >= threshold
    assert size > 1e-3 if threshold == 0 else size == 0


def test_samples_are_of_the_cluster_that_is_asked_for(make_model, rng) -> None:
    model = make_model("gm-vae", components=3)
    style = np.tile([[0.3, -0.7]], (4000, 1))
    centres, spreads = map(ops.convert_to_numpy, model.method.clusters(style[:1]))
    for group in range(3):
        codes = model.method.sample_codes(4000, rng, group, style)
        deviation = np.exp(0.5 * spreads[0, group])
        np.testing.assert_allclose(codes.mean(axis=0), centres[0, group], atol=0.1)
        np.testing.assert_allclose(codes.std(axis=0), deviation, rtol=0.06)
    assert model.method.sample_codes(5, rng).shape == (5, 2)


def test_one_weight_is_of_all_divergences(make_model) -> None:
    weights = make_model("gm-vae", options={"kl_weight": 0.5}).method.term_weights
    assert weights == {"prior": 0.5, "style": 0.5, "cluster": 0.5, "information": 0.0}


def test_finds_two_groups(make_model, train, two_blobs) -> None:
    options = {"threshold": 0.7, "style_dim": 1, "hidden": 32}
    model = make_model("gm-vae", steps=300, options=options)
    history = train(model, two_blobs, epochs=15)
    assert history[-1]["information"] > 0.3  # of log 2 = 0.69
    groups = model.cluster_probs(two_blobs).argmax(axis=1)
    share = (groups == np.arange(1000) % 2).mean()
    assert max(share, 1 - share) > 0.95
