"""Frechet and kernel distance between two sets of features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError

Array = NDArray[np.float64]


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
    n = len(x)
    within = sum((_total(k := _kernel(z, z)) - float(np.trace(k))) / (n * (n - 1)) for z in (x, y))
    return within - 2 * _total(_kernel(x, y)) / n**2


def _kernel(x: Array, y: Array) -> Array:
    k = x @ y.T
    k /= x.shape[1]
    k += 1.0
    return k * k * k


def _total(k: Array) -> float:
    return float(k.sum())


def _square_root(covariance: Array) -> Array:
    """Symmetric root of a covariance; eigenvalues that rounding made negative are 0."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T


def _same_width(x: Array, y: Array) -> None:
    if x.shape != y.shape:
        raise UserError(
            f"features of {len(x)} and {len(y)} numbers cannot be compared: use one extractor"
        )
