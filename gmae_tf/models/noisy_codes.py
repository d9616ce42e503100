"""Denoising autoencoder in the latent space: Gaussian noise on codes in training."""

from __future__ import annotations

from typing import Any

import keras

from gmae_tf.autoencoder import Method


@keras.saving.register_keras_serializable(package="gmae")
class NoisyCodes(Method):
    """The decoder sees codes with Gaussian noise in training, and learns to be smooth about them.

    The code itself, which the penalty sees, has none.
    """

    def __init__(self, latent_dim: int, std: float, seed: int = 0) -> None:
        super().__init__(latent_dim)
        self.std = std
        self.random = keras.random.SeedGenerator(seed)

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """Code + std * noise."""
        if not training:
            return encoded
        return encoded + self.std * keras.random.normal(keras.ops.shape(encoded), seed=self.random)
