"""FlexAE: critics by hand, whom each term moves, and samples of a generator that look like data."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from gmae_tf.autoencoder import Batch
from gmae_tf.errors import UserError
from gmae_tf.models import build_model
from gmae_tf.models.config import Parts, Recipe
from gmae_tf.training.fit import RatedAdam

SMALL = {"widths": (16, 8), "critic_widths": (16,)}


def batch_of(model, x: np.ndarray) -> Batch:
    found = model(x, training=True)
    return Batch(model, x, found["encoded"], found["drawn"], found["reconstruction"], True)


def test_terms_of_a_linear_critic(make_model, two_blobs, monkeypatch):
    """With critic(z) = z . (3, 4) every norm of a gradient is 5, and the penalty 10 * (5 - 1)^2."""
    model, x = make_model("flexae", options={"widths": (), "critic_widths": ()}), two_blobs[:20]
    method, slope = model.method, np.array([[3.0], [4.0]])
    method.critic.set_weights([slope, np.zeros(1)])
    noise = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    monkeypatch.setattr(keras.random, "normal", lambda *_, **__: tf.constant(noise))
    terms = {name: float(term) for name, term in method.loss_terms(batch_of(model, x)).items()}
    codes = np.mean(model.encode(x) @ slope)
    kernel, bias = method.generator.get_weights()
    made = np.mean((noise @ kernel + bias) @ slope)
    expected = {"distance": codes - made, "critic": made - codes + 160.0}
    assert terms == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["flexae", "flexae-sr"])
def test_each_term_moves_its_own_part(make_model, two_blobs, name: str):
    model = make_model(name, options=SMALL)
    parts = {
        "encoder": model.encoder,
        "decoder": model.decoder,
        "generator": model.method.generator,
    }
    parts["critic"] = model.method.critic
    if name == "flexae-sr":
        parts["image_critic"] = model.method.image_critic
    with tf.GradientTape(persistent=True) as tape:
        terms = model.method.loss_terms(batch_of(model, two_blobs[:20]))
    moved = {
        term: {
            part
            for part, network in parts.items()
            if any(
                g is not None and np.any(g)
                for g in tape.gradient(value, network.trainable_variables)
            )
        }
        for term, value in terms.items()
    }
    expected = {"distance": {"encoder", "generator"}, "critic": {"critic"}}
    if name == "flexae-sr":
        expected |= {"between": {"encoder", "decoder"}, "image_critic": {"image_critic"}}
    assert moved == expected


def test_strings_have_no_critic_of_images():
    unused = lambda width: None  # noqa: E731
    with pytest.raises(UserError, match="flexae"):
        build_model(Parts(Recipe("flexae-sr", 2), unused, unused, None))


def test_method_survives_its_config(make_model):
    method = make_model("flexae-sr", options=SMALL).method
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(method))
    assert {**copy.get_config(), "image_critic": 0} == {**method.get_config(), "image_critic": 0}
    assert [layer.units for layer in copy.generator.layers] == [16, 8, 2]
    assert [layer.units for layer in copy.critic.layers] == [16, 1]
    assert copy.image_critic.count_params() == method.image_critic.count_params()


def test_samples_look_like_data(make_model):
    rng = np.random.default_rng(1)
    rows = (2.0 + 3.0 * rng.normal(size=(1000, 2)) @ np.eye(2, 6)).astype(np.float32)
    model = make_model("flexae", options={"widths": (64, 64), "critic_widths": (64, 64)})
    falling = keras.optimizers.schedules.CosineDecay(3e-3, 1000)
    optimizer = RatedAdam(model.method.lr_multipliers, falling, beta_1=0.5)
    model.compile(optimizer=optimizer, jit_compile=False)
    model.fit(rows, batch_size=50, epochs=50, verbose=0)
    assert np.mean(np.square(model.reconstruct(rows) - rows)) < 0.01 * rows.var()
    samples = model.sample(1000, np.random.default_rng(0))
    np.testing.assert_allclose(samples.mean(axis=0), 2.0, atol=2.0)
    np.testing.assert_allclose(samples.std(axis=0), rows.std(axis=0), atol=1.0)
