"""Two-stage variational autoencoder: a second one learns the codes of the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch
from gmae_tf.models.config import Parts
from gmae_tf.models.vae import GaussianPosterior

RATE = 10.0
"""Of the scales: from 1 to 0.01 are 4.6 units of their logarithm."""


def build(parts: Parts, second: Sequence[int] = (1024, 1024, 1024)) -> Autoencoder:
    """-log N(x; decoded, gamma^2 I) + KL(q(z|x) || N(0, I)) with gamma learnt, and again of z.

    Dai & Wipf 2019.  Their second stage, perceptrons of the widths `second`, is trained after the
    first; here beside it on codes that it cannot move.  The logarithms of both gammas learn ten
    times as fast as the rest, for trainings that are shorter than theirs.  Strings, whose loss is
    in nats already, have no gamma in the first stage.
    """
    return Autoencoder(
        *parts.networks(2 * parts.latent_dim),
        parts.reconstruction,
        0.0 if parts.elements > 1 else 1.0,  # else it is within a term
        method=TwoStages(parts.latent_dim, parts.elements, second, parts.seed),
    )


@keras.saving.register_keras_serializable(package="gmae")
class TwoStages(GaussianPosterior):
    """x -> z -> u with u ~ N(0, I), and back, each way back with a Gaussian of learnt scale.

    All terms are in nats: "likelihood" and "kl" of the first stage, "second_likelihood" and
    "second_kl" of the second, in which z stands still.
    """

    def __init__(
        self, latent_dim: int, elements: int, second: Sequence[int], seed: int = 0
    ) -> None:
        super().__init__(latent_dim, 1.0, seed)
        self.elements, self.widths = elements, list(second)
        names = ["kl", "second_likelihood", "second_kl"]
        names += ["likelihood"] if elements > 1 else []
        self.term_weights = dict.fromkeys(names, 1.0)
        self.lr_multipliers = {"log_gamma_x": RATE, "log_gamma_z": RATE}
        self.log_gamma_x = self.add_weight(initializer="zeros", name="log_gamma_x")
        self.log_gamma_z = self.add_weight(initializer="zeros", name="log_gamma_z")
        self.encoder = _perceptron_with_skip(self.widths, latent_dim, 2 * latent_dim)
        self.decoder = _perceptron_with_skip(self.widths, latent_dim, latent_dim)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Both bounds, each in two terms."""
        terms = super().loss_terms(batch)
        if self.elements > 1:
            squares = batch.network.reconstruction(batch.x, batch.reconstruction)
            log_variance = dist.bounded(2.0 * self.log_gamma_x)
            element = dist.LOG_2PI + log_variance + squares * ops.exp(-log_variance)
            terms["likelihood"] = 0.5 * self.elements * element
        z = ops.stop_gradient(self.sample(batch))
        moments = self.moments(self.encoder(z))
        decoded = self.decoder(dist.gaussian_sample(*moments, self.random))
        log_prob = dist.gaussian_log_prob(z, decoded, dist.bounded(2.0 * self.log_gamma_z))
        terms["second_likelihood"] = -ops.mean(log_prob)
        terms["second_kl"] = ops.mean(dist.kl_to_standard_normal(*moments))
        return terms

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """u of N(0, I), decoded to z with the noise of its scale."""
        u = rng.standard_normal((n, self.latent_dim)).astype(np.float32)
        gamma = ops.exp(0.5 * dist.bounded(2.0 * self.log_gamma_z))
        noise = ops.convert_to_numpy(gamma) * rng.standard_normal(u.shape)
        return ops.convert_to_numpy(self.decoder(u)) + noise


def _perceptron_with_skip(widths: list[int], inputs: int, outputs: int) -> keras.Model:
    """Dense layers, the last of which sees the inputs again."""
    x = h = keras.Input((inputs,))
    for width in widths:
        h = keras.layers.Dense(width, activation="relu")(h)
    h = keras.layers.Concatenate()([x, h])
    return keras.Model(x, keras.layers.Dense(outputs)(h))
