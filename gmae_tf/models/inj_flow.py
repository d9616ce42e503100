"""Autoencoder as a relaxed injective flow: small codes, and a decoder that spreads them little."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.errors import UserError
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import input_gradient
from gmae_tf.prior import GaussianMixture


def build(parts: Parts, weight: float = 0.312) -> Autoencoder:
    """Sum of squared errors + weight * (|z|^2 / 2 + bound of log det(J^T J + weight / 2 I) / 2).

    Kumar et al. 2020.  The density of x = decoder(z) with z of N(0, I) is
    N(z; 0, I) / sqrt(det(J^T J)), J [pixels, D] the decoder's Jacobian; the encoder finds z, and
    the squared errors relax that x must be decoded exactly.  Over directions u of length one the
    logarithm is concave, so log det(J^T J) <= D E[log |J u|^2] <= D log(|J|_F^2 / D).  The first
    bound is used: one u gives an unbiased estimate of it.

    Two things are ours, and come from `vae`: with the best Gaussian posterior and a decoder that is
    linear about z its loss is this one without the bound.  They are the weight, and the variance of
    a pixel, weight / 2, beside J^T J: without it the loss has no least value, for a decoder that
    ignores its code makes the logarithm as low as you like.

    `UserError` for strings, which have no density.
    """
    if parts.elements == 1:
        raise UserError(
            f"{parts.recipe.model} has a density of real numbers, which strings are not: choose "
            "another model, such as rae"
        )
    return Autoencoder(
        *parts.networks(),
        parts.reconstruction,
        parts.elements,
        prior=GaussianMixture.standard_normal(parts.latent_dim),
        method=InjectiveFlow(parts.latent_dim, weight, weight / 2, parts.seed),
    )


@keras.saving.register_keras_serializable(package="gmae")
class InjectiveFlow(Method):
    """Terms in nats: "prior", |z|^2 / 2, and "volume", D/2 log(|J u|^2 + noise variance).

    In training the decoder has the statistics of the batch, by which one image may depend on
    another's code.
    """

    def __init__(
        self, latent_dim: int, weight: float, noise_variance: float, seed: int = 0
    ) -> None:
        super().__init__(latent_dim, {"prior": weight, "volume": weight})
        self.noise_variance = noise_variance
        self.random = keras.random.SeedGenerator(seed)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Means over the batch, with one direction for each code."""
        direction = keras.random.normal(ops.shape(batch.drawn), seed=self.random)
        direction = direction / ops.norm(direction, axis=-1, keepdims=True)
        pushed = self._pushed_forward(batch, direction)
        squares = ops.sum(ops.square(ops.reshape(pushed, (ops.shape(pushed)[0], -1))), axis=1)
        return {
            "prior": 0.5 * ops.mean(ops.sum(ops.square(batch.encoded), axis=-1)),
            "volume": 0.5 * self.latent_dim * ops.mean(ops.log(squares + self.noise_variance)),
        }

    def _pushed_forward(self, batch: Batch, direction: Any) -> Any:
        """J u, of the shape of images: J^T w is linear in w, and J u the gradient of (J^T w) u."""
        decoder = batch.network.decoder
        trainable = [weight.value for weight in decoder.trainable_variables]
        other = [weight.value for weight in decoder.non_trainable_variables]

        def pulled_back(w: Any) -> Any:
            # Stateless: what batch normalisation learns of this batch it has learnt already.
            decoded = lambda z: ops.cast(  # noqa: E731
                decoder.stateless_call(trainable, other, z, training=batch.training)[0], "float32"
            )
            return input_gradient(lambda z: decoded(z) * w, batch.drawn)

        start = ops.zeros(ops.shape(batch.reconstruction), dtype="float32")
        return input_gradient(lambda w: pulled_back(w) * direction, start)
