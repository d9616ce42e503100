"""The trusted region of a latent space: where the decoder has seen codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Array = NDArray[np.float64]


class TrustedRegion:
    """Where the decoder has seen codes: the ellipsoid of the training codes' Gaussian density.

    Codes far from all training codes decode to something, but neither decoder nor surrogate knows
    anything there (the failure of searches in the bounding box, Kusner et al. 2017).  All but a
    share `outside` of the training codes [N, D] lie inside.
    """

    def __init__(self, codes: Array, outside: float = 0.001) -> None:
        self.mean = codes.mean(axis=0)
        spread = np.atleast_2d(np.cov(codes.T)) + 1e-9 * codes.var() * np.eye(codes.shape[1])
        self._root = np.linalg.cholesky(spread)
        self.radius = float(np.quantile(self._distance(codes), 1 - outside))

    def contains(self, codes: Array) -> NDArray[np.bool_]:
        """Codes [N, D] -> [N]."""
        return self._distance(codes) <= self.radius

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """At most n codes of the Gaussian density, those inside, [<= n, D]."""
        codes = self.mean + rng.standard_normal((n, len(self.mean))) @ self._root.T
        return codes[self.contains(codes)]

    @property
    def covariance(self) -> Array:
        """Covariance of the density, [D, D]."""
        return np.asarray(self._root @ self._root.T)

    def _distance(self, codes: Array) -> Array:
        """Mahalanobis distance to the mean, [N, D] -> [N]."""
        white = solve_triangular(self._root, (codes - self.mean).T, lower=True)
        return np.sqrt(np.square(white).sum(axis=0))
