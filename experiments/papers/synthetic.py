"""Vectors of a known true dimension, as MaskAAE's slides have them, and dense networks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder

Array = NDArray[np.float64]

AMBIENT = 128
"""Numbers in a vector."""
SLOPE = 0.2
"""Of the leaky rectifier on its flat side."""
WIDTHS = (256, 256)
"""Of the encoder; those of the decoder are the same."""


@dataclass(frozen=True)
class Manifold:
    """x = f(z) = gain * second leaky(first z + shift), z ~ N(0, I_n), in `AMBIENT` dimensions.

    The columns of both matrices are orthonormal and leaky has slopes of 0.2 and 1, so that
    0.2 |z - z'| <= |f(z) - f(z')| / gain <= |z - z'|: f is Lipschitz (A1 of the slides), and as its
    inverse is, too, no Lipschitz function of fewer numbers covers its range (A2).  The gain makes
    the variance of an element about 1/2.

    first : [128, n].
    second : [128, 128].
    shift : [128], without which f would be linear along every ray.
    """

    first: Array
    second: Array
    shift: Array
    gain: float

    @classmethod
    def random(cls, n: int, seed: int) -> Manifold:
        """A map of its own for each seed."""
        rng = np.random.default_rng((seed, n))
        first, _ = np.linalg.qr(rng.normal(size=(AMBIENT, n)))
        second, _ = np.linalg.qr(rng.normal(size=(AMBIENT, AMBIENT)))
        shift = np.sqrt(n / AMBIENT) * rng.normal(size=AMBIENT)
        return cls(first, second, shift, float(np.sqrt(AMBIENT / n)))

    def __call__(self, z: Array) -> Array:
        """[N, n] -> [N, 128]."""
        h = z @ self.first.T + self.shift
        return self.gain * np.where(h > 0, h, SLOPE * h) @ self.second.T

    def jacobian(self, z: Array) -> Array:
        """Of one code [n]: [128, n]."""
        slopes = np.where(self.first @ z + self.shift > 0, 1.0, SLOPE)
        return self.gain * self.second @ (slopes[:, None] * self.first)

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Vectors [count, 128]."""
        return self(rng.normal(size=(count, self.first.shape[1]))).astype(np.float32)


def dense_model(
    name: str, latent_dim: int, steps: int, seed: int, options: dict[str, Any] | None = None
) -> Autoencoder:
    """An untrained model of `gmae_tf.models` for such vectors, from the seed."""
    import keras

    from gmae_tf.losses import MeanSquaredError
    from gmae_tf.models import build_model
    from gmae_tf.models.config import Parts, Recipe

    def dense(inputs: int, outputs: int) -> keras.Model:
        x = h = keras.Input((inputs,))
        for width in WIDTHS:
            h = keras.layers.Dense(width, activation="relu")(h)
        return keras.Model(x, keras.layers.Dense(outputs)(h))

    keras.utils.set_random_seed(seed)
    recipe = Recipe(name, latent_dim, options=options or {}, steps=steps, seed=seed)
    encoder, decoder = (lambda width: dense(AMBIENT, width)), (lambda width: dense(width, AMBIENT))
    return build_model(Parts(recipe, encoder, decoder, MeanSquaredError(), AMBIENT))
