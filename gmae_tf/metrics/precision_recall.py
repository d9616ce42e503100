"""Precision and recall of a set of samples against a reference, in some features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.metrics.frechet import feature_array

Array = NDArray[np.float64]
TINY = 1e-10


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """`precision` and `recall`, [n_angles] each, from all precision to all recall."""

    precision: Array
    recall: Array


def prd_curve(
    samples: ArrayLike,
    reference: ArrayLike,
    n_clusters: int = 20,
    n_angles: int = 1001,
    n_runs: int = 10,
    seed: int = 0,
) -> PrecisionRecallCurve:
    """Precision and recall for distributions (Sajjadi et al. 2018) of features [n, p].

    Both sets, cut at random to one size, are clustered together; the shares of each cluster make
    two distributions, and their curve is averaged over `n_runs` clusterings.
    """
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    x, y = feature_array(samples), feature_array(reference)
    n = min(len(x), len(y))
    curves = []
    for _ in range(n_runs):
        pooled = np.concatenate([z[rng.choice(len(z), n, replace=False)] for z in (x, y)])
        means = MiniBatchKMeans(
            min(n_clusters, len(pooled)), n_init=10, random_state=int(rng.integers(2**31))
        )
        with threadpool_limits(1):  # threads wait for one another longer than a batch takes
            clusters = means.fit_predict(pooled)
        q, p = (np.bincount(c, minlength=means.n_clusters) / n for c in np.split(clusters, 2))
        curves.append(distribution_curve(q, p, n_angles))
    return PrecisionRecallCurve(
        np.mean([c.precision for c in curves], axis=0), np.mean([c.recall for c in curves], axis=0)
    )


def distribution_curve(
    samples: ArrayLike, reference: ArrayLike, n_angles: int = 1001
) -> PrecisionRecallCurve:
    """The curve of two discrete distributions [k], of samples Q and of the reference P.

    For slopes l = tan(angle), precision = sum_w min(l P(w), Q(w)) and recall = precision / l
    (Sajjadi et al. 2018, Eqs. 5 and 6 and the evenly spaced angles of section 3.3).
    """
    q, p = np.asarray(samples, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    slopes = np.tan(np.linspace(TINY, np.pi / 2 - TINY, n_angles))[:, None]
    precision = np.minimum(slopes * p, q).sum(axis=1)
    recall = precision / slopes[:, 0]
    return PrecisionRecallCurve(np.clip(precision, 0, 1), np.clip(recall, 0, 1))


def f_beta_summary(curve: PrecisionRecallCurve, beta: float = 8.0) -> tuple[float, float]:
    """(F_8, F_1/8), the largest of each on the curve: recall and precision in one number each."""
    return _best_f(curve, beta), _best_f(curve, 1 / beta)


def neighbour_precision_recall(
    samples: ArrayLike, reference: ArrayLike, k: int = 3, n: int = 5000, seed: int = 0
) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al. 2019) of features [n, p].

    Precision is the share of samples within the distance of some reference feature to its k-th
    nearest other; recall is the same with the sets exchanged.  At most `n` of each, at random.
    """
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    x, y = (
        z if len(z) <= n else z[rng.choice(len(z), n, replace=False)]
        for z in (feature_array(samples), feature_array(reference))
    )
    with threadpool_limits(1):
        return _share_inside(x, y, k), _share_inside(y, x, k)


def _share_inside(points: Array, manifold: Array, k: int) -> float:
    from sklearn.metrics import pairwise_distances_chunked
    from sklearn.neighbors import NearestNeighbors

    neighbours = NearestNeighbors(n_neighbors=min(k, len(manifold) - 1), algorithm="brute")
    distances, _ = neighbours.fit(manifold).kneighbors()  # of the points to all others
    radii = distances[:, -1]
    inside = pairwise_distances_chunked(
        points,
        manifold,
        reduce_func=lambda chunk, start: (chunk <= radii).any(axis=1),
        working_memory=64,
    )
    return float(np.mean(np.concatenate(list(inside))))


def _best_f(curve: PrecisionRecallCurve, beta: float) -> float:
    p, r = curve.precision, curve.recall
    return float(np.max((1 + beta**2) * p * r / (beta**2 * p + r + TINY)))
