"""Ex-post density: a density fitted to codes after training (Ghosh et al. 2020)."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError
from gmae_tf.prior import GaussianMixture
from gmae_tf.utils.arrays import check_array, check_int, check_number, check_rng, check_rows

Array = NDArray[np.float64]
DensityKind = Literal["gaussian", "mixture", "kde"]
KDE_CODES = 20_000
FITS = 5
"""Of a mixture, from new starts: of groups far apart, one start often merges two."""


class LatentDensity:
    """Ex-post density of latent codes: a Gaussian, a Gaussian mixture or a kernel density.

    Fitted by scikit-learn to the codes of a trained autoencoder, which is then sampled from it
    (Ghosh et al. 2020).

    Parameters
    ----------
    kind : "gaussian", "mixture" or "kde".
    n_components : components of the mixture.
    max_codes : fit to at most so many codes, drawn at random.  By default to all, as published,
        but to 20,000 with the kernel density, whose every use takes time for each of them.
    bandwidth : of the kernel density: a standard deviation (Ghosh et al. 2020 use 0.425), or the
        rule of Scott or Silverman, which is a factor of the covariance of the codes.

    The mixture has full covariances, at most 2000 steps and a tolerance of 1e-3 (Ghosh et al.);
    it is the likeliest of five fits.

    Raises
    ------
    UserError: an unknown kind, codes that are not finite or fewer than two, or use before `fit`.

    >>> import numpy as np
    >>> from gmae_tf import LatentDensity
    >>> codes = np.random.default_rng(0).normal([[5.0, -5.0]], 0.1, size=(200, 2))
    >>> density = LatentDensity("gaussian").fit(codes)
    >>> density.sample(3, np.random.default_rng(1)).round()
    array([[ 5., -5.],
           [ 5., -5.],
           [ 5., -5.]])
    >>> density.log_prob([[5.0, -5.0]]) > density.log_prob([[6.0, -5.0]])
    array([ True])
    """

    def __init__(
        self,
        kind: DensityKind = "mixture",
        n_components: int = 10,
        max_codes: int | None = None,
        bandwidth: float | Literal["scott", "silverman"] = "scott",
    ) -> None:
        if kind not in get_args(DensityKind):
            raise UserError(f"{kind!r} is no density: choose {', '.join(get_args(DensityKind))}")
        if bandwidth not in ("scott", "silverman"):
            check_number(bandwidth, "bandwidth", positive=True)
        self.kind = kind
        self.n_components = check_int(n_components, "n_components", 1)
        self.max_codes = KDE_CODES if kind == "kde" else None
        if max_codes is not None:
            self.max_codes = check_int(max_codes, "max_codes", 2)
        self.bandwidth = bandwidth
        self._estimator: Any = None
        self._axes: tuple[Array, Array] | None = None

    def fit(self, z: ArrayLike, seed: int = 0) -> LatentDensity:
        """Fit to codes [N, D]."""
        from sklearn.mixture import GaussianMixture as Mixture
        from sklearn.neighbors import KernelDensity

        codes, seed = check_array(z, "codes"), check_int(seed, "seed")
        if codes.ndim != 2 or len(codes) < 2 or not np.isfinite(codes).all():
            raise UserError(
                f"a density needs finite codes [N, D] with N of at least 2, not {codes.shape}"
            )
        if self.max_codes is not None and len(codes) > self.max_codes:
            codes = np.random.default_rng(seed).choice(codes, self.max_codes, replace=False)
        self._centre, self._axes = codes.mean(axis=0), None
        if self.kind == "kde":
            self._estimator = KernelDensity(bandwidth=self.bandwidth)
            if isinstance(self.bandwidth, str):
                self._axes = _principal_axes(codes)
        else:
            k = 1 if self.kind == "gaussian" else min(self.n_components, len(codes))
            self._estimator = Mixture(
                k,
                covariance_type="full",
                tol=1e-3,
                max_iter=2000,
                n_init=FITS if k > 1 else 1,
                random_state=seed,
            )
        self._estimator.fit(self._whitened(codes))
        return self

    def log_prob(self, z: ArrayLike) -> Array:
        """Log density of codes, [N, D] -> [N]."""
        estimator = self._fitted()
        codes = check_rows(z, len(self._centre))
        log_prob = estimator.score_samples(self._whitened(codes))
        return log_prob if self._axes is None else log_prob - np.log(self._axes[1]).sum()

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n codes, [n, D]."""
        estimator, n, rng = self._fitted(), check_int(n, "n", 1), check_rng(rng)
        seed = int(rng.integers(2**31))
        if self.kind == "kde":
            codes = estimator.sample(n, random_state=seed)
            if self._axes is None:
                return codes
            axes, deviations = self._axes
            return self._centre + codes * deviations @ axes.T
        codes, _ = estimator.set_params(random_state=seed).sample(n)
        return rng.permutation(codes)  # scikit-learn returns them sorted by component

    def _whitened(self, codes: Array) -> Array:
        """Codes of unit covariance [N, D] for the bandwidth rules, which know no scale."""
        if self._axes is None:
            return codes
        axes, deviations = self._axes
        return (codes - self._centre) @ axes / deviations

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


def _principal_axes(codes: Array) -> tuple[Array, Array]:
    """Directions [D, D], in columns, and the standard deviations [D] of codes [N, D] along them.

    A direction in which codes do not vary gets a little of the width of the widest.
    """
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(codes, rowvar=False)))
    return axes, np.sqrt(np.maximum(variances, 1e-12 * max(1.0, variances.max())))
