r"""Distances between a batch of codes and a Gaussian mixture ("Shape your Space", 2021).

Three statistics of a whole batch of codes z [N, D], all differentiable in z:

* `ks_distance`: every coordinate against the marginal CDF of the prior,
* `covariance_distance`: the batch covariance against the covariance of the prior,
* `sliced_distance`: random one-dimensional projections against the projected prior, which sees
  what marginals and covariances cannot (not in the paper).

Each is divided by its expected value on N true prior samples, known in closed form, so a term of
1 means "as good as a sample of the prior" whatever the batch size, dimension or prior.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import keras
import numpy as np
from keras import ops

from gmae_tf.errors import UserError
from gmae_tf.penalties.base import check_batch
from gmae_tf.prior import GaussianMixture, mixture_cdf
from gmae_tf.serialization import Configured
from gmae_tf.utils.arrays import check_int, check_kind, check_number


def ks_distance(z: Any, prior: GaussianMixture, midpoint: bool = False) -> Any:
    """Cramer-von Mises distance of the marginals, "KS" in the paper, [N, D] -> scalar.

    L_KS = 1/(N D) sum_ij (F_j(z_(i)j) - i/N)^2, z_(i)j the i-th smallest of column j
    (Saseendran et al. 2021).  `midpoint` uses (i - 0.5)/N, the textbook Cramer-von Mises target:
    symmetric in z -> -z, without the location bias of +0.0125 standard deviations at N = 100 that
    i/N has.
    """
    return _cdf_gap(ops.sort(z, axis=0), prior.marginal_cdf, midpoint)


def covariance_distance(z: Any, prior: GaussianMixture) -> Any:
    """Mean squared error of the batch covariance against that of the prior, [N, D] -> scalar.

    L_CV = 1/D^2 sum_lj (S_lj - Sigma_lj)^2 with S centred on the batch mean and divided by N
    (Saseendran et al. 2021).  Blind to the mean, which `ks_distance` sees.
    """
    n = ops.cast(ops.shape(z)[0], z.dtype)
    # No ops.mean here and below: on JAX it takes float64 through float32.
    centred = z - ops.sum(z, axis=0, keepdims=True) / n
    empirical = ops.matmul(ops.transpose(centred), centred) / n
    target = ops.convert_to_tensor(prior.covariance(), dtype=z.dtype)
    return ops.sum(ops.square(empirical - target)) / prior.dim**2


def sliced_distance(z: Any, prior: GaussianMixture, directions: Any, midpoint: bool = False) -> Any:
    """`ks_distance` of the projections on unit vectors `directions` [D, L], [N, D] -> scalar.

    A projected mixture is the mixture of the projected components, so no sampling is needed.
    """
    cast = lambda a: ops.convert_to_tensor(a, dtype=z.dtype)  # noqa: E731
    means = ops.matmul(cast(prior.means), directions)  # [K, L]
    spread = ops.einsum("kij,jl->kil", cast(prior.covariances), directions)
    stds = ops.sqrt(ops.einsum("il,kil->kl", directions, spread))
    weights = cast(prior.weights)[:, None]
    projected = ops.sort(ops.matmul(z, directions), axis=0)
    return _cdf_gap(projected, lambda t: mixture_cdf(t, means, stds, weights), midpoint)


def _cdf_gap(ordered: Any, cdf: Any, midpoint: bool) -> Any:
    size = ops.shape(ordered)[0]
    n = ops.cast(size, ordered.dtype)
    rank = ops.cast(ops.arange(1, size + 1), ordered.dtype)
    target = (rank - (0.5 if midpoint else 0.0)) / n
    return ops.sum(ops.square(cdf(ordered) - target[:, None])) / (n * ordered.shape[1])


def expected_ks_distance(n: Any, midpoint: bool = False) -> Any:
    """E[L_KS] over n prior samples: (n+1)/(6 n^2), or (2n-1)/(12 n^2) with the midpoint target.

    Holds for every continuous prior and every projection of it.  1/E is lambda_KS.
    """
    return (2 * n - 1) / (12 * n * n) if midpoint else (n + 1) / (6 * n * n)


def expected_covariance_distance(prior: GaussianMixture, n: Any) -> Any:
    """E[L_CV] over n prior samples, exact from fourth moments.  1/E is lambda_CV."""
    fourth, square, product = _covariance_moments(prior)
    # The unbiased variance formula multiplied out, so that n = 1 divides by nothing.
    variance = (n - 1) / (n * n * n) * ((n - 1) * fourth - (n - 2) * square + product)
    return variance + square / (n * n)


@lru_cache(maxsize=32)
def _covariance_moments(prior: GaussianMixture) -> tuple[float, float, float]:
    """Means over all (l, j) of E[(z_l-m_l)^2 (z_j-m_j)^2], Sigma_lj^2 and Sigma_ll Sigma_jj."""
    fourth = np.zeros((prior.dim, prior.dim))
    for weight, c, d in zip(
        prior.weights, prior.covariances, prior.means - prior.mean(), strict=True
    ):
        v, d2 = np.diag(c), d * d
        fourth += weight * (
            np.outer(v, v) + 2 * c * c + np.outer(v, d2) + np.outer(d2, v)
            + 4 * c * np.outer(d, d) + np.outer(d2, d2)
        )  # fmt: skip
    sigma = prior.covariance()
    variances = np.diag(sigma)
    return (
        float(fourth.mean()),
        float(np.square(sigma).mean()),
        float(np.outer(variances, variances).mean()),
    )


@keras.saving.register_keras_serializable(package="gmae")
class GaussianMixturePenalty(Configured):
    """Kolmogorov-Smirnov and covariance loss of a batch of codes against a Gaussian mixture.

    The regulariser of Saseendran et al. 2021, each term divided by its mean over samples of the
    prior: {"ks", "covariance", "sliced"} -> 1 where codes are as good as such samples.

    Parameters
    ----------
    ks, covariance, sliced : weights of the terms in the loss.  (1, 1, 0) is the published loss;
        a term of weight zero is not computed.  `sliced` buys sight of joint structure: modes at
        wrong corners with right marginals and covariances.
    n_directions : random unit vectors drawn anew for each batch by the sliced term.
    midpoint : the symmetric target (i - 0.5)/N; see `ks_distance`.

    >>> import numpy as np
    >>> from keras import ops
    >>> from gmae_tf import GaussianMixture, GaussianMixturePenalty
    >>> prior = GaussianMixture.one_hot(2, 2, mean_scale=4.0)
    >>> penalty = GaussianMixturePenalty(prior)
    >>> codes = prior.sample(1000, np.random.default_rng(0))
    >>> good = penalty(ops.convert_to_tensor(codes, "float32"))
    >>> bad = penalty(ops.convert_to_tensor(codes + 1.0, "float32"))
    >>> sorted(good), bool(good["ks"] < 3), bool(bad["ks"] > 30)
    (['covariance', 'ks'], True, True)
    """

    def __init__(
        self,
        prior: GaussianMixture,
        ks: float = 1.0,
        covariance: float = 1.0,
        sliced: float = 0.0,
        n_directions: int = 32,
        midpoint: bool = False,
        seed: int = 0,
    ) -> None:
        check_kind(prior, GaussianMixture, "prior")
        given = {"ks": ks, "covariance": covariance, "sliced": sliced}
        weights = {name: check_number(weight, name, 0) for name, weight in given.items()}
        self.prior = prior
        self.weights = {name: weight for name, weight in weights.items() if weight}
        self.n_directions = check_int(n_directions, "n_directions", 1)
        self.midpoint = midpoint
        seed = check_int(seed, "seed")
        self.seed_generator = keras.random.SeedGenerator(seed) if sliced else None

    def __call__(self, z: Any) -> dict[str, Any]:
        """Terms of codes z [N, D], at least float32: {"ks", "covariance", "sliced"} -> scalars.

        Raises `UserError` when D is not that of the prior.
        """
        check_batch(z)
        if z.shape[-1] != self.prior.dim:  # a D of 1 would be broadcast in silence
            raise UserError(
                f"the codes have {z.shape[-1]} dimensions but the prior has {self.prior.dim}: "
                "make them equal"
            )
        n = ops.shape(z)[0]
        if not isinstance(n, int):  # unknown until the graph runs
            n = ops.cast(n, z.dtype)
        terms = {}
        if "ks" in self.weights:
            terms["ks"] = ks_distance(z, self.prior, self.midpoint)
            terms["ks"] /= expected_ks_distance(n, self.midpoint)
        if "covariance" in self.weights:
            terms["covariance"] = covariance_distance(z, self.prior)
            terms["covariance"] /= expected_covariance_distance(self.prior, n)
        if "sliced" in self.weights:
            noise = keras.random.normal(
                (self.prior.dim, self.n_directions), seed=self.seed_generator
            )
            directions = ops.cast(ops.normalize(noise, axis=0), z.dtype)
            terms["sliced"] = sliced_distance(z, self.prior, directions, self.midpoint)
            terms["sliced"] /= expected_ks_distance(n, self.midpoint)
        return terms
