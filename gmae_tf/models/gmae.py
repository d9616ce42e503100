"""Gaussian-mixture autoencoder: codes that match a mixture, or one Gaussian, batch by batch."""

from __future__ import annotations

from typing import Any

import keras

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.models.method import Method
from gmae_tf.models.parts import Parts
from gmae_tf.penalties import GaussianMixturePenalty
from gmae_tf.prior import GaussianMixture


def build(parts: Parts, latent_noise: float = 0.0) -> Autoencoder:
    """The mixture of the options; `latent_noise` is added to codes in training, in units of z.

    Saseendran et al. 2021, whose code has the noise and leaves it at 0; 0.1 in that of their
    later work on robustness.
    """
    return _with_prior(parts, parts.prior, latent_noise)


def build_unimodal(parts: Parts, latent_noise: float = 0.0) -> Autoencoder:
    """The same with one standard Gaussian, the unimodal version of the paper."""
    return _with_prior(parts, GaussianMixture.standard_normal(parts.latent_dim), latent_noise)


def _with_prior(parts: Parts, prior: GaussianMixture, latent_noise: float) -> Autoencoder:
    return Autoencoder(
        parts.encoder(parts.latent_dim),
        parts.decoder(parts.latent_dim),
        parts.reconstruction,
        parts.recipe.reconstruction_weight,
        GaussianMixturePenalty(prior, seed=parts.seed, **parts.recipe.penalty),
        assignment_weight=parts.recipe.assignment_weight,
        method=NoisyCodes(parts.latent_dim, latent_noise, parts.seed) if latent_noise else None,
    )


@keras.saving.register_keras_serializable(package="gmae")
class NoisyCodes(Method):
    """The decoder sees codes with Gaussian noise in training, and learns to be smooth about them.

    The code itself, which the penalty sees, has none.
    """

    def __init__(self, latent_dim: int, std: float, seed: int = 0) -> None:
        super().__init__(latent_dim)
        self.std, self.seed = std, seed
        self.random = keras.random.SeedGenerator(seed)

    def draw(self, encoded: Any, training: bool) -> Any:
        """Code + std * noise."""
        if not training:
            return encoded
        return encoded + self.std * keras.random.normal(keras.ops.shape(encoded), seed=self.random)

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor needs."""
        return {"latent_dim": self.latent_dim, "std": self.std, "seed": self.seed}
