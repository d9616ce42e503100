"""VQ-VAE: nearest entries and distances by loops, whom they move, and samples of both groups."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from gmae_tf.autoencoder import Batch
from gmae_tf.models.vq_vae import CausalPerceptron

SMALL = {"entries": 8, "positions": 2, "dims": 2, "units": 16}


def test_terms_are_distances_to_the_nearest_entries(make_model, two_blobs):
    model, x = make_model("vq-vae", options=SMALL), two_blobs[:20]
    method = model.method
    method.start_epoch(model, [(x,)], 0)
    found = model(x, training=True)
    terms = method.loss_terms(Batch(model, x, found["encoded"], found["drawn"], None, True))
    parts, book = found["encoded"].numpy().reshape(-1, 2), method.book.numpy()
    distances = cdist(parts, book, "sqeuclidean")
    nearest = distances.argmin(axis=1)
    codes = book[nearest].reshape(20, 4)
    np.testing.assert_allclose(model.encode(x), codes, rtol=1e-6)
    np.testing.assert_allclose(found["drawn"], codes, atol=1e-6)
    expected = distances.min(axis=1).reshape(20, 2).sum(axis=1).mean()
    assert float(terms["codebook"]) == pytest.approx(expected, rel=1e-4)
    assert float(terms["commitment"]) == pytest.approx(expected, rel=1e-4)
    logits = method.prior.predict(nearest.reshape(20, 2)).reshape(40, 8)
    nats = 2 * log_loss(
        nearest, np.exp(log_softmax(logits.astype(np.float64), axis=1)), labels=range(8)
    )
    assert float(terms["prior"]) == pytest.approx(nats, rel=1e-4)


def test_each_term_moves_its_own_part(make_model, two_blobs):
    model, x = make_model("vq-vae", options=SMALL), two_blobs[:20]
    model.method.start_epoch(model, [(x,)], 0)
    method = model.method
    with tf.GradientTape(persistent=True) as tape:
        found = model(x, training=True)
        terms = method.loss_terms(Batch(model, x, found["encoded"], found["drawn"], None, True))
        terms["reconstruction"] = tf.reduce_mean(tf.square(x - found["reconstruction"]))
        direct = tf.reduce_sum(found["drawn"] * 3.0)
    parts = {
        "encoder": model.encoder.trainable_variables,
        "book": [method.book],
        "prior": method.prior.trainable_variables,
    }
    moved = {
        term: {
            part
            for part, variables in parts.items()
            if any(g is not None for g in tape.gradient(value, [v.value for v in variables]))
        }
        for term, value in terms.items()
    }
    assert moved == {
        "codebook": {"book"},
        "commitment": {"encoder"},
        "prior": {"prior"},
        "reconstruction": {"encoder"},
    }
    np.testing.assert_array_equal(tape.gradient(direct, found["encoded"]), np.full((20, 4), 3.0))


def test_prior_sees_earlier_positions_alone():
    prior = CausalPerceptron(5, 4, 8)
    indices = np.array([[0, 1, 2, 3, 0]])
    logits = prior.predict(indices)
    for position in range(5):
        other = indices.copy()
        other[0, position] = (other[0, position] + 1) % 4
        changed = np.abs(prior.predict(other) - logits).max(axis=(0, 2)) > 0
        np.testing.assert_array_equal(changed, np.arange(5) > position)


def test_default_code_has_128_numbers(make_model):
    model = make_model("vq-vae", latent_dim=3)
    assert model.latent_dim == 128
    assert model.sample_codes(5, np.random.default_rng(0)).shape == (5, 128)


def test_method_survives_its_config(make_model):
    method = make_model("vq-vae", options=SMALL).method
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(method))
    assert copy.get_config() == method.get_config()


def test_samples_are_of_both_groups(make_model, train, two_blobs):
    model = make_model("vq-vae", options=SMALL)
    train(model, two_blobs, epochs=8, learning_rate=1e-2)
    assert np.mean(np.square(model.reconstruct(two_blobs) - two_blobs)) < 0.1 * two_blobs.var()
    # Positions chosen each by itself would mix the groups in half of all cases.
    centres = model.sample(1000, np.random.default_rng(0)).mean(axis=1)
    assert np.mean(np.abs(np.abs(centres) - 3.0) < 1.5) > 0.75
    assert 0.3 < np.mean(centres > 0) < 0.7
