"""Reconstruction losses, per batch and backend-agnostic."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gmae_tf.serialization import Configured


@keras.saving.register_keras_serializable(package="gmae")
class MeanSquaredError(Configured):
    """Mean of squared differences over all elements, as the image experiments of the papers."""

    def __call__(self, x: Any, reconstruction: Any) -> Any:
        """Two arrays of one shape -> scalar."""
        return ops.mean(ops.square(ops.cast(x, "float32") - ops.cast(reconstruction, "float32")))
