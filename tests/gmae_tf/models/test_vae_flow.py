from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from tests.oracles.batches import seen_by
from tests.oracles.flows import bijector_of, density_of, scattered, standard_normal

OF_TENSORFLOW = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="bijectors of TensorFlow"
)
SMALL = {"flow_steps": 2, "hidden": (16,)}


def posterior(model, x) -> Any:
    """q(z|x) of some rows, a batch of transformed distributions."""
    from tensorflow_probability import distributions as tfd

    mean, log_variance, context = np.split(ops.convert_to_numpy(model.encoder(x)), 3, axis=1)
    deviation = np.exp(0.5 * 10 * np.tanh(log_variance / 10))
    chain = bijector_of(model.method.flow, context)
    return tfd.TransformedDistribution(tfd.MultivariateNormalDiag(mean, deviation), chain)


@OF_TENSORFLOW
def test_kl_of_the_posterior_is_that_of_another_library(make_model, two_blobs):
    model = make_model("vae-flow", options=SMALL)
    scattered(model.method.flow, 0.3)
    x = np.repeat(two_blobs[:3], 10_000, axis=0)
    found = float(model.method.loss_terms(seen_by(model, x))["kl"])
    of_x = posterior(model, x)
    z = of_x.sample(seed=0)
    expected = np.mean(of_x.log_prob(z) - standard_normal(2).log_prob(z))
    assert found == pytest.approx(expected, rel=0.02)
    drawn = seen_by(model, x).drawn
    for one, other in zip(np.split(drawn, 3), np.split(z, 3), strict=True):
        for j in range(2):
            assert stats.ks_2samp(one[:, j], other[:, j]).statistic < 0.03


def test_kl_in_one_dimension_is_that_of_a_gaussian(make_model, two_blobs):
    """There a flow moves and scales, by what the context says."""
    model = make_model("vae-flow", latent_dim=1, options=SMALL)
    scattered(model.method.flow, 0.3)
    x = np.repeat(two_blobs[:2], 20_000, axis=0)
    found = float(model.method.loss_terms(seen_by(model, x))["kl"])
    drawn = np.split(ops.convert_to_numpy(seen_by(model, x).drawn), 2)
    expected = 0.0
    for z in drawn:
        mean, deviation = z.mean(), z.std()
        assert stats.kstest((z[:, 0] - mean) / deviation, "norm").statistic < 0.01
        expected += 0.5 * (mean**2 + deviation**2 - 1 - 2 * np.log(deviation)) / 2
    assert found == pytest.approx(expected, rel=0.03)


def test_a_code_is_what_the_mean_becomes(make_model, two_blobs):
    model = make_model("vae-flow", latent_dim=3, options=SMALL)
    scattered(model.method.flow, 0.3)
    encoded = model.encoder(two_blobs[:5])
    mean, _, context = ops.split(encoded, 3, axis=-1)
    expected, _ = model.method.flow.forward(mean, context)
    np.testing.assert_allclose(model.encode(two_blobs[:5]), expected, atol=1e-5)
    evaluated = model(two_blobs[:5], training=False)["drawn"]
    np.testing.assert_allclose(evaluated, expected, atol=1e-5)


@OF_TENSORFLOW
def test_kl_to_the_prior_is_that_of_another_library(make_model, two_blobs):
    from tensorflow_probability import distributions as tfd

    model = make_model("vae-flow-prior", options=SMALL)
    flow = scattered(model.method.flow, 0.3)
    x = np.repeat(two_blobs[:3], 10_000, axis=0)
    batch = seen_by(model, x)
    mean, log_variance = np.split(ops.convert_to_numpy(batch.encoded), 2, axis=1)
    deviation = np.exp(0.5 * 10 * np.tanh(log_variance / 10))
    log_q = tfd.MultivariateNormalDiag(mean, deviation).log_prob(batch.drawn)
    expected = np.mean(log_q - density_of(flow).log_prob(batch.drawn))
    assert float(model.method.loss_terms(batch)["kl"]) == pytest.approx(expected, rel=0.02)


def test_samples_have_the_density_of_the_prior(make_model):
    model = make_model("vae-flow-prior", options=SMALL)
    scattered(model.method.flow, 0.4, seed=3)
    axis = np.linspace(-25, 25, 1001)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(model.method.flow.log_prob(ops.convert_to_tensor(grid, "float32")))
    step = axis[1] - axis[0]
    mass = density.reshape(1001, 1001) * step**2
    assert mass.sum() == pytest.approx(1, abs=0.01)
    codes = model.sample_codes(20_000, np.random.default_rng(0))
    for j, marginal in enumerate((mass.sum(axis=1), mass.sum(axis=0))):
        cdf = np.cumsum(marginal)
        below = np.searchsorted(np.sort(codes[:, j]), axis + step / 2) / 20_000
        assert np.abs(below - cdf).max() < 0.015
    quadrant = mass.reshape(-1) @ (grid > 0).all(axis=1)
    found = np.mean((codes > step / 2).all(axis=1))  # where the cells of the quadrant begin
    assert found == pytest.approx(quadrant, abs=0.012)


def test_the_prior_comes_nearer_to_the_posteriors_than_noise(make_model, train, two_blobs):
    model = make_model("vae-flow-prior", options=SMALL)
    train(model, two_blobs, epochs=8, learning_rate=1e-2)
    batch = seen_by(model, two_blobs)
    kl = float(model.method.loss_terms(batch)["kl"])
    mean, log_variance = np.split(ops.convert_to_numpy(batch.encoded), 2, axis=1)
    variance = np.exp(10 * np.tanh(log_variance / 10))
    to_noise = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(axis=1).mean()
    assert kl < 0.7 * to_noise
    assert np.mean((model.reconstruct(two_blobs) - two_blobs) ** 2) < 1
