"""JointVAE: a code with continuous and discrete parts, each of a given number of nats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import Steps


def build(
    parts: Parts,
    gamma: float = 9.4,
    capacity_z: float = 16.0,
    capacity_c: float = 5.0,
    growth: float = 0.267,
    temperature: float = 0.67,
    balanced: bool = True,
) -> Autoencoder:
    """Sum of squared errors + gamma * (|KL of z - C_z| + |KL of c - C_c|), with C growing from 0.

    Dupont 2018, settings of the public code for MNIST (25,000 of 93,800 steps are the share
    `growth`; C_c ends at log K at most) but for three: gamma 30 is 9.4 here, as a squared error is
    worth about 3 nats of their cross-entropy on MNIST; C_z is what the code of `vae` has in the
    end, while with the source's 5 nats, and 2.3 of c, no model can reconstruct much better than
    1,500 centres of k-means; and `balanced` counts as KL of c what c tells of x, the rest, by which
    some groups are larger than others, being to be 0.  Without that, the shortest way to a KL of
    log K is one group for all, from which a short training does not come back.
    """
    recipe = parts.recipe
    method = GrowingCapacities(
        parts.latent_dim,
        recipe.components,
        gamma,
        capacity_z,
        capacity_c,
        growth * recipe.steps,
        temperature,
        balanced,
        parts.seed,
    )
    networks = parts.networks(2 * parts.latent_dim + recipe.components, method.latent_dim)
    return Autoencoder(*networks, parts.reconstruction, parts.elements, method=method)


class JointCode(Method):
    """Codes are [mean of z, most probable c as one-hot]; z is standard normal and c uniform."""

    keep_last = True  # by their schedules, losses of different epochs do not compare

    def __init__(
        self, continuous: int, components: int, term_weights: Mapping[str, float], seed: int
    ) -> None:
        super().__init__(continuous + components, term_weights)
        self.continuous, self.components = continuous, components
        self.steps = Steps()
        self.random = keras.random.SeedGenerator(seed)

    def moments(self, encoded: Any) -> tuple[Any, Any, Any]:
        """Mean and log variance of z [N, continuous], logits of c [N, K]."""
        of_z, logits = ops.split(encoded, [2 * self.continuous], axis=-1)
        mean, log_variance = dist.split(of_z)
        return mean, dist.bounded(log_variance), logits

    def latent_mean(self, encoded: Any) -> Any:
        """Mean and best group."""
        mean, _, logits = self.moments(encoded)
        return ops.concatenate([mean, dist.hard(logits)], axis=-1)

    def cluster_probs(self, encoded: Any) -> Any:
        """q(c|x)."""
        return ops.softmax(self.moments(encoded)[2])

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Of the prior, which is fixed: [n, continuous + K]."""
        c = np.eye(self.components)[rng.integers(self.components, size=n)]
        return np.concatenate([rng.normal(size=(n, self.continuous)), c], axis=1)


@keras.saving.register_keras_serializable(package="gmae")
class GrowingCapacities(JointCode):
    """Terms "gaussian" and "categorical": how far the divergences are from their capacities."""

    def __init__(
        self,
        continuous: int,
        components: int,
        gamma: float,
        capacity_z: float,
        capacity_c: float,
        growth_steps: float,
        temperature: float,
        balanced: bool,
        seed: int = 0,
    ) -> None:
        weights = {"gaussian": gamma, "categorical": gamma}
        super().__init__(continuous, components, weights, seed)
        self.capacity_z, self.capacity_c = capacity_z, capacity_c
        self.growth_steps, self.temperature = growth_steps, temperature
        self.balanced = balanced

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """Samples of both in training, else the code."""
        if not training:
            return self.latent_mean(encoded)
        mean, log_variance, logits = self.moments(encoded)
        z = dist.gaussian_sample(mean, log_variance, self.random)
        c = dist.gumbel_softmax(logits, self.temperature, self.random)
        return ops.concatenate([z, c], axis=-1)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """How far the mean divergences are from the capacities of this step, in nats."""
        mean, log_variance, logits = self.moments(batch.encoded)
        done = self.steps.next(batch.training)
        share = ops.minimum(1.0, done / max(1.0, self.growth_steps))
        gaussian = ops.mean(dist.kl_to_standard_normal(mean, log_variance))
        categorical = ops.mean(dist.kl_to_uniform(logits))
        most = ops.minimum(share * self.capacity_c, np.log(self.components).item())
        overall = ops.log(ops.mean(ops.softmax(logits), axis=0, keepdims=True) + 1e-7)
        imbalance = dist.kl_to_uniform(overall)[0] if self.balanced else 0.0
        return {
            "gaussian": ops.abs(gaussian - share * self.capacity_z),
            "categorical": ops.abs(categorical - imbalance - most) + imbalance,
        }
