"""How alike two sets of images are, by their features or pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError

Array = NDArray[np.float64]
TINY = 1e-10
CHUNK = 1000


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean [p] and covariance [p, p] of n features; computed once for a reference."""

    mean: Array
    covariance: Array
    n: int

    @classmethod
    def of(cls, features: ArrayLike) -> Moments:
        """Moments of features [n, p] in float64; the covariance is divided by n - 1.

        Raises `UserError` for fewer than two features, and for values that are not finite.
        """
        x = feature_array(features)
        return cls(x.mean(axis=0), np.atleast_2d(np.cov(x, rowvar=False)), len(x))


def frechet_distance(a: ArrayLike | Moments, b: ArrayLike | Moments) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2) of features [n, p] (Heusel et al. 2017).

    The trace is that of (C1 C2)^1/2, but only symmetric matrices are taken apart, so nothing
    becomes complex, and n may be smaller than p.  With n features from one distribution the
    distance is not 0 but about proportional to 1/n: compare at equal n.
    """
    first = a if isinstance(a, Moments) else Moments.of(a)
    second = b if isinstance(b, Moments) else Moments.of(b)
    _same_width(first.mean, second.mean)
    root = _square_root(first.covariance)
    product = np.linalg.eigvalsh(root @ second.covariance @ root)
    cross = np.sqrt(np.clip(product, 0.0, None)).sum()
    gap = first.mean - second.mean
    distance = gap @ gap + np.trace(first.covariance) + np.trace(second.covariance) - 2 * cross
    return max(0.0, float(distance))  # rounding leaves -1e-12 between equal sets


def kernel_distance(
    a: ArrayLike, b: ArrayLike, n_blocks: int = 100, block_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Kernel inception distance (Binkowski et al. 2018) of features [n, p]: mean, std of blocks.

    Unbiased squared MMD with the kernel (x.y/p + 1)^3, over random blocks of `block_size`
    features of each set (of the smaller set where that has fewer).  May be below 0.
    """
    x, y = feature_array(a), feature_array(b)
    _same_width(x[0], y[0])
    size = min(block_size, len(x), len(y))
    rng = np.random.default_rng(seed)
    values = [
        _squared_mmd(
            x[rng.choice(len(x), size, replace=False)], y[rng.choice(len(y), size, replace=False)]
        )
        for _ in range(n_blocks)
    ]
    return float(np.mean(values)), float(np.std(values))


def feature_array(features: ArrayLike) -> Array:
    """Features [n, p] in float64.  `UserError` if n < 2 or a value is not finite."""
    x = np.asarray(features, dtype=np.float64)
    if x.ndim != 2 or len(x) < 2:
        raise UserError(f"features must be [n, p] with n of at least 2, not of shape {x.shape}")
    if not np.isfinite(x).all():
        raise UserError("some features are not finite: the images or the extractor are broken")
    return x


def _squared_mmd(x: Array, y: Array) -> float:
    from sklearn.metrics.pairwise import polynomial_kernel

    n = len(x)
    within = [(k.sum() - np.trace(k)) / (n * (n - 1)) for k in map(polynomial_kernel, (x, y))]
    return float(sum(within) - 2 * polynomial_kernel(x, y).sum() / n**2)


def _square_root(covariance: Array) -> Array:
    """Symmetric root of a covariance; eigenvalues that rounding made negative are 0."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T


def _same_width(x: Array, y: Array) -> None:
    if x.shape != y.shape:
        raise UserError(
            f"features of {len(x)} and {len(y)} numbers cannot be compared: use one extractor"
        )


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


def sliced_wasserstein(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    n_directions: int = 256,
    order: int = 2,
    seed: int = 0,
) -> float:
    """(mean over random unit vectors w of W_order(a.w, b.w)^order)^(1/order) (Bonneel et al. 2015).

    Images [N, H, W, C] uint8 are read as pixels in [0, 1]; the sets may differ in size.

    Raises
    ------
    UserError: the images of the two sets differ in shape, or a set is empty.
    """
    if a.shape[1:] != b.shape[1:] or not len(a) or not len(b):
        raise UserError(f"images {a.shape} and {b.shape} cannot be compared: make them alike")
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((int(np.prod(a.shape[1:])), n_directions))
    directions = (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)
    x, y = _project(a, directions), _project(b, directions)
    return float(np.mean(wasserstein_powers(x, y, order)) ** (1 / order))


def wasserstein_powers(x: ArrayLike, y: ArrayLike, order: int = 2) -> Array:
    """W_order^order between the columns of x [n, L] and of y [m, L], exact: [L].

    The integral of |quantile of x - quantile of y|^order over the common steps of both.
    """
    xs, ys = (np.sort(np.asarray(z, dtype=np.float64), axis=0) for z in (x, y))
    n, m = len(xs), len(ys)
    # Steps end at i/n and j/m; in units of 1/(n m) these are whole numbers.
    ends = np.unique(np.concatenate([np.arange(1, n + 1) * m, np.arange(1, m + 1) * n]))
    widths = np.diff(ends, prepend=0) / (n * m)
    gaps = np.abs(xs[(ends - 1) // m] - ys[(ends - 1) // n]) ** order
    return widths @ gaps


def _project(images: NDArray[np.uint8], directions: NDArray[np.float32]) -> NDArray[np.float32]:
    parts = (images[i : i + CHUNK] for i in range(0, len(images), CHUNK))  # large sets stay uint8
    return np.concatenate(
        [part.reshape(len(part), -1).astype(np.float32) / 255 @ directions for part in parts]
    )
