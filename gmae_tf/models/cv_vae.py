"""Variational autoencoder whose posterior has a constant variance."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.models.config import Parts
from gmae_tf.models.vae import GaussianPosterior
from gmae_tf.prior import GaussianMixture


def build(parts: Parts, deviation: float = 0.7, kl_weight: float = 0.039) -> Autoencoder:
    """Sum of squared errors + kl_weight * KL(N(mean(x), deviation^2 I) || N(0, I)).

    Ghosh et al. 2020, weight for MNIST; theirs for CIFAR-10 is 0.0009 and for CelebA 0.01, beside
    errors that are means over the three channels, hence three times that here.
    """
    return Autoencoder(
        *parts.networks(),
        parts.reconstruction,
        parts.elements,
        prior=GaussianMixture.standard_normal(parts.latent_dim),
        method=ConstantVariance(parts.latent_dim, deviation, kl_weight, parts.seed),
    )


@keras.saving.register_keras_serializable(package="gmae")
class ConstantVariance(GaussianPosterior):
    """Codes are the encoder's output; in training noise of one `deviation` is added to them."""

    def __init__(
        self, latent_dim: int, deviation: float, kl_weight: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__(latent_dim, kl_weight, seed)
        self.deviation = deviation

    def moments(self, encoded: Any) -> tuple[Any, Any]:
        """Mean and log variance [N, D]."""
        return encoded, ops.full_like(encoded, 2 * np.log(self.deviation))
