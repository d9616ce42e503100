"""Wasserstein autoencoder with a critic, and the adversarial autoencoder, which came before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import frozen, perceptron
from gmae_tf.prior import GaussianMixture


def build(
    parts: Parts,
    weight: float = 10.0,
    reconstruction: float = 1.0,
    mixture: bool = False,
    critic: Sequence[int] = (512, 512, 512, 512),
) -> Autoencoder:
    """`reconstruction` * sum of squared errors + weight * BCE(critic(code), 1), and a critic.

    Tolstikhin et al. 2018, MNIST settings of their code, whose second optimiser is a factor of the
    learning rate here, but for `reconstruction`: theirs is 0.05, after 200 steps in which the
    encoder alone learns the moments of the prior, and in 60,000 steps.  In some thousand steps and
    without those before, the adversary's gradient, 200 times as heavy, then leaves little more
    than a mean image.  `mixture` matches the mixture of the options instead of N(0, I).
    """
    prior = parts.prior if mixture else GaussianMixture.standard_normal(parts.latent_dim)
    return Autoencoder(
        *parts.networks(),
        parts.reconstruction,
        reconstruction * parts.elements,
        prior=prior,
        method=LatentCritic(prior, weight, critic, parts.seed),
    )


def build_aae(
    parts: Parts,
    weight: float = 0.5,
    reconstruction: float = 0.5,
    mixture: bool = False,
    critic: Sequence[int] = (512, 512, 512, 512),
) -> Autoencoder:
    """The same with other weights: those of the adversarial autoencoder in pythae.

    Makhzani et al. 2016, with their deterministic encoder.
    """
    return build(parts, weight, reconstruction, mixture, critic)


@keras.saving.register_keras_serializable(package="gmae")
class LatentCritic(Method):
    """A perceptron learns to tell codes from the prior; the encoder learns to be mistaken for it.

    Both losses are parts of one, each of which moves its own side only: "critic" the critic, as
    codes stand still in it, and "adversary" the encoder, as the critic's weights do.  Adam's steps
    do not depend on the scale of a loss, so the weight of "critic" says nothing.
    """

    keep_last = True

    def __init__(
        self, prior: GaussianMixture, weight: float, critic: Sequence[int], seed: int = 0
    ) -> None:
        super().__init__(prior.dim, {"adversary": weight, "critic": 1.0}, {"critic": 0.5})
        self.prior = prior
        self.critic = perceptron(critic, 1, "critic", inputs=prior.dim)
        self.random = keras.random.SeedGenerator(seed)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Cross-entropies in nats: of the critic, and of the encoder that wants to pass."""
        codes = batch.encoded
        true = dist.sample_mixture(self.prior, ops.shape(codes)[0], self.random)
        told = ops.softplus(-self.critic(true)) + ops.softplus(
            self.critic(ops.stop_gradient(codes))
        )
        passed = ops.softplus(-frozen(self.critic, codes))
        return {"adversary": ops.mean(passed), "critic": ops.mean(told)}
