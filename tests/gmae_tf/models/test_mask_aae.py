"""MaskAAE: terms by hand, whom each moves, and a mask that leaves what the data need."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from gmae_tf.autoencoder import Batch
from gmae_tf.training.fit import RatedAdam

SMALL = {"critic": (16, 16)}


def batch_of(model, x: np.ndarray, training: bool = True) -> Batch:
    found = model(x, training=training)
    return Batch(model, x, found["encoded"], found["drawn"], found["reconstruction"], training)


def test_terms_of_a_linear_critic(make_model, two_blobs, monkeypatch):
    """With critic(z) = z . (3, 4) every norm of a gradient is 5, and the penalty 10 * (5 - 1)^2."""
    model, x = make_model("maskaae", options={"critic": ()}, steps=1000), two_blobs[:20]
    method, slope = model.method, np.array([[3.0], [4.0]])
    method.critic.set_weights([slope, np.zeros(1)])
    method.masking.m.assign([0.2, 1.5])
    noise = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    monkeypatch.setattr(keras.random, "normal", lambda *_, **__: tf.constant(noise))
    alpha = 1 - np.exp([-0.2, -1.5])
    z = model.encoder(x).numpy()
    np.testing.assert_allclose(model.encode(x), z * alpha, rtol=1e-5)
    gap = np.mean(z * alpha @ slope) - np.mean(noise * alpha @ slope)
    for step in (0, 399, 421, 450, 999):  # 400 steps, and then 20 for each doubling
        method.steps.count.assign(step)
        terms = {name: float(term) for name, term in method.loss_terms(batch_of(model, x)).items()}
        weight = min(2048, 2 ** max(0, (step - 400) // 20))
        expected = {
            "adversary": -gap,
            "variance": np.mean((z - z.mean(axis=0)) ** 2 * np.exp(-10 * alpha**2)),
            "mask": (1 - gap) ** 2 + weight * np.sum(alpha * (1 - alpha)),
            "critic": gap + 160.0,
        }
        assert terms == pytest.approx(expected, rel=1e-4)
        assert int(method.steps.count) == step + 1
    validated = method.loss_terms(batch_of(model, x, training=False))
    assert float(validated["mask"]) == pytest.approx(terms["mask"])


def test_each_term_moves_its_own_part(make_model, two_blobs):
    model = make_model("maskaae", options=SMALL)
    parts = {"encoder": model.encoder, "critic": model.method.critic, "mask": model.method.masking}
    with tf.GradientTape(persistent=True) as tape:
        batch = batch_of(model, two_blobs[:20])
        terms = model.method.loss_terms(batch)
        terms["reconstruction"] = tf.reduce_mean(tf.square(batch.x - batch.reconstruction))
    moved = {
        term: {
            part
            for part, layer in parts.items()
            if any(g is not None for g in tape.gradient(value, layer.trainable_variables))
        }
        for term, value in terms.items()
    }
    assert moved == {
        "adversary": {"encoder"},
        "variance": {"encoder"},
        "mask": {"mask"},
        "critic": {"critic"},
        "reconstruction": {"encoder", "mask"},
    }


def test_method_survives_its_config(make_model):
    method = make_model("maskaae", options=SMALL).method
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(method))
    assert copy.get_config() == method.get_config()


def test_samples_are_masked(make_model):
    model = make_model("maskaae", options=SMALL)
    model.method.masking.m.assign([0.0, 1.0])
    codes = model.sample_codes(4000, np.random.default_rng(0))
    np.testing.assert_allclose(codes.std(axis=0), [0.0, 1 - np.exp(-1)], atol=0.03)


def test_mask_leaves_what_the_data_need(make_model):
    rng = np.random.default_rng(1)
    rows = (3.0 * rng.normal(size=(1000, 2)) @ np.eye(2, 6)).astype(np.float32)
    model = make_model("maskaae", latent_dim=6, options={"critic": (64, 64)}, steps=400)
    model.compile(
        optimizer=RatedAdam(model.method.lr_multipliers, 3e-3, beta_1=0.5), jit_compile=False
    )
    model.fit(rows, batch_size=50, epochs=20, verbose=0)
    active = model.method.mask().numpy() >= 0.1
    assert 2 <= active.sum() <= 4
    assert np.mean(np.square(model.reconstruct(rows) - rows)) < 0.1 * rows.var()
