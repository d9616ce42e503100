"""Information maximisation over components, against SciPy and closed values."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax
from scipy.stats import entropy, multivariate_normal

from gmae_tf.penalties.information import (
    component_entropies,
    log_responsibilities,
    symmetric_kl,
)
from gmae_tf.prior import GaussianMixture

RNG = np.random.default_rng(0)
P, Q = (RNG.dirichlet(np.ones(4), size=6) for _ in range(2))


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values), "float32")


def test_responsibilities_are_tempered_posteriors():
    prior = GaussianMixture.one_hot(3, 4, 2.0)
    z = RNG.normal(size=(5, 4))
    joint = [
        np.log(weight) + multivariate_normal(mean, covariance).logpdf(z)
        for weight, mean, covariance in zip(
            prior.weights, prior.means, prior.covariances, strict=True
        )
    ]
    for temperature in (1.0, 3.0):
        expected = log_softmax(np.transpose(joint) / temperature, axis=1)
        found = log_responsibilities(tensor(z), prior, temperature)
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-4)
    at_one = ops.convert_to_numpy(log_responsibilities(tensor(z), prior))
    np.testing.assert_allclose(np.exp(at_one), prior.responsibilities(z), atol=1e-5)


def test_divergence_and_entropies_are_those_of_scipy():
    expected = np.mean(entropy(P, Q, axis=1) + entropy(Q, P, axis=1))
    found = float(symmetric_kl(tensor(np.log(P)), tensor(np.log(Q))))
    assert found == pytest.approx(expected, rel=1e-5)
    conditional, marginal = (float(v) for v in component_entropies(tensor(np.log(P))))
    assert conditional == pytest.approx(entropy(P, axis=1).mean(), rel=1e-5)
    assert marginal == pytest.approx(entropy(P.mean(axis=0)), rel=1e-5)


def test_certain_and_balanced_components_have_all_the_information():
    certain = np.log(np.eye(4) * (1 - 4e-9) + 1e-9)
    conditional, marginal = (float(v) for v in component_entropies(tensor(certain)))
    assert conditional == pytest.approx(0.0, abs=1e-5)
    assert marginal == pytest.approx(np.log(4), rel=1e-5)
