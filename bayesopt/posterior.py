"""The posterior of a sparse Gaussian process, frozen after training.

With L L^T = K_ZZ and a(x) = L^-1 k(Z, x), a whitened q(v) = N(m, R R^T) gives
    mean(x)   = a(x)^T m
    cov(x,x') = k(x, x') - a(x)^T a(x') + (R^T a(x))^T (R^T a(x'))
for the collapsed bound (Titsias 2009) and the stochastic one (Hensman et al. 2013) alike.
Everything here is in standardised units and float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gpflow
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

CHUNK = 8192  # rows per block: 500 x 8192 doubles are 33 MB


@dataclass(frozen=True)
class WhitenedPosterior:
    """q(v) at inducing points Z [M, D]: mean m [M, 1], root R [M, M], and L [M, M]."""

    kernel: gpflow.kernels.Kernel
    inducing: tf.Tensor
    cholesky: tf.Tensor
    mean: tf.Tensor
    root: tf.Tensor

    def features(self, x: tf.Tensor) -> tf.Tensor:
        """a(x) [M, n] of x [n, D]."""
        return tf.linalg.triangular_solve(self.cholesky, self.kernel(self.inducing, x), lower=True)

    def moments(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean [n] and variance [n] of f at x [n, D]; differentiable in x."""
        a = self.features(x)
        shrunk = tf.linalg.matmul(self.root, a, transpose_a=True)
        mean = tf.linalg.matmul(a, self.mean, transpose_a=True)[:, 0]
        variance = self.kernel(x, full_cov=False) - tf.reduce_sum(a * a, 0)
        variance += tf.reduce_sum(shrunk * shrunk, 0)
        return mean, tf.maximum(variance, 1e-12)

    def covariance(self, x: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """Posterior cross-covariance [n, m] of f between x [n, D] and other [m, D]; differentiable."""
        a, b = self.features(x), self.features(other)
        left = tf.linalg.matmul(self.root, a, transpose_a=True)
        right = tf.linalg.matmul(self.root, b, transpose_a=True)
        prior = self.kernel(x, other) - tf.linalg.matmul(a, b, transpose_a=True)
        return prior + tf.linalg.matmul(left, right, transpose_a=True)


def inducing_cholesky(
    kernel: gpflow.kernels.Kernel, inducing: tf.Tensor, jitter: float
) -> tf.Tensor:
    """L [M, M] with L L^T = k(Z, Z) + jitter I.  Raises tf.errors.InvalidArgumentError if not positive."""
    size = tf.shape(inducing)[0]
    return tf.linalg.cholesky(kernel(inducing) + jitter * tf.eye(size, dtype=tf.float64))


def collapsed_posterior(
    kernel: gpflow.kernels.Kernel,
    noise: float,
    inducing: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    jitter: float,
) -> WhitenedPosterior:
    """The optimal q for Gaussian noise (Titsias 2009): B = I + A A^T, m = B^-1 A y / sigma, S = B^-1.

    A = L^-1 k(Z, X) / sigma is accumulated in blocks of rows, so memory does not grow with N.
    """
    points = tf.constant(inducing, tf.float64)
    chol = inducing_cholesky(kernel, points, jitter)
    outer, inner = _accumulate(kernel, chol, points, x, y)
    size = len(inducing)
    b_chol = tf.linalg.cholesky(tf.eye(size, dtype=tf.float64) + outer / noise)
    mean = tf.linalg.cholesky_solve(b_chol, inner / noise)
    eye = tf.eye(size, dtype=tf.float64)
    root = tf.transpose(tf.linalg.triangular_solve(b_chol, eye, lower=True))
    return WhitenedPosterior(kernel, points, chol, mean, root)


def _accumulate(
    kernel: gpflow.kernels.Kernel, chol: tf.Tensor, points: tf.Tensor, x: Any, y: Any
) -> tuple[tf.Tensor, tf.Tensor]:
    size = points.shape[0]
    outer = tf.zeros([size, size], tf.float64)
    inner = tf.zeros([size, 1], tf.float64)
    for start in range(0, len(x), CHUNK):
        block = tf.constant(x[start : start + CHUNK], tf.float64)
        target = tf.constant(y[start : start + CHUNK, None], tf.float64)
        a = tf.linalg.triangular_solve(chol, kernel(points, block), lower=True)
        outer += tf.linalg.matmul(a, a, transpose_b=True)
        inner += tf.linalg.matmul(a, target)
    return outer, inner
