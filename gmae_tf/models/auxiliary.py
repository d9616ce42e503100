"""Auxiliary training objectives for every model: noise on codes, and prediction heads on them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf.autoencoder import Batch, Method
from gmae_tf.models.layers import perceptron


@keras.saving.register_keras_serializable(package="gmae")
class AuxiliaryObjectives(Method):
    """A method with denoising noise on its latent codes and auxiliary prediction heads.

    In training the decoder sees each code with Gaussian noise of its own standard deviation,
    uniform between `least` times the level and the level, so that it learns to map a neighbourhood
    of a code to the same output.  The level rises linearly from 0 to `noise` over the first share
    `ramp` of the `steps`.

    The heads predict properties of an example from its noisy code (Gomez-Bombarelli et al. 2018,
    Winter et al. 2019): a perceptron with one hidden layer, plus a linear layer.  Term "heads" is
    their mean squared error over the targets, the y of a batch; without targets there is no such
    term, so a trained model needs none.

    Parameters
    ----------
    inner : the method of the model itself; the plain autoencoder when left out.  Terms that it
        computes from `Batch.drawn` see the noise, too.
    noise : largest standard deviation.
    heads : number of targets; 0 for no heads.
    linear : whether the linear layer is there.
    """

    def __init__(
        self,
        latent_dim: int,
        inner: Method | None = None,
        noise: float = 0.0,
        ramp: float = 0.3,
        least: float = 1.0,
        heads: int = 0,
        head_weight: float = 60.0,
        head_units: int = 256,
        linear: bool = True,
        steps: int = 1000,
        seed: int = 0,
    ) -> None:
        inner = inner or Method(latent_dim)
        weights = dict(inner.term_weights) | ({"heads": head_weight} if heads else {})
        super().__init__(latent_dim, weights, inner.lr_multipliers)
        self.inner, self.keep_last = inner, inner.keep_last
        self.noise, self.ramp, self.least = float(noise), float(ramp), float(least)
        self.heads, self.linear, self.steps = int(heads), bool(linear), int(steps)
        self.random = keras.random.SeedGenerator(seed)
        self.progress = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="progress"
        )
        if heads:
            self.perceptron = perceptron([head_units], heads, "heads", inputs=latent_dim)
            if linear:
                self.line = keras.layers.Dense(heads, use_bias=False, name="heads_linear")
                self.line.build((None, latent_dim))

    def latent_mean(self, encoded: Any) -> Any:
        """Of the method within."""
        return self.inner.latent_mean(encoded)

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """The sample of the method within; in training with noise added."""
        drawn = self.inner.sample_latent(encoded, training)
        if not training or not self.noise:
            return drawn
        level = self.noise * ops.minimum(1.0, self.progress / max(self.ramp, 1e-6))
        share = keras.random.uniform((ops.shape(drawn)[0], 1), self.least, 1.0, seed=self.random)
        noise = keras.random.normal(ops.shape(drawn), seed=self.random)
        return drawn + ops.cast(level * share * noise, drawn.dtype)

    def predict_targets(self, codes: Any) -> Any:
        """Predictions of the heads from codes, [N, D] -> [N, heads]."""
        found = ops.cast(self.perceptron(codes), "float32")
        return found + ops.cast(self.line(codes), "float32") if self.linear else found

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Terms of the method within, and the error of the heads if the batch has targets."""
        terms = self.inner.loss_terms(batch)
        if batch.training:
            self.progress.assign(ops.minimum(1.0, self.progress + 1.0 / max(1, self.steps)))
        if self.heads and batch.targets is not None:
            error = self.predict_targets(batch.drawn) - ops.cast(batch.targets, "float32")
            terms["heads"] = ops.mean(ops.square(error))
        return terms

    @property
    def learns_prior(self) -> bool:
        """Whether the method within does."""
        return self.inner.learns_prior

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating] | None:
        """Of the method within."""
        return self.inner.sample_codes(n, rng)

    def cluster_probs(self, encoded: Any) -> Any | None:
        """Of the method within."""
        return self.inner.cluster_probs(encoded)

    def start_epoch(self, network: Any, batches: Any, epoch: int) -> None:
        """Of the method within."""
        self.inner.start_epoch(network, batches, epoch)
