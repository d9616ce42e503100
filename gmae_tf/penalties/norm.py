"""The code norm of regularised autoencoders (Ghosh et al. 2020)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gmae_tf.penalties.base import check_batch
from gmae_tf.serialization import Configured
from gmae_tf.utils.arrays import check_number


@keras.saving.register_keras_serializable(package="gmae")
class NormPenalty(Configured):
    """L2 penalty of codes [N, D]: {"norm": mean over the batch of ||z||^2 / 2}.

    >>> from keras import ops
    >>> from gmae_tf import NormPenalty
    >>> float(NormPenalty()(ops.array([[3.0, 4.0], [0.0, 0.0]]))["norm"])
    6.25
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weights = {"norm": check_number(weight, "weight", 0)}
        self.seed_generator = None

    def __call__(self, z: Any) -> dict[str, Any]:
        """Half the mean squared norm of codes z [N, D]."""
        check_batch(z)
        return {"norm": 0.5 * ops.mean(ops.sum(ops.square(z), axis=1))}
