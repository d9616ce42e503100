"""WAE-GAN and AAE: cross-entropies by hand, whom they move, and codes that become the prior."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss

from gmae_tf.autoencoder import Batch
from gmae_tf.models import wae_gan
from gmae_tf.training.callbacks import BEST
from gmae_tf.training.fit import RatedAdam

SMALL = {"critic": (16, 16)}


def batch_of(model, x: np.ndarray) -> Batch:
    found = model(x, training=True)
    return Batch(model, x, found["encoded"], found["drawn"], found["reconstruction"], True)


def critic_by_hand(method: wae_gan.LatentCritic, z: np.ndarray) -> np.ndarray:
    weights = method.critic.get_weights()
    for i in range(0, len(weights) - 2, 2):
        z = np.maximum(z @ weights[i] + weights[i + 1], 0.0)
    return (z @ weights[-2] + weights[-1])[:, 0]


def test_terms_are_cross_entropies(make_model, two_blobs, monkeypatch):
    model = make_model("wae-gan", options=SMALL)
    true = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    monkeypatch.setattr("gmae_tf.distributions.sample_mixture", lambda *_: tf.constant(true))
    terms = model.method.loss_terms(batch_of(model, two_blobs[:20]))
    logits = critic_by_hand(model.method, np.concatenate([true, model.encode(two_blobs[:20])]))
    says = 1 / (1 + np.exp(-logits.astype(np.float64)))
    told = 2 * log_loss(np.repeat([1, 0], 20), says)  # each half is a mean in the sum
    assert float(terms["critic"]) == pytest.approx(told, rel=1e-4)
    passed = log_loss(np.ones(20), says[20:], labels=[0, 1])
    assert float(terms["adversary"]) == pytest.approx(passed, rel=1e-4)


def test_each_side_is_moved_by_its_own_term_alone(make_model, two_blobs):
    model = make_model("wae-gan", options=SMALL)
    encoder, critic = model.encoder.trainable_variables, model.method.critic.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        terms = model.method.loss_terms(batch_of(model, two_blobs[:20]))
    moved = lambda name, of: [g is not None for g in tape.gradient(terms[name], of)]  # noqa: E731
    assert all(moved("adversary", encoder))
    assert not any(moved("adversary", critic))
    assert all(moved("critic", critic))
    assert not any(moved("critic", encoder))


def test_weights_of_the_sources(make_model):
    gan, aae = make_model("wae-gan", options=SMALL), make_model("aae", options=SMALL)
    found = [(m.reconstruction_weight, m.method.term_weights["adversary"]) for m in (gan, aae)]
    assert found == [(6.0, 10.0), (3.0, 0.5)]


def test_method_survives_its_config(make_model):
    method = make_model("wae-gan", options={**SMALL, "mixture": True}).method
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(method))
    assert copy.get_config() == method.get_config()
    assert copy.prior.n_components == 2


def test_codes_become_the_prior(make_model):
    rng = np.random.default_rng(1)
    rows = (2.0 + 3.0 * rng.normal(size=(1000, 2)) @ np.eye(2, 6)).astype(np.float32)
    model = make_model("wae-gan", options={"critic": (64, 64)})
    # As in the source: with the usual momentum the two turn about each other.
    model.compile(
        optimizer=RatedAdam(model.method.lr_multipliers, 3e-3, beta_1=0.5), jit_compile=False
    )
    model.fit(rows, batch_size=50, epochs=15, verbose=0)
    codes = model.encode(rows)
    np.testing.assert_allclose(codes.mean(axis=0), 0.0, atol=0.3)
    np.testing.assert_allclose(codes.std(axis=0), 1.0, atol=0.3)
    assert np.mean(np.square(model.reconstruct(rows) - rows)) < 0.1 * rows.var()


def test_the_last_weights_are_kept_not_those_of_the_best_loss(
    make_model, train, two_blobs, tmp_path
):
    rows, options = two_blobs[:200], {"critic": [8]}
    trained = make_model("wae-gan", options=options)
    train(trained, rows, epochs=2)
    untrained = make_model("wae-gan", options=options)
    untrained.compile("adam")
    untrained.save_weights(tmp_path / "run" / BEST)
    again = make_model("wae-gan", options=options)
    train(again, rows, epochs=2)  # is done already, so only weights are loaded
    for found, last in zip(again.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(found, last)
