"""Maximum mean discrepancy between codes and samples of a prior (Tolstikhin et al. 2018)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gmae_tf.distributions import sample_mixture
from gmae_tf.prior import GaussianMixture
from gmae_tf.serialization import Configured

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def mean_discrepancy(z: Any, other: Any, spread: float) -> Any:
    """Unbiased squared MMD of two samples [N, D] and [N, D]; it may be negative.

    [sum_i!=j k(z_i, z_j) + sum_i!=j k(y_i, y_j)] / (N (N-1)) - 2/N^2 sum_ij k(z_i, y_j), with
    inverse multiquadrics k(a, b) = sum_s c_s / (c_s + ||a - b||^2), c_s = s * `spread`
    (Tolstikhin et al. 2018).
    """
    n = ops.cast(ops.shape(z)[0], z.dtype)
    apart = 1.0 - ops.eye(ops.shape(z)[0], dtype=z.dtype)
    within = ops.sum(apart * (_kernel(z, z, spread) + _kernel(other, other, spread)))
    between = ops.sum(_kernel(z, other, spread))
    return within / ops.maximum(n * (n - 1.0), 1.0) - 2.0 * between / (n * n)


def _kernel(a: Any, b: Any, spread: float) -> Any:
    """[N, D], [M, D] -> [N, M]."""
    squares = [ops.sum(ops.square(rows), axis=1) for rows in (a, b)]
    distance = squares[0][:, None] + squares[1][None] - 2.0 * ops.matmul(a, ops.transpose(b))
    distance = ops.maximum(distance, 0.0)  # of rounding
    return sum(s * spread / (s * spread + distance) for s in SCALES)


@keras.saving.register_keras_serializable(package="gmae")
class MeanDiscrepancyPenalty(Configured):
    """Maximum mean discrepancy of codes from as many fresh samples of the prior: {"mmd"}.

    The spread is the mean squared distance of two samples of the prior, 2 tr(covariance): 2 D for
    N(0, I) as in the source, which has no mixtures.
    """

    def __init__(self, prior: GaussianMixture, weight: float = 1.0, seed: int = 0) -> None:
        self.prior = prior
        self.weights = {"mmd": float(weight)}
        self.spread = 2.0 * float(prior.covariance().trace())
        self.seed_generator = keras.random.SeedGenerator(seed)

    def __call__(self, z: Any) -> dict[str, Any]:
        """Of codes z [N, D]; 0 on average when they are samples of the prior."""
        other = ops.cast(sample_mixture(self.prior, ops.shape(z)[0], self.seed_generator), z.dtype)
        return {"mmd": mean_discrepancy(z, other, self.spread)}
