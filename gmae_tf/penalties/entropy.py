"""The penalty of entropic autoencoders (Ghose et al. 2020): codes that fill their space."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.special import gammaln

from gmae_tf.errors import UserError
from gmae_tf.serialization import Configured


@keras.saving.register_keras_serializable(package="gmae")
class EntropyPenalty(Configured):
    """{"negentropy": entropy of N(0, I) - estimated entropy of a batch of codes}, in nats.

    The estimate is that of Kozachenko and Leonenko, from the distance of each code to its k-th
    nearest neighbour.  It is too high where dimensions are many, by 4 nats of 45 at 32 with 100
    codes, so the term may be negative; its gradient is right.  Batches need more than k codes.

    Parameters
    ----------
    neighbours : k.
    """

    def __init__(self, weight: float = 1.0, neighbours: int = 1) -> None:
        if neighbours < 1:
            raise UserError(f"the nearest neighbour is number 1, so {neighbours} is none")
        self.weights = {"negentropy": float(weight)}
        self.neighbours = neighbours
        self.seed_generator = None

    def __call__(self, z: Any) -> dict[str, Any]:
        """Of codes z [N, D]."""
        n, dim, k = ops.shape(z)[0], z.shape[1], self.neighbours
        if isinstance(n, int) and n <= k:
            raise UserError(f"a batch of {n} codes has no neighbours of number {k}: make it larger")
        squares = ops.sum(ops.square(z), axis=1)
        found = squares[:, None] + squares[None] - 2 * ops.matmul(z, ops.transpose(z))
        apart = ops.stop_gradient(found) + 1e30 * ops.eye(n, dtype=z.dtype)
        neighbour = ops.top_k(-apart, k)[1][:, -1]
        # Anew, as the product above loses small distances and makes their gradient noise.
        distance = ops.sum(ops.square(z - ops.take(z, neighbour, axis=0)), axis=1)
        log_distance = 0.5 * ops.mean(ops.log(distance + 1e-8))
        # digamma(n) - digamma(k), both being whole
        counts = ops.sum(1 / ops.arange(k, n, dtype=z.dtype))
        log_ball = 0.5 * dim * np.log(np.pi) - gammaln(0.5 * dim + 1)
        entropy = counts + log_ball + dim * log_distance
        return {"negentropy": 0.5 * dim * np.log(2 * np.pi * np.e) - entropy}
