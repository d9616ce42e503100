"""The statistics of the regulariser with loops, scipy and no cleverness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gmae_tf.prior import GaussianMixture

Array = NDArray[np.float64]


def marginal_cdf(t: float, j: int, prior: GaussianMixture) -> float:
    """CDF of coordinate j of the prior at t, component by component."""
    total = 0.0
    for weight, mean, covariance in zip(prior.weights, prior.means, prior.covariances, strict=True):
        total += weight * stats.norm(mean[j], np.sqrt(covariance[j, j])).cdf(t)
    return total


def marginal_density(t: float, j: int, prior: GaussianMixture) -> float:
    """Density of coordinate j of the prior at t."""
    total = 0.0
    for weight, mean, covariance in zip(prior.weights, prior.means, prior.covariances, strict=True):
        total += weight * stats.norm(mean[j], np.sqrt(covariance[j, j])).pdf(t)
    return total


def ks_distance(z: Array, prior: GaussianMixture, midpoint: bool = False) -> float:
    """Mean over samples and coordinates of the squared gap between the two CDFs."""
    n, d = z.shape
    total = 0.0
    for j in range(d):
        for i, t in enumerate(sorted(z[:, j]), start=1):
            target = (i - 0.5) / n if midpoint else i / n
            total += (marginal_cdf(t, j, prior) - target) ** 2
    return total / (n * d)


def covariance_distance(z: Array, prior: GaussianMixture) -> float:
    """Mean squared gap between the biased covariance of the batch and that of the prior."""
    n, d = z.shape
    mean, prior_mean = z.mean(axis=0), prior.weights @ prior.means
    total = 0.0
    for i in range(d):
        for j in range(d):
            batch = sum((z[k, i] - mean[i]) * (z[k, j] - mean[j]) for k in range(n)) / n
            wanted = sum(
                w * (c[i, j] + (m[i] - prior_mean[i]) * (m[j] - prior_mean[j]))
                for w, m, c in zip(prior.weights, prior.means, prior.covariances, strict=True)
            )
            total += (batch - wanted) ** 2
    return total / d**2


def sliced_distance(
    z: Array, prior: GaussianMixture, directions: Array, midpoint: bool = False
) -> float:
    """`ks_distance` of one projection after the other, against the projected mixture."""
    distances = []
    for w in directions.T:
        variances = [w @ c @ w for c in prior.covariances]
        projected = GaussianMixture((prior.means @ w)[:, None], variances, prior.weights)
        distances.append(ks_distance((z @ w)[:, None], projected, midpoint))
    return float(np.mean(distances))


def ks_gradient(z: Array, prior: GaussianMixture) -> Array:
    """dL_KS/dz_ij = 2/(N d) (F_j(z_ij) - r_ij/N) f_j(z_ij), r the rank in the column."""
    n, d = z.shape
    gradient = np.zeros((n, d))
    for j in range(d):
        rank = stats.rankdata(z[:, j], method="ordinal")
        for i in range(n):
            gap = marginal_cdf(z[i, j], j, prior) - rank[i] / n
            gradient[i, j] = 2 / (n * d) * gap * marginal_density(z[i, j], j, prior)
    return gradient


def covariance_gradient(z: Array, prior: GaussianMixture) -> Array:
    """dL_CV/dz = 4/(N d^2) (z - zbar)(S - Sigma)."""
    n, d = z.shape
    centred = z - z.mean(axis=0)
    return 4 / (n * d**2) * centred @ (np.cov(z.T, bias=True).reshape(d, d) - prior.covariance())


def finite_differences(f, z: Array, step: float = 1e-6) -> Array:
    """Central differences of a scalar function of an array."""
    gradient = np.zeros_like(z)
    for index in np.ndindex(*z.shape):
        up, down = z.copy(), z.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (f(up) - f(down)) / (2 * step)
    return gradient
