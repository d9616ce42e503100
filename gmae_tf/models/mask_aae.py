"""Adversarial autoencoder that masks the dimensions it has no use for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import Steps, frozen, gradient_penalty, perceptron

WIDTHS = (1024, 1024, 1024, 1024)
MASK_RATE, CRITIC_RATE = 20_000, 3.0
"""Factors of the learning rate: of the mask, divided by the steps of the training, and of the
critic."""
HOLD, DOUBLING = 0.4, 0.02
"""Shares of the training: before the weight that makes the mask decide doubles for the first time,
and between two doublings."""


def build(
    parts: Parts, weight: float = 10.0, variance: float = 0.1, critic: Sequence[int] = WIDTHS
) -> Autoencoder:
    """Sum of squared errors + weight * distance(mask * code, mask * noise), and terms of the mask.

    MaskAAE (Mondal et al. 2020).  Their four optimisers with steps in turn are one here, with a
    faster critic for their five steps of it, and squared errors, in whose unit all else is
    weighted, stand for their cross-entropies.  `weight` and the schedule are ours: theirs, in
    500,000 steps, doubles first after 4 % of them.  Of a few thousand steps that is too few: the
    mask decides before the critic knows anything, and spurious dimensions stay.  Here it waits for
    the critic, and its rate lets it cross its range several times meanwhile.  Nor is `variance`
    theirs, 100: with it the encoder of images shrinks all codes to a point in its first steps.
    """
    steps = parts.recipe.steps
    method = MaskedCritic(
        parts.latent_dim,
        weight,
        parts.elements * variance,
        critic,
        HOLD * steps,
        DOUBLING * steps,
        {"mask": max(1.0, MASK_RATE / steps), "critic": CRITIC_RATE},
        parts.seed,
    )
    networks = parts.networks()
    return Autoencoder(*networks, parts.reconstruction, parts.elements, method=method)


@keras.saving.register_keras_serializable(package="gmae")
class MaskedCritic(Method):
    """Codes are mask * encoder's output, mask = 1 - exp(-m), m >= 0.

    "adversary" moves the encoder, "critic" the critic (WGAN-GP), "variance" the encoder, and
    "mask" m: it must leave the critic a distance of 1 between codes and masked noise, and come to
    0 or 1, ever more so: the weight of this is 2 / D for `hold` steps and then doubles every
    `doubling` steps up to 2048.
    """

    def __init__(
        self,
        latent_dim: int,
        weight: float,
        variance: float,
        critic: Sequence[int],
        hold: float,
        doubling: float,
        lr_multipliers: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        weights = {"adversary": weight, "variance": variance, "mask": 1.0, "critic": 1.0}
        super().__init__(latent_dim, weights, lr_multipliers)
        self.hold, self.doubling = hold, doubling
        self.critic = perceptron(critic, 1, "critic", inputs=latent_dim)
        self.masking = Mask(latent_dim)
        self.steps = Steps()
        self.random = keras.random.SeedGenerator(seed)

    def mask(self) -> Any:
        """Factor of each dimension, [D] in [0, 1]; active are those above 0.1 (source)."""
        return self.masking.values()

    def latent_mean(self, encoded: Any) -> Any:
        """Masked."""
        return encoded * self.mask()

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """See the class."""
        z, mask = batch.encoded, self.mask()
        noise = keras.random.normal(ops.shape(z), seed=self.random)
        still_z, still_mask = ops.stop_gradient(z), ops.stop_gradient(mask)
        codes, made = still_z * still_mask, noise * still_mask
        score = lambda values: ops.mean(frozen(self.critic, values))  # noqa: E731
        gap = ops.mean(self.critic(codes)) - ops.mean(self.critic(made))
        penalty = gradient_penalty(self.critic, made, codes, self.random)
        seen = score(still_z * mask) - score(noise * mask)
        undecided = ops.sum(mask * (1.0 - mask))
        unused = ops.square(z - ops.mean(z, axis=0)) * ops.exp(-10.0 * ops.square(still_mask))
        return {
            "adversary": ops.stop_gradient(score(made)) - score(z * still_mask),
            "variance": ops.mean(unused),
            "mask": ops.square(1.0 - seen) + self._mask_weight(batch.training) * undecided,
            "critic": gap + 10.0 * penalty,
        }

    def _mask_weight(self, training: bool) -> Any:
        steps = self.steps.next(training)
        if not training:
            return 2048.0  # the last, so that validation losses of all epochs compare
        doublings = ops.maximum(0.0, ops.floor((steps - self.hold) / self.doubling))
        return ops.minimum(2048.0, 2.0 / self.latent_dim * ops.power(2.0, doublings))

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Masked noise."""
        return rng.standard_normal((n, self.latent_dim)) * ops.convert_to_numpy(self.mask())


class Mask(keras.layers.Layer):
    """The numbers m [D] of a mask, which start anywhere between 0 and 5."""

    def __init__(self, dim: int) -> None:
        super().__init__(name="mask", dtype="float32")
        uniform = keras.initializers.RandomUniform(0.0, 5.0)
        self.m = self.add_weight(shape=(dim,), initializer=uniform, constraint="non_neg", name="m")
        self.built = True

    def values(self) -> Any:
        """1 - exp(-m)."""
        return 1.0 - ops.exp(-ops.convert_to_tensor(self.m))
