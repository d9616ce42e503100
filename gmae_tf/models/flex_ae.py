"""Autoencoder whose prior is a network too, and goes to the codes as they come to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.errors import UserError
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import frozen, gradient_penalty, perceptron

WIDTHS = (1024, 1024, 1024, 1024)


def build(
    parts: Parts,
    weight: float = 0.05,
    widths: Sequence[int] = WIDTHS,
    critic_widths: Sequence[int] = WIDTHS,
) -> Autoencoder:
    """Sum of squared errors + weight * distance(codes, generator(noise)), both sides of it moving.

    FlexAE (Mondal et al. 2021); the distance is what a critic with gradient penalty (WGAN-GP) sees.
    Five steps of their critic for one of the generator are a fifth of the rate for the generator
    here; `weight` stands for the twentieth of the rate with which their encoder follows the critic.
    The `widths` are of the generator's hidden layers: with none it is a linear map.
    """
    method = LearntPrior(parts.latent_dim, weight, widths, critic_widths, seed=parts.seed)
    return _build(parts, method)


def build_sr(
    parts: Parts,
    weight: float = 0.05,
    image_weight: float = 1.0,
    widths: Sequence[int] = WIDTHS,
    critic_widths: Sequence[int] = WIDTHS,
) -> Autoencoder:
    """The same, and what is decoded between two codes must look like data to a critic of images.

    That critic is another encoder.  `UserError` for strings, which have no such gradient.
    """
    if parts.elements == 1:
        raise UserError("flexae-sr compares decoded images, so strings need flexae")
    critics = critic_widths, image_weight, parts.seed, parts.encoder(1)
    return _build(parts, LearntPrior(parts.latent_dim, weight, widths, *critics))


def _build(parts: Parts, method: Method) -> Autoencoder:
    networks = parts.networks()
    return Autoencoder(*networks, parts.reconstruction, parts.elements, method=method)


@keras.saving.register_keras_serializable(package="gmae")
class LearntPrior(Method):
    """A generator learns to make codes, the encoder to make what it makes, and a critic to tell.

    "distance" is what the critic sees between codes and what is generated; it moves the encoder and
    the generator towards each other, and "critic" the critic alone.  "between" is the same of data
    and of what is decoded between two codes, and moves the autoencoder; "image_critic" its critic.
    A critic has the weight of its distance: the loss is then not lower when the critic is worse.
    """

    keep_last = True

    def __init__(
        self,
        latent_dim: int,
        weight: float,
        widths: Sequence[int] = WIDTHS,
        critic_widths: Sequence[int] = WIDTHS,
        image_weight: float = 0.0,
        seed: int = 0,
        image_critic: keras.Model | None = None,
    ) -> None:
        terms = {"distance": weight, "critic": weight}
        if image_critic is not None:
            terms |= {"between": image_weight, "image_critic": image_weight}
        super().__init__(latent_dim, terms, {"generator": 0.2})
        self.generator = perceptron(widths, latent_dim, "generator", inputs=latent_dim)
        self.critic = perceptron(critic_widths, 1, "critic", inputs=latent_dim)
        self.image_critic = image_critic
        self.random = keras.random.SeedGenerator(seed)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Differences of critics' mean outputs, which are high for what is real."""
        codes = batch.encoded
        made = self.generator(keras.random.normal(ops.shape(codes), seed=self.random))
        terms = {
            "distance": _distance(self.critic, codes, made),
            "critic": self._critic_loss(self.critic, codes, made),
        }
        if self.image_critic is not None:
            share = keras.random.uniform((ops.shape(codes)[0], 1), seed=self.random)
            between = share * codes + (1.0 - share) * ops.flip(codes, axis=0)
            images = batch.network.decoder(between, training=batch.training)
            terms["between"] = _distance(self.image_critic, batch.x, images)
            terms["image_critic"] = self._critic_loss(self.image_critic, batch.x, images)
        return terms

    def _critic_loss(self, critic: keras.Model, real: Any, made: Any) -> Any:
        real, made = (ops.stop_gradient(ops.cast(rows, "float32")) for rows in (real, made))
        penalty = gradient_penalty(critic, real, made, self.random)
        return ops.mean(critic(made)) - ops.mean(critic(real)) + 10.0 * penalty

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Of the generator."""
        noise = rng.standard_normal((n, self.latent_dim)).astype(np.float32)
        return ops.convert_to_numpy(self.generator(noise))


def _distance(critic: keras.Model, real: Any, made: Any) -> Any:
    return ops.mean(frozen(critic, real)) - ops.mean(frozen(critic, made))
