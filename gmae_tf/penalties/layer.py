"""Latent regularisation as a Keras layer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gmae_tf.penalties.base import Penalty, check_penalty, weighted_sum
from gmae_tf.utils.arrays import check_number


@keras.saving.register_keras_serializable(package="gmae")
class LatentRegularizer(keras.layers.Layer):
    """Keras layer that adds a penalty of a batch of codes [N, D] to the loss; identity on codes.

    It uses `add_loss`, not `activity_regularizer`: Keras divides the latter by the batch size,
    which is wrong for a statistic of the batch.  `scale` multiplies the weighted sum of the terms;
    each term is about 1 once codes look like the prior, so choose it against your own loss.

    >>> import keras
    >>> from gmae_tf import GaussianMixture, GaussianMixturePenalty, LatentRegularizer
    >>> prior = GaussianMixture.one_hot(n_components=2, dim=2)
    >>> x = keras.Input((6,))
    >>> z = LatentRegularizer(GaussianMixturePenalty(prior), scale=0.1)(keras.layers.Dense(2)(x))
    >>> model = keras.Model(x, keras.layers.Dense(6)(z))
    >>> model.compile("adam", "mse")
    >>> history = model.fit(*2 * [keras.random.normal((64, 6))], epochs=1, verbose=0)
    """

    def __init__(self, penalty: Penalty, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_penalty(penalty)
        self.penalty = penalty
        self.seed_generator = getattr(penalty, "seed_generator", None)
        self.scale = check_number(scale, "scale", 0)

    def call(self, z: Any) -> Any:
        """Return z unchanged after adding the penalty of the batch."""
        # Sort, CDF and covariance lose too much in half precision.
        terms = self.penalty(ops.cast(z, "float64" if z.dtype == "float64" else "float32"))
        self.add_loss(self.scale * weighted_sum(self.penalty, terms))
        return z

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Saved and loaded with the model."""
        penalty = keras.saving.serialize_keras_object(self.penalty)
        return {**super().get_config(), "penalty": penalty, "scale": self.scale}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LatentRegularizer:
        """Inverse of `get_config`."""
        config = dict(config)
        return cls(keras.saving.deserialize_keras_object(config.pop("penalty")), **config)
