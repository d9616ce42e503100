"""Gaussian-mixture autoencoder: codes that match a mixture, or one Gaussian, batch by batch."""

from __future__ import annotations

from typing import Any

import keras

from gmae_tf.autoencoder import Autoencoder, Method
from gmae_tf.models.config import Parts
from gmae_tf.penalties import GaussianMixturePenalty
from gmae_tf.prior import GaussianMixture


def build(parts: Parts) -> Autoencoder:
    """The mixture of the recipe, Saseendran et al. 2021.

    Noise on the codes is in their published code, at 0, and at 0.1 in that of their later work on
    robustness.
    """
    return _with_prior(parts, parts.prior)


def build_unimodal(parts: Parts) -> Autoencoder:
    """The same with one standard Gaussian, the unimodal version of the paper."""
    return _with_prior(parts, GaussianMixture.standard_normal(parts.latent_dim))


def _with_prior(parts: Parts, prior: GaussianMixture) -> Autoencoder:
    recipe, dim = parts.recipe, parts.latent_dim
    noise = recipe.latent_noise
    return Autoencoder(
        *parts.networks(),
        parts.reconstruction,
        recipe.reconstruction_weight,
        GaussianMixturePenalty(prior, seed=parts.seed, **recipe.penalty),
        assignment_weight=recipe.assignment_weight if prior.n_components > 1 else 0.0,
        method=NoisyCodes(dim, noise, parts.seed) if noise else None,
    )


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
