"""How well codes fit the prior, and how independent their coordinates are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError

if TYPE_CHECKING:
    from gmae_tf.density import LatentDensity
    from gmae_tf.prior import GaussianMixture

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CorrelationSummary:
    """Means of absolute off-diagonal entries over the active dimensions; 0 if there is one."""

    active: int
    """Active dimensions."""
    correlation: float
    """Of the correlation matrix: normalised absolute correlation (NAC)."""
    covariance: float
    """Of the covariance matrix, the other reading of NAC."""
    correlation_gap: float
    """Of the correlation matrix minus that of the prior, whose own is not diagonal either."""
    covariance_gap: float
    """Of the covariance matrix minus that of the prior."""
    floor: float
    """What `correlation` is for so many independent codes: sqrt(2 / (pi N))."""


def absolute_correlation(
    codes: ArrayLike, prior: GaussianMixture | None = None
) -> CorrelationSummary:
    """Normalised absolute correlation of codes [N, D], in the versions that NAC may mean.

    Without a prior both gaps are against a diagonal matrix.
    """
    z = _codes(codes, prior)
    active = active_dimensions(z, prior)
    s = np.atleast_2d(np.cov(z, rowvar=False))[np.ix_(active, active)]
    target = np.eye(len(s)) if prior is None else prior.covariance()[np.ix_(active, active)]
    return CorrelationSummary(
        active=int(active.sum()),
        correlation=_mean_off_diagonal(_correlation(s)),
        covariance=_mean_off_diagonal(s),
        correlation_gap=_mean_off_diagonal(_correlation(s) - _correlation(target)),
        covariance_gap=_mean_off_diagonal(s - target),
        floor=float(np.sqrt(2 / (np.pi * len(z)))),
    )


def active_dimensions(
    codes: ArrayLike, prior: GaussianMixture | None = None, share: float = 0.01
) -> NDArray[np.bool_]:
    """Coordinates [D] that vary: variance above `share` of the prior's, or of the largest one."""
    z = _codes(codes, prior)
    variance = z.var(axis=0)
    scale = variance.max() if prior is None else np.diag(prior.covariance())
    return variance > share * scale


def prior_terms(
    codes: ArrayLike,
    prior: GaussianMixture,
    batch_size: int = 100,
    seed: int = 0,
    *,
    n_directions: int = 32,
    midpoint: bool = False,
) -> dict[str, float]:
    """The terms of the loss on held-out codes [N, D]: {"ks", "covariance", "sliced"}.

    Means over disjoint random batches of the size used in training; each is 1 on average for
    samples of the prior.  Below 1 the codes are more regular than samples, above it they differ
    from the prior.  A batch is all codes where there are fewer than `batch_size`.
    """
    import keras

    from gmae_tf.penalties import GaussianMixturePenalty

    z = _codes(codes, prior)
    penalty = GaussianMixturePenalty(
        prior, 1.0, 1.0, 1.0, n_directions=n_directions, midpoint=midpoint, seed=seed
    )
    size = min(batch_size, len(z))
    order = np.random.default_rng(seed).permutation(len(z))[: len(z) // size * size]
    rows = []
    for batch in order.reshape(-1, size):
        terms = penalty(keras.ops.convert_to_tensor(z[batch], dtype="float32"))
        rows.append([float(value) for value in terms.values()])
    return dict(zip(penalty.weights, np.mean(rows, axis=0).tolist(), strict=True))


def mean_log_likelihood(density: GaussianMixture | LatentDensity, codes: ArrayLike) -> float:
    """Mean log density per code, in nats, of codes [N, D] under an ex-post density or a prior."""
    return float(np.mean(density.log_prob(_codes(codes))))


def _codes(codes: ArrayLike, prior: GaussianMixture | None = None) -> Array:
    z = np.asarray(codes, dtype=np.float64)
    if z.ndim != 2 or len(z) < 2 or not np.isfinite(z).all():
        raise UserError(f"codes must be finite and [N, D] with N of at least 2, not {z.shape}")
    if prior is not None and z.shape[1] != prior.dim:
        raise UserError(
            f"the codes have {z.shape[1]} dimensions but the prior has {prior.dim}: make them equal"
        )
    return z


def _correlation(covariance: Array) -> Array:
    deviations = np.sqrt(np.diag(covariance))
    return covariance / np.outer(deviations, deviations)


def _mean_off_diagonal(matrix: Array) -> float:
    d = len(matrix)
    if d < 2:
        return 0.0
    return float((np.abs(matrix).sum() - np.abs(np.diag(matrix)).sum()) / (d * (d - 1)))
