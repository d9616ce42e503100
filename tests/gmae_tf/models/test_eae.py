"""Entropic autoencoder: the estimate against loops and closed forms, and codes that are normal."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops
from scipy import special, stats

from gmae_tf.errors import UserError
from gmae_tf.penalties.entropy import EntropyPenalty
from tests.oracles.tensors import gradient, tensor


def negentropy(z: np.ndarray, k: int = 1) -> float:
    """By loops (Kozachenko & Leonenko 1987)."""
    n, d = z.shape
    radii = [np.sort([np.linalg.norm(a - b) for b in z])[k] for a in z]  # 0 is itself
    ball = np.pi ** (d / 2) / special.gamma(d / 2 + 1)
    entropy = special.digamma(n) - special.digamma(k) + np.log(ball) + d * np.mean(np.log(radii))
    return stats.multivariate_normal(np.zeros(d)).entropy() - entropy


@pytest.mark.parametrize("neighbours", [1, 3])
@pytest.mark.parametrize("dim", [1, 2, 8])
def test_estimate_is_that_of_loops(dim, neighbours):
    z = np.random.default_rng(0).normal(size=(30, dim))
    found = EntropyPenalty(neighbours=neighbours)(tensor(z, "float32"))["negentropy"]
    assert float(found) == pytest.approx(negentropy(z, neighbours), abs=1e-3)


def test_estimate_is_the_closed_form_of_many_codes():
    rng = np.random.default_rng(0)
    for scale in (1.0, 3.0):
        z = tensor(rng.normal(scale=scale, size=(3000, 2)), "float32")
        found = float(EntropyPenalty()(z)["negentropy"])
        assert found == pytest.approx(-2 * np.log(scale), abs=0.08)
    square = tensor(rng.uniform(size=(3000, 2)), "float32")  # entropy 0
    assert float(EntropyPenalty()(square)["negentropy"]) == pytest.approx(
        np.log(2 * np.pi * np.e), abs=0.08
    )


def test_gradient_is_that_of_differences():
    z = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    slope = gradient(lambda codes: EntropyPenalty()(codes)["negentropy"], tensor(z, "float32"))
    step = 1e-5
    for i, j in ((0, 0), (5, 2), (11, 1)):
        moved = np.zeros(z.shape)
        moved[i, j] = step
        expected = (negentropy(z + moved) - negentropy(z - moved)) / (2 * step)
        assert slope[i, j] == pytest.approx(expected, abs=1e-3)


def test_equal_codes_do_not_push():
    z = np.random.default_rng(0).normal(size=(8, 3))
    z[4:] = z[:4]
    slope = gradient(lambda codes: EntropyPenalty()(codes)["negentropy"], tensor(z, "float32"))
    assert (slope == 0).all()


def test_batches_without_such_a_neighbour_are_refused():
    with pytest.raises(UserError, match="batch of 3 codes"):
        EntropyPenalty(neighbours=3)(ops.zeros((3, 2)))
    with pytest.raises(UserError, match="neighbour is number 1"):
        EntropyPenalty(neighbours=0)


def test_the_loss_is_the_sum_of_squares_and_the_weighted_term(make_model, two_blobs):
    model = make_model("eae", latent_dim=3, options={"weight": 0.7, "neighbours": 2})
    rows = two_blobs[:40]
    codes = model.encode(rows)
    squares = np.mean(np.sum((model.decode(codes) - rows) ** 2, axis=1))
    found = float(model.compute_loss(ops.convert_to_tensor(rows), None, model(rows)))
    assert found == pytest.approx(squares + 0.7 * negentropy(codes, 2), rel=1e-4)


def test_codes_of_a_batch_have_mean_0_and_variance_1(make_model, two_blobs):
    model = make_model("eae")
    codes = ops.convert_to_numpy(model(100 + 5 * two_blobs, training=True)["latent"])
    np.testing.assert_allclose(codes.mean(axis=0), 0.0, atol=1e-3)
    np.testing.assert_allclose(codes.var(axis=0), 1.0, atol=1e-3)
    assert not model.encoder.get_layer("normalise").trainable_variables


@pytest.mark.slow
def test_codes_of_two_groups_become_normal(make_model, train, two_blobs):
    distances = {}
    for weight in (0.0, 20.0):
        model = make_model("eae", options={"weight": weight})
        train(model, two_blobs, epochs=15)
        codes = model.encode(two_blobs)
        axes = codes @ np.linalg.eigh(np.cov(codes.T))[1]
        distances[weight] = max(stats.kstest(a, "norm").statistic for a in axes.T)
    assert distances[20.0] < 0.15
    assert distances[0.0] > 0.25
    assert np.mean((model.reconstruct(two_blobs) - two_blobs) ** 2) < 2.0
