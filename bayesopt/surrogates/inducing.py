"""Starting values of a sparse Gaussian process: scaling, inducing points, lengthscales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CLUSTERED = 20_000  # codes that k-means looks at; more only cost time


@dataclass(frozen=True)
class Scaler:
    """Affine map to zero mean and unit standard deviation per column; constant columns stay."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, values: Array) -> Scaler:
        """Scaler of values [N, D] (or [N]); its mean and scale are [D] (or [1])."""
        mean, scale = np.atleast_1d(values.mean(axis=0)), np.atleast_1d(values.std(axis=0))
        constant = scale <= 1e-12 * np.maximum(1.0, np.abs(mean))
        return cls(mean, np.where(constant, 1.0, scale))

    def forward(self, values: Array) -> Array:
        """Standardised values, same shape."""
        return (values - self.mean) / self.scale


def kmeans_inducing_points(codes: Array, count: int, seed: int) -> Array:
    """At most `count` k-means centres [M, D] of standardised codes [N, D].

    When there are no more distinct codes than that, they are the inducing points, and the sparse
    model is the exact one.
    """
    from sklearn.cluster import MiniBatchKMeans

    distinct = np.unique(codes, axis=0)
    if len(distinct) <= count:
        return distinct
    rng = np.random.default_rng(seed)
    subset = codes
    if len(codes) > max(CLUSTERED, 4 * count):
        subset = codes[rng.choice(len(codes), max(CLUSTERED, 4 * count), replace=False)]
    means = MiniBatchKMeans(
        count, random_state=int(rng.integers(2**31)), batch_size=2048, n_init=1, max_iter=20
    )
    return np.unique(np.asarray(means.fit(subset).cluster_centers_, np.float64), axis=0)


def median_lengthscales(codes: Array, seed: int, pairs: int = 2000) -> Array:
    """Lengthscales [D], all the median distance of random pairs of codes [N, D]."""
    rng = np.random.default_rng(seed)
    left, right = rng.integers(len(codes), size=(2, pairs))
    distances = np.linalg.norm(codes[left] - codes[right], axis=1)
    distances = distances[distances > 0]
    return np.full(codes.shape[1], float(np.median(distances)) if len(distances) else 1.0)


def hold_shared_lengthscale(kernel: Any, dimensions: int) -> None:
    """Give the one lengthscale of a GPflow kernel on standardised codes a log-normal prior.

    Its centre sqrt(2 D) is the distance of two random codes; without it, few points may drive the
    lengthscale to nothing or to infinity.
    """
    from tensorflow_probability import distributions

    centre = np.float64(0.5 * np.log(2 * dimensions))
    kernel.lengthscales.prior = distributions.LogNormal(centre, np.float64(0.7))
    kernel.variance.prior = distributions.LogNormal(np.float64(0.0), np.float64(1.0))
