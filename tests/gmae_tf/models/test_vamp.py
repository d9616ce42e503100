from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from gmae_tf.errors import UserError
from gmae_tf.models.config import Parts, Recipe
from gmae_tf.models.vamp import build
from tests.oracles.batches import seen_by


@pytest.fixture(scope="module")
def scaled(two_blobs):
    low, high = two_blobs.min(), two_blobs.max()
    return (two_blobs - low) / (high - low)


def moments(model, x):
    mean, log_variance = np.split(ops.convert_to_numpy(model.encoder(x)), 2, axis=1)
    return mean, np.exp(0.5 * 10 * np.tanh(log_variance / 10))


def test_kl_is_a_double_loop_over_examples_and_pseudo_inputs(make_model, scaled):
    model = make_model("vampprior", options={"pseudo_inputs": 3, "warm_up": 0.5}, steps=10)
    u = np.random.default_rng(1).uniform(size=(3, 6)).astype(np.float32)
    model.method.inputs.assign(u)
    batch = seen_by(model, scaled[:4], training=True)
    expected = []
    for z, mean, std in zip(
        ops.convert_to_numpy(batch.drawn), *moments(model, scaled[:4]), strict=True
    ):
        density = sum(
            stats.norm.pdf(z, prior_mean, prior_std).prod() / 3
            for prior_mean, prior_std in zip(*moments(model, u), strict=True)
        )
        expected.append(stats.norm.logpdf(z, mean, std).sum() - np.log(density))
    # The value is the whole one in the first step of the warm-up, too.
    np.testing.assert_allclose(model.method.loss_terms(batch)["kl"], np.mean(expected), rtol=1e-4)


def test_warm_up_scales_the_gradient_alone(make_model, scaled):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("takes gradients by TensorFlow")
    import tensorflow as tf

    model = make_model("vampprior", options={"pseudo_inputs": 3, "warm_up": 0.4}, steps=10)
    norms = []
    for _ in range(6):
        model.method.random.state.assign([0, 0])
        with tf.GradientTape() as tape:
            kl = model.method.loss_terms(seen_by(model, scaled[:50], training=True))["kl"]
        gradient = tape.gradient(kl, model.encoder.trainable_variables)
        norms.append(float(sum(ops.sum(ops.abs(part)) for part in gradient)))
    np.testing.assert_allclose(norms, np.array([0, 0.25, 0.5, 0.75, 1, 1]) * norms[-1], rtol=1e-4)
    with tf.GradientTape() as tape:
        kl = model.method.loss_terms(seen_by(model, scaled[:50], training=True))["kl"]
    assert ops.max(ops.abs(tape.gradient(kl, model.method.inputs.value))) > 0


def test_pseudo_inputs_start_at_examples_and_codes_are_of_their_posteriors(make_model, scaled):
    model = make_model("vampprior", options={"pseudo_inputs": 30})
    batches = [(scaled[:20],)]
    model.method.start_epoch(model, batches, 0)
    start = ops.convert_to_numpy(model.method.inputs)
    np.testing.assert_allclose(start, np.r_[scaled[:20], scaled[:10]], atol=0.05)
    model.method.start_epoch(model, [(1 - scaled[:20],)], 1)
    np.testing.assert_array_equal(model.method.inputs, start)

    model.method.loss_terms(seen_by(model, scaled[:5], training=False))
    means, stds = moments(model, start)
    codes = model.sample_codes(100_000, np.random.default_rng(0))
    np.testing.assert_allclose(codes.mean(axis=0), means.mean(axis=0), atol=0.02)
    variance = means.var(axis=0) + (stds**2).mean(axis=0)
    np.testing.assert_allclose(codes.var(axis=0), variance, rtol=0.03)


def test_prior_finds_two_groups(make_model, train, scaled):
    options = {"pseudo_inputs": 8, "kl_weight": 0.02}
    model = make_model("vampprior", options=options, steps=1200)
    rows = np.tile(scaled, (15, 1))
    train(model, rows, 4, batch_size=50, learning_rate=1e-2)
    samples = model.sample(500, np.random.default_rng(0))
    centre = scaled.mean()
    sides = samples.mean(axis=1) > centre
    assert 0.2 < sides.mean() < 0.8
    between = np.abs(samples.mean(axis=1) - centre)
    assert np.mean(between > 0.5 * np.abs(scaled.mean(axis=1) - centre).min()) > 0.95
    inputs = ops.convert_to_numpy(model.method.inputs)
    assert inputs.min() >= 0
    assert inputs.max() <= 1
    # Sampling sees the encoder's weights as they are now.
    np.testing.assert_allclose(model.method.means, moments(model, inputs)[0], atol=1e-4)


def test_strings_are_refused():
    codes = keras.Input((5,), dtype="uint8")
    encoder = keras.Model(codes, keras.layers.Dense(4)(ops.cast(codes, "float32")))
    with pytest.raises(UserError, match=r"^vampprior learns examples by their gradient"):
        build(Parts(Recipe("vampprior", 2), lambda _: encoder, None, None))
