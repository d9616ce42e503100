"""The posterior of a sparse Gaussian process, frozen after training.

With L L^T = K_ZZ and a(x) = L^-1 k(Z, x), a whitened q(v) = N(m, R R^T) at inducing points Z gives
    mean(x)    = a(x)^T m
    cov(x, x') = k(x, x') - a(x)^T a(x') + (R^T a(x))^T (R^T a(x'))
for the collapsed bound (Titsias 2009) and the stochastic one (Hensman et al. 2013) alike.
All numbers here are standardised and in double precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bayesopt.surrogates.engine import gpflow

Array = NDArray[np.float64]
CHUNK = 8192  # rows of a block: 500 x 8192 doubles are 33 MB


@dataclass(frozen=True)
class WhitenedPosterior:
    """q(v): kernel k, Z [M, D], L [M, M], m [M, 1], R [M, M]."""

    kernel: gpflow.kernels.Kernel
    inducing: tf.Tensor
    cholesky: tf.Tensor
    mean: tf.Tensor
    root: tf.Tensor

    def features(self, x: tf.Tensor) -> tf.Tensor:
        """a(x) [M, n] of x [n, D]."""
        return tf.linalg.triangular_solve(self.cholesky, self.kernel(self.inducing, x), lower=True)

    def moments(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean [n] and variance [n] of f at x [n, D]."""
        a = self.features(x)
        shrunk = tf.linalg.matmul(self.root, a, transpose_a=True)
        mean = tf.linalg.matmul(a, self.mean, transpose_a=True)[:, 0]
        variance = self.kernel(x, full_cov=False) - tf.reduce_sum(a * a, 0)
        return mean, tf.maximum(variance + tf.reduce_sum(shrunk * shrunk, 0), 1e-12)

    def weights(self, x: tf.Tensor) -> tf.Tensor:
        """w(x) [n, M] with cov(x, x') = k(x, x') - w(x) a(x')."""
        a = self.features(x)
        shrunk = tf.linalg.matmul(self.root, a, transpose_a=True)
        return tf.transpose(a - tf.linalg.matmul(self.root, shrunk))

    def covariance(self, x: tf.Tensor, weights: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        """cov(x, x') [n, m] of x [n, D], whose weights are w(x), with other [m, D]."""
        return self.kernel(x, other) - tf.linalg.matmul(weights, self.features(other))

    def believed_moments(
        self, code: tf.Tensor, pending: tf.Tensor, weights: tf.Tensor, root: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Mean, variance and their gradients [D] at one code [D], given pending codes P [p, D].

        Pending codes are believed to score their mean, so only the variance changes:
        cov(x, x) - |root^-1 cov(P, x)|^2, where root root^T = cov(P, P) + tau I.
        """
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(code)
            mean, variance = self.moments(code[None])
            cross = self.covariance(pending, weights, code[None])
            known = tf.linalg.triangular_solve(root, cross, lower=True)
            left = tf.maximum(variance - tf.reduce_sum(known * known, 0), 1e-10 * variance)
        return mean[0], left[0], tape.gradient(mean, code), tape.gradient(left, code)


def covariance_root(covariance: Array, smallest: float = 1e-10) -> Array:
    """Lower root [n, n] of a posterior covariance, with as little jitter as that takes.

    Where data pin f down, a covariance is the small difference of large numbers, and rounding may
    leave it indefinite.  The jitter is relative to the mean variance; LinAlgError beyond 1.
    """
    scale = max(float(np.trace(covariance)) / max(len(covariance), 1), 1e-12)
    for jitter in np.geomspace(smallest, 1.0, 6):
        try:
            return np.linalg.cholesky(covariance + jitter * scale * np.eye(len(covariance)))
        except np.linalg.LinAlgError:
            continue
    raise np.linalg.LinAlgError("covariance is not positive definite")


def inducing_cholesky(
    kernel: gpflow.kernels.Kernel, inducing: tf.Tensor, jitter: float
) -> tf.Tensor:
    """L [M, M] with L L^T = k(Z, Z) + jitter I; InvalidArgumentError if that is not positive."""
    eye = tf.eye(tf.shape(inducing)[0], dtype=tf.float64)
    return tf.linalg.cholesky(kernel(inducing) + jitter * eye)


def collapsed_posterior(
    kernel: gpflow.kernels.Kernel, noise: float, inducing: Array, x: Array, y: Array, jitter: float
) -> WhitenedPosterior:
    """The best q for Gaussian noise of variance `noise` and data x [N, D], y [N] (Titsias 2009).

    With A = L^-1 k(Z, X) and B = I + A A^T / noise it is m = B^-1 A y / noise and R R^T = B^-1.
    A is accumulated over blocks of rows, so memory does not grow with N.
    """
    points = tf.constant(inducing, tf.float64)
    chol = inducing_cholesky(kernel, points, jitter)
    eye = tf.eye(len(inducing), dtype=tf.float64)
    outer, inner = tf.zeros_like(eye), tf.zeros_like(eye[:, :1])
    for start in range(0, len(x), CHUNK):
        block = tf.constant(x[start : start + CHUNK], tf.float64)
        target = tf.constant(y[start : start + CHUNK, None], tf.float64)
        a = tf.linalg.triangular_solve(chol, kernel(points, block), lower=True)
        outer += tf.linalg.matmul(a, a, transpose_b=True)
        inner += tf.linalg.matmul(a, target)
    b_chol = tf.linalg.cholesky(eye + outer / noise)
    mean = tf.linalg.cholesky_solve(b_chol, inner / noise)
    root = tf.transpose(tf.linalg.triangular_solve(b_chol, eye, lower=True))
    return WhitenedPosterior(kernel, points, chol, mean, root)
