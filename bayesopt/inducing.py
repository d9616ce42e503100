"""Starting values of a sparse Gaussian process: scaling, inducing points, lengthscales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scaler:
    """Affine map to zero mean and unit standard deviation, per column; constant columns keep scale 1."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, values: Array) -> Scaler:
        """Scaler of values [N, D] (or [N])."""
        scale = np.atleast_1d(values.std(axis=0))
        constant = scale <= 1e-12 * np.maximum(1.0, np.abs(np.atleast_1d(values.mean(axis=0))))
        return cls(np.atleast_1d(values.mean(axis=0)), np.where(constant, 1.0, scale))

    def forward(self, values: Array) -> Array:
        """Standardised values, same shape."""
        return (values - self.mean) / self.scale


def kmeans_inducing_points(codes: Array, count: int, seed: int) -> Array:
    """At most `count` k-means centres [M, D] of standardised codes [N, D].

    M is clipped to the number of distinct codes; when every distinct code fits, the codes themselves
    are returned and the sparse model is exact.
    """
    from sklearn.cluster import MiniBatchKMeans

    distinct = np.unique(codes, axis=0)
    if len(distinct) <= count:
        return distinct
    rng = np.random.default_rng(seed)
    subset = codes if len(codes) <= 20_000 else codes[rng.choice(len(codes), 20_000, replace=False)]
    means = MiniBatchKMeans(
        n_clusters=count,
        random_state=int(rng.integers(2**31)),
        batch_size=2048,
        n_init=1,
        max_iter=20,
    )
    centres = means.fit(subset).cluster_centers_
    return np.unique(np.asarray(centres, np.float64), axis=0)


def median_lengthscales(codes: Array, seed: int, pairs: int = 2000) -> Array:
    """ARD lengthscales [D] by the median heuristic: the median distance of random pairs of codes [N, D]."""
    rng = np.random.default_rng(seed)
    left, right = rng.integers(len(codes), size=(2, pairs))
    distances = np.linalg.norm(codes[left] - codes[right], axis=1)
    distances = distances[distances > 0]
    median = float(np.median(distances)) if len(distances) else 1.0
    return np.full(codes.shape[1], median)
