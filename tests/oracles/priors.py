"""Mixtures of every shape that a user can give."""

from __future__ import annotations

import numpy as np

from gmae_tf.prior import GaussianMixture


def any_mixture(shape: str, k: int = 3, d: int = 4, seed: int = 0) -> GaussianMixture:
    """Unequal weights, scattered means; covariances "spherical", "diagonal" or "full"."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(k, d, d))
    covariances = {
        "spherical": rng.uniform(0.3, 2.0, k),
        "diagonal": rng.uniform(0.3, 2.0, (k, d)),
        "full": root @ root.swapaxes(1, 2) / d + 0.2 * np.eye(d),
    }
    means = rng.normal(scale=2.0, size=(k, d))
    return GaussianMixture(means, covariances[shape], rng.uniform(0.2, 1.0, k))
