"""Codes at their components, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops
from scipy.stats import multivariate_normal

from gmae_tf.penalties import component_cross_entropy
from gmae_tf.prior import GaussianMixture
from tests.oracles.tensors import gradient, tensor


@pytest.fixture
def prior(rng: np.random.Generator) -> GaussianMixture:
    """Three components with full covariances and unequal weights, in two dimensions."""
    roots = rng.normal(size=(3, 2, 2))
    covariances = roots @ roots.transpose(0, 2, 1) + 0.5 * np.eye(2)
    return GaussianMixture(rng.normal(size=(3, 2)), covariances, [0.2, 0.3, 0.5])


def by_hand(z: np.ndarray, components: np.ndarray, prior: GaussianMixture) -> float:
    total = 0.0
    for code, component in zip(z, components, strict=True):
        if component < 0:
            continue
        densities = [
            weight * multivariate_normal(mean, covariance).pdf(code)
            for weight, mean, covariance in zip(
                prior.weights, prior.means, prior.covariances, strict=True
            )
        ]
        total -= np.log(densities[component] / sum(densities))
    return total / len(z)


def test_it_is_the_cross_entropy_of_the_responsibilities(
    prior: GaussianMixture, rng: np.random.Generator
):
    z, components = rng.normal(size=(20, 2)), rng.integers(-1, 3, size=20)
    found = component_cross_entropy(tensor(z, "float64"), tensor(components, "int32"), prior)
    np.testing.assert_allclose(ops.convert_to_numpy(found), by_hand(z, components, prior))


def test_its_gradient_is_that_of_finite_differences(
    prior: GaussianMixture, rng: np.random.Generator
):
    z, components = rng.normal(size=(4, 2)), np.array([0, 1, 2, -1])
    found = gradient(
        lambda t: component_cross_entropy(t, tensor(components, "int32"), prior),
        tensor(z, "float64"),
    )
    step = 1e-6
    expected = np.zeros_like(z)
    for i, j in np.ndindex(*z.shape):
        up, down = z.copy(), z.copy()
        up[i, j] += step
        down[i, j] -= step
        difference = by_hand(up, components, prior) - by_hand(down, components, prior)
        expected[i, j] = difference / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)
    assert (found[3] == 0).all()  # -1 pulls nowhere


def test_codes_at_their_means_cost_little_and_at_others_much():
    prior = GaussianMixture.one_hot(3, 3, mean_scale=8)
    at_home = component_cross_entropy(
        tensor(prior.means, "float64"), tensor([0, 1, 2], "int32"), prior
    )
    astray = component_cross_entropy(
        tensor(prior.means, "float64"), tensor([1, 2, 0], "int32"), prior
    )
    assert float(at_home) < 1e-10
    assert float(astray) == pytest.approx(64)  # half the squared distance of two means
