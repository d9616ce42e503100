from __future__ import annotations

import numpy as np
import pytest
from keras import ops
from scipy import integrate, stats

from gmae_tf.models.config import Parts, Recipe
from gmae_tf.models.vae import GaussianPosterior, likelihood_weight

SPECTRUM = np.array([4.0, 1.0, 0.02, 0.02, 0.02, 0.02])


def encoded(*pairs):
    """Encoder outputs [1, 2 D] of pairs (mean, log variance)."""
    return ops.convert_to_tensor(np.array(pairs, dtype=np.float32).T.reshape(1, -1))


def test_kl_is_the_integral_that_it_stands_for():
    method = GaussianPosterior(2)
    pairs = [(0.7, -1.2), (-1.5, 0.4)]
    expected = 0.0
    for mean, log_variance in pairs:
        q, p = stats.norm(mean, np.exp(0.5 * log_variance)), stats.norm()
        ratio = lambda z, q=q, p=p: q.pdf(z) * (q.logpdf(z) - p.logpdf(z))  # noqa: E731
        expected += integrate.quad(ratio, -12, 12)[0]
    batch = type("Seen", (), {"encoded": encoded(*pairs)})
    np.testing.assert_allclose(method.loss_terms(batch)["kl"], expected, rtol=0.01)


def test_training_decodes_samples_and_validation_means():
    method = GaussianPosterior(2)
    many = ops.repeat(encoded((1.0, -2.0), (-3.0, 1.0)), 40_000, axis=0)
    drawn = ops.convert_to_numpy(method.sample_latent(many, training=True))
    np.testing.assert_allclose(drawn.mean(axis=0), [1, -3], atol=0.03)
    np.testing.assert_allclose(drawn.var(axis=0), np.exp([-2, 1]), rtol=0.03)
    np.testing.assert_array_equal(method.sample_latent(many[:2], training=False), [[1, -3]] * 2)
    again = ops.convert_to_numpy(method.sample_latent(many, training=True))
    assert not np.allclose(drawn, again)


@pytest.mark.parametrize(
    ("name", "options", "variance"),
    [
        ("vae", {"kl_weight": 0.2}, 0.1),
        pytest.param("beta-vae", {"beta": 0.1}, 0.1, marks=pytest.mark.slow),
    ],
)
def test_gaussian_data_get_the_solution_of_probabilistic_pca(
    name, options, variance, make_model, train
):
    rows = np.random.default_rng(0).normal(size=(20_000, 6)) * np.sqrt(SPECTRUM)
    # With a decoder variance v, directions of variance l > v take log(l / v) / 2 nats each and
    # leave an error of v; all others leave l (Lucas et al. 2019).
    model = make_model(name, options=options)
    last = train(model, rows.astype(np.float32), 6, batch_size=200, learning_rate=1e-2)[-1]
    assert last["kl"] == pytest.approx(0.5 * np.log(SPECTRUM[:2] / variance).sum(), rel=0.05)
    error = 6 * last["reconstruction"]
    assert error == pytest.approx(2 * variance + SPECTRUM[2:].sum(), rel=0.1)


def test_loss_of_beta_vae_is_half_the_squares_and_beta_kl(make_model):
    model = make_model("beta-vae", options={"beta": 4.0})
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    seen = model(x)
    mean, log_variance = np.split(ops.convert_to_numpy(seen["encoded"]), 2, axis=1)
    squares = ((x - ops.convert_to_numpy(seen["reconstruction"])) ** 2).sum(axis=1)
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1)
    loss = model.compute_loss(x=x, y_pred=seen, training=False)
    np.testing.assert_allclose(loss, (0.5 * squares + 4.0 * kl).mean(), rtol=1e-2)


@pytest.mark.parametrize(("elements", "weight"), [(784, 392.0), (1, 1.0)])
def test_strings_are_in_nats_already(elements, weight):
    assert likelihood_weight(Parts(Recipe("vae", 2), None, None, None, elements)) == weight
