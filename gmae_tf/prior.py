"""Gaussian mixtures: the prior over latent codes.

NumPy in float64 throughout, so that it can be read, checked against scipy and used without a
deep-learning backend.  `marginal_cdf` also takes backend tensors, because the regulariser
differentiates through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, ndtr

from gmae_tf.errors import UserError
from gmae_tf.utils.arrays import check_array, check_int, check_number, check_rng, check_rows

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    r"""Gaussian mixture: the density $p(z) = \sum_k \pi_k N(z; \mu_k, C_k)$ on $R^D$.

    Parameters
    ----------
    means : array [K, D]
    covariances : variances, not standard deviations.  A scalar or [K] (spherical), [K, D]
        (diagonal) or [K, D, D] (full).
    weights : array [K], positive; normalised to sum to one.  Equal when left out.

    Raises
    ------
    UserError: shapes disagree, a weight is not positive or a covariance not positive definite.

    >>> import numpy as np
    >>> from gmae_tf import GaussianMixture
    >>> prior = GaussianMixture([[-3.0, 0.0], [3.0, 0.0]], covariances=0.5)
    >>> prior.sample(4, np.random.default_rng(0)).shape
    (4, 2)
    >>> prior.responsibilities([[3.0, 0.0]]).round(2)
    array([[0., 1.]])
    >>> prior.covariance()
    array([[9.5, 0. ],
           [0. , 0.5]])
    """

    means: Array
    covariances: Array
    weights: Array

    def __init__(
        self, means: ArrayLike, covariances: ArrayLike = 1.0, weights: ArrayLike | None = None
    ) -> None:
        mu = np.atleast_2d(check_array(means, "means"))  # a copy, so nobody else changes it
        pi = np.ones(len(mu)) if weights is None else check_array(weights, "weights")
        if mu.ndim != 2 or not mu.size or not np.isfinite(mu).all():
            raise UserError(f"means must be finite and of shape [K, D], not {np.shape(means)}")
        if pi.shape != (len(mu),) or not (np.isfinite(pi).all() and (pi > 0).all()):
            raise UserError(f"weights must be {len(mu)} positive numbers, one for each mean")
        object.__setattr__(self, "means", mu)
        object.__setattr__(self, "weights", pi / pi.sum())
        object.__setattr__(self, "covariances", _full_covariances(covariances, *mu.shape))

    @classmethod
    def standard_normal(cls, dim: int) -> GaussianMixture:
        """N(0, I) on R^dim: the unimodal prior of the papers."""
        return cls(np.zeros((1, check_int(dim, "dim", 1))))

    @classmethod
    def one_hot(
        cls, n_components: int, dim: int, mean_scale: float = 1.0, variance: float = 1.0
    ) -> GaussianMixture:
        """Equal spherical components at `mean_scale` times the first unit vectors.

        Saseendran et al. 2021, appendix A.2, use `mean_scale=1`, `variance=1`; there the
        components overlap so much that the mixture is hardly more than one Gaussian.
        Raises `UserError` for more components than dimensions: centres would coincide.
        """
        if check_int(n_components, "n_components", 1) > check_int(dim, "dim", 1):
            raise UserError(
                f"one-hot means place at most one component on each axis: {n_components} "
                f"components do not fit in {dim} dimensions, so raise latent_dim or give the "
                "means yourself"
            )
        scale = check_number(mean_scale, "mean_scale")
        return cls(scale * np.eye(n_components, dim), check_number(variance, "variance"))

    @property
    def n_components(self) -> int:
        """K, the number of components."""
        return self.means.shape[0]

    @property
    def dim(self) -> int:
        """D, the dimension of the latent space."""
        return self.means.shape[1]

    def mean(self) -> Array:
        """Mean of the mixture, [D]."""
        return self.weights @ self.means

    def covariance(self) -> Array:
        """Covariance of the mixture by the law of total covariance, [D, D]."""
        offset = self.means - self.mean()
        between = np.einsum("k,ki,kj->ij", self.weights, offset, offset)
        return np.einsum("k,kij->ij", self.weights, self.covariances) + between

    def sample(self, n: int, rng: int | np.random.Generator) -> Array:
        """Draw n codes, [n, D], with a generator or a seed."""
        n, rng = check_int(n, "n"), check_rng(rng)
        component = rng.choice(self.n_components, size=n, p=self.weights)
        noise = rng.standard_normal((n, self.dim))
        return self.means[component] + np.einsum("nij,nj->ni", self._cholesky[component], noise)

    def log_prob(self, z: ArrayLike) -> Array:
        """Log density of each code, [N, D] -> [N]; exact far from every component."""
        return logsumexp(self._joint_log_prob(z), axis=1)

    def responsibilities(self, z: ArrayLike) -> Array:
        """Posterior probability of each component, [N, D] -> [N, K]; rows sum to one."""
        joint = self._joint_log_prob(z)
        return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def marginal_cdf(self, z: Any) -> Any:
        """Cumulative distribution of every coordinate by itself, [..., D] -> [..., D].

        NumPy in, NumPy out; a backend tensor in, a tensor of its dtype out.  Written with erfc,
        so that lower tails keep their relative precision.
        """
        shape = z.shape if hasattr(z, "shape") else check_array(z, "codes").shape
        if not len(shape) or shape[-1] != self.dim:
            raise UserError(f"codes have the shape {list(shape)}: give [..., {self.dim}]")
        means, stds, weights = self._marginals
        return mixture_cdf(z, means, stds, weights)

    @cached_property
    def _cholesky(self) -> Array:
        return np.linalg.cholesky(self.covariances)

    @cached_property
    def _marginals(self) -> tuple[Array, Array, Array]:
        """Means, standard deviations and weights of the distinct marginal components, [U, D] each.

        One-hot means give U = 2 whatever K is, which is what keeps the loss cheap.
        """
        stds = np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2))
        columns = []
        for j in range(self.dim):
            pairs = np.stack([self.means[:, j], stds[:, j]], axis=1)
            distinct, inverse = np.unique(pairs, axis=0, return_inverse=True)
            columns.append((distinct, np.bincount(inverse.ravel(), weights=self.weights)))
        width = max(len(weights) for _, weights in columns)
        means, scales, weights = np.zeros((3, width, self.dim))
        scales += 1.0  # padding has weight zero, and must not divide by zero
        for j, (distinct, mass) in enumerate(columns):
            means[: len(mass), j], scales[: len(mass), j] = distinct.T
            weights[: len(mass), j] = mass
        return means, scales, weights

    def _joint_log_prob(self, z: ArrayLike) -> Array:
        offset = check_rows(z, self.dim)[:, None, :] - self.means  # [N, K, D]
        whitened = np.einsum("kij,nkj->nki", np.linalg.inv(self._cholesky), offset)
        log_det = np.log(np.diagonal(self._cholesky, axis1=1, axis2=2)).sum(axis=1)
        constant = 0.5 * self.dim * np.log(2 * np.pi)
        return np.log(self.weights) - log_det - constant - 0.5 * np.square(whitened).sum(axis=2)

    def get_config(self) -> dict[str, Any]:
        """Plain lists, for Keras serialisation and for YAML; covariances in their shortest form."""
        diagonals = np.diagonal(self.covariances, axis1=1, axis2=2)
        covariances = self.covariances
        if np.array_equal(covariances, diagonals[:, :, None] * np.eye(self.dim)):
            covariances = diagonals
            if (diagonals == diagonals[:, :1]).all():
                covariances = diagonals[:, 0]
        return {
            "means": self.means.tolist(),
            "covariances": covariances.tolist(),
            "weights": self.weights.tolist(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> GaussianMixture:
        """Inverse of `get_config`."""
        return cls(**config)


def mixture_cdf(z: Any, means: Any, stds: Any, weights: Any) -> Any:
    """sum_u weights[u] * Phi((z - means[u]) / stds[u]); parameters [U, D], z [..., D].

    A loop over components instead of a [..., U, D] tensor: nothing that large is ever stored.
    """
    if isinstance(z, (np.ndarray, float, list, tuple)):
        z, phi = np.asarray(z, dtype=np.float64), ndtr
    else:
        from keras import ops  # only tensors need the backend

        means, stds, weights = (
            ops.convert_to_tensor(a, dtype=z.dtype) for a in (means, stds, weights)
        )

        def phi(u: Any) -> Any:
            return 0.5 * _erfc(-u / np.sqrt(2.0).item())

    return sum(weights[u] * phi((z - means[u]) / stds[u]) for u in range(means.shape[0]))


def _erfc(x: Any) -> Any:
    """The complementary error function of a tensor; Keras 3.12, for Python 3.10, has none."""
    from keras import ops

    if hasattr(ops, "erfc"):
        return ops.erfc(x)
    from keras import backend

    if backend.backend() == "jax":
        from jax.scipy.special import erfc
    else:
        from tensorflow.math import erfc
    return erfc(x)


def _full_covariances(covariances: ArrayLike, k: int, d: int) -> Array:
    c = check_array(covariances, "covariances")
    if c.shape in {(), (k,)}:
        full = np.broadcast_to(c, (k,))[:, None, None] * np.eye(d)
    elif c.shape == (k, d):
        full = c[:, :, None] * np.eye(d)
    elif c.shape == (k, d, d):
        full = c
    else:
        raise UserError(
            f"covariances of shape {c.shape} fit no mixture of {k} components in {d} dimensions: "
            f"give a variance, [{k}], [{k}, {d}] or [{k}, {d}, {d}]"
        )
    symmetric = np.allclose(full, np.swapaxes(full, 1, 2))
    if not (symmetric and np.isfinite(full).all() and (np.linalg.eigvalsh(full) > 0).all()):
        raise UserError("every covariance must be symmetric and positive definite")
    return full
