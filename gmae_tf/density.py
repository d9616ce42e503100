"""Ex-post density: a density fitted to codes after training (Ghosh et al. 2020)."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError
from gmae_tf.prior import GaussianMixture

DensityKind = Literal["gaussian", "mixture", "kde"]


class LatentDensity:
    """One full Gaussian, a mixture of ten, or a kernel density, all through scikit-learn.

    Parameters
    ----------
    kind : "gaussian", "mixture" or "kde".
    n_components : components of the mixture.
    max_codes : fit to at most so many codes, drawn at random; the density of a few thousand
        low-dimensional codes does not change with more, the time to fit does.

    Raises `UserError` for an unknown kind, and when it is used before `fit`.
    """

    def __init__(
        self, kind: DensityKind = "mixture", n_components: int = 10, max_codes: int = 20_000
    ) -> None:
        if kind not in get_args(DensityKind):
            raise UserError(f"{kind!r} is no density: choose {', '.join(get_args(DensityKind))}")
        self.kind = kind
        self.n_components = n_components
        self.max_codes = max_codes
        self._estimator: Any = None

    def fit(self, z: ArrayLike, seed: int = 0) -> LatentDensity:
        """Fit to codes [N, D]."""
        from sklearn.mixture import GaussianMixture as Mixture
        from sklearn.neighbors import KernelDensity

        codes = np.asarray(z, dtype=np.float64)
        if len(codes) > self.max_codes:
            codes = np.random.default_rng(seed).choice(codes, self.max_codes, replace=False)
        if self.kind == "kde":
            self._estimator = KernelDensity(bandwidth="scott")
        else:
            k = 1 if self.kind == "gaussian" else min(self.n_components, len(codes))
            self._estimator = Mixture(k, max_iter=2000, random_state=seed)
        self._estimator.fit(codes)
        return self

    def log_prob(self, z: ArrayLike) -> NDArray[np.float64]:
        """Log density of codes, [N, D] -> [N]."""
        return self._fitted().score_samples(np.asarray(z, dtype=np.float64))

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw n codes, [n, D]."""
        estimator, seed = self._fitted(), int(rng.integers(2**31))
        if self.kind == "kde":
            return estimator.sample(n, random_state=seed)
        codes, _ = estimator.set_params(random_state=seed).sample(n)
        return rng.permutation(codes)  # scikit-learn returns them sorted by component

    def parameters(self) -> GaussianMixture:
        """The fitted Gaussian or mixture, with weights, means and covariances.

        Raises `UserError` for a kernel density, which has one component for each code.
        """
        if self.kind == "kde":
            raise UserError("a kernel density has no few components: fit a mixture")
        estimator = self._fitted()
        covariances = estimator.covariances_
        symmetric = (covariances + np.swapaxes(covariances, 1, 2)) / 2
        return GaussianMixture(estimator.means_, symmetric, estimator.weights_)

    def _fitted(self) -> Any:
        if self._estimator is None:
            raise UserError("the density has not seen any codes yet: call fit first")
        return self._estimator
