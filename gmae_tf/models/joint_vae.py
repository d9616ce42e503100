"""JointVAE: a code with continuous and discrete parts, each of a given number of nats."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.models import tools
from gmae_tf.models.gumbel import gumbel_softmax, hard, kl_to_uniform
from gmae_tf.models.method import Batch, Method, Steps
from gmae_tf.models.parts import Parts


def build(
    parts: Parts,
    gamma: float = 30.0,
    capacity_z: float = 5.0,
    capacity_c: float = 5.0,
    growth: float = 0.267,
    temperature: float = 0.67,
) -> Autoencoder:
    """Sum of squared errors + gamma * (|KL of z - C_z| + |KL of c - C_c|), with C growing from 0.

    Dupont 2018, settings of the public code for MNIST (25,000 of 93,800 steps are the share
    `growth`); those for Fashion-MNIST are gamma 100, C_c 10 and growth 0.533.  C_c ends at log K at
    most.  Squared errors stand for their cross-entropy, which only shifts the meaning of gamma.
    """
    recipe = parts.recipe
    method = JointCode(
        parts.latent_dim,
        recipe.components,
        gamma,
        capacity_z,
        capacity_c,
        growth * recipe.steps,
        temperature,
        parts.seed,
    )
    return Autoencoder(
        parts.encoder(2 * parts.latent_dim + recipe.components),
        parts.decoder(method.latent_dim),
        parts.reconstruction,
        parts.elements,
        method=method,
    )


def split_joint(encoded: Any, continuous: int) -> tuple[Any, Any, Any]:
    """Mean and log variance of z [N, continuous], logits of groups [N, K]."""
    of_z, logits = ops.split(encoded, [2 * continuous], axis=-1)
    mean, log_variance = tools.split(of_z)
    return mean, tools.bounded(log_variance), logits


def sample_joint(
    n: int, continuous: int, components: int, rng: np.random.Generator
) -> NDArray[np.floating]:
    """Standard normal z beside one-hot c, each c as likely as another: [n, continuous + K]."""
    z = rng.normal(size=(n, continuous))
    return np.concatenate([z, np.eye(components)[rng.integers(components, size=n)]], axis=1)


@keras.saving.register_keras_serializable(package="gmae")
class JointCode(Method):
    """Codes are [mean of z, most probable c as one-hot]; "gaussian" and "categorical" are terms."""

    keep_last = True  # by their schedule, losses of different epochs do not compare

    def __init__(
        self,
        continuous: int,
        components: int,
        gamma: float,
        capacity_z: float,
        capacity_c: float,
        growth_steps: float,
        temperature: float,
        seed: int = 0,
    ) -> None:
        super().__init__(continuous + components, {"gaussian": gamma, "categorical": gamma})
        self.continuous, self.components, self.seed = continuous, components, seed
        self.capacity_z, self.capacity_c = capacity_z, capacity_c
        self.growth_steps, self.temperature = growth_steps, temperature
        self.steps = Steps()
        self.random = keras.random.SeedGenerator(seed)

    def moments(self, encoded: Any) -> tuple[Any, Any, Any]:
        """Mean and log variance of z, logits of c."""
        return split_joint(encoded, self.continuous)

    def code(self, encoded: Any) -> Any:
        """Mean and best group."""
        mean, _, logits = self.moments(encoded)
        return ops.concatenate([mean, hard(logits)], axis=-1)

    def draw(self, encoded: Any, training: bool) -> Any:
        """Samples of both in training, else the code."""
        if not training:
            return self.code(encoded)
        mean, log_variance, logits = self.moments(encoded)
        z = tools.gaussian_sample(mean, log_variance, self.random)
        c = gumbel_softmax(logits, self.temperature, self.random)
        return ops.concatenate([z, c], axis=-1)

    def terms(self, batch: Batch) -> dict[str, Any]:
        """How far the mean divergences are from the capacities of this step, in nats."""
        mean, log_variance, logits = self.moments(batch.encoded)
        done = self.steps.next(batch.training)
        share = ops.minimum(1.0, done / max(1.0, self.growth_steps))
        most = min(self.capacity_c, np.log(self.components).item())
        gaussian = ops.mean(tools.kl_to_standard_normal(mean, log_variance))
        categorical = ops.mean(kl_to_uniform(logits))
        return {
            "gaussian": ops.abs(gaussian - share * self.capacity_z),
            "categorical": ops.abs(categorical - share * most),
        }

    def groups(self, encoded: Any) -> Any:
        """q(c|x)."""
        return ops.softmax(self.moments(encoded)[2])

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Of the prior, which is fixed."""
        return sample_joint(n, self.continuous, self.components, rng)

    def get_config(self) -> dict[str, Any]:
        """Everything the constructor needs."""
        return {
            "continuous": self.continuous,
            "components": self.components,
            "gamma": self.term_weights["gaussian"],
            "capacity_z": self.capacity_z,
            "capacity_c": self.capacity_c,
            "growth_steps": self.growth_steps,
            "temperature": self.temperature,
            "seed": self.seed,
        }
