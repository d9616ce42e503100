"""Gaussian mixtures of other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np

from gmae_tf.prior import GaussianMixture


def of_tensorflow_probability(prior: GaussianMixture) -> Any:
    """The same mixture as a MixtureSameFamily of MultivariateNormalTriL, in float64."""
    from tensorflow_probability import distributions as tfd

    return tfd.MixtureSameFamily(
        tfd.Categorical(probs=prior.weights),
        tfd.MultivariateNormalTriL(prior.means, np.linalg.cholesky(prior.covariances)),
    )


def marginal_of_tensorflow_probability(prior: GaussianMixture, j: int) -> Any:
    """Coordinate j of the same mixture, a MixtureSameFamily of Normal in float64."""
    from tensorflow_probability import distributions as tfd

    scales = np.sqrt(prior.covariances[:, j, j])
    return tfd.MixtureSameFamily(
        tfd.Categorical(probs=prior.weights), tfd.Normal(prior.means[:, j], scales)
    )
