"""Reconstruction losses, per batch and backend-agnostic."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="gmae")
class MeanSquaredError:
    """Mean of squared differences over all elements, as the image experiments of the papers."""

    def __call__(self, x: Any, reconstruction: Any) -> Any:
        """Two arrays of one shape -> scalar."""
        return ops.mean(ops.square(ops.cast(x, "float32") - ops.cast(reconstruction, "float32")))

    def get_config(self) -> dict[str, Any]:
        """Nothing to save."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MeanSquaredError:
        """Inverse of `get_config`; Keras loads nothing without it."""
        return cls(**config)
