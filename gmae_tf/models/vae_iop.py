"""Variational autoencoder whose prior is the aggregated posterior, by a density-ratio network."""

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
from gmae_tf.models.layers import frozen
from gmae_tf.models.vae import GaussianPosterior, gaussian
from gmae_tf.utils.arrays import check_int

WIDTHS = (500, 500, 500)
DROPOUT = 0.5
"""Share of the last hidden layer of the ratio network that is left out in its training (source)."""
RATIO_RATE = 3.0
"""Factor of the learning rate of the ratio network."""
AT_ONCE = 2**16
"""Candidates that are weighted at once when codes are sampled."""


def build(
    parts: Parts, kl_weight: float = 0.312, ratio: Sequence[int] = WIDTHS, candidates: int = 100
) -> Autoencoder:
    """Sum of squared errors + kl_weight * (KL(q(z|x) || N(0, I)) - E[T(z)]), and a ratio network.

    Implicit optimal prior (Takahashi et al. 2019): T(z) is log q(z) - log N(z; 0, I), q(z) the
    mean of q(z|x) over the data, as a classifier finds it, so that what is in brackets is
    KL(q(z|x) || q(z)).  The classifier is that of their code, with tanh and dropout.  There it
    takes ten epochs for one of the autoencoder, at ten times its rate, here it learns beside it, at
    three times the rate: ten times was worse on small images, as was once.  Squared errors and
    their weight are those of `vae`.

    Their code draws no samples of the prior.  Here each is resampled from as many `candidates` of
    N(0, I), which are too few where q(z) is further from it than their logarithm, in nats.
    """
    check_int(candidates, "candidates", 1)
    method = ImplicitPrior(parts.latent_dim, kl_weight, ratio, candidates, parts.seed)
    return gaussian(parts, parts.elements, method)


@keras.saving.register_keras_serializable(package="gmae")
class ImplicitPrior(GaussianPosterior):
    """p(z) = N(z; 0, I) exp(T(z)), T a perceptron that tells samples of q(z|x) from noise.

    Both terms are parts of one loss: "kl", in nats, moves the encoder, as the weights of T stand
    still in it, and "ratio", the cross-entropy of the classifier, T alone.  Adam's steps do not
    depend on the scale of a loss, so the weight of "ratio" says nothing.
    """

    keep_last = True

    def __init__(
        self,
        latent_dim: int,
        kl_weight: float = 1.0,
        ratio: Sequence[int] = WIDTHS,
        candidates: int = 100,
        seed: int = 0,
    ) -> None:
        super().__init__(latent_dim, kl_weight, seed)
        self.term_weights["ratio"] = 1.0
        self.lr_multipliers = {"ratio": RATIO_RATE}
        self.candidates = candidates
        self.ratio = keras.Sequential(
            [
                *(keras.layers.Dense(width, activation="tanh") for width in ratio),
                keras.layers.Dropout(DROPOUT, seed=seed),
                keras.layers.Dense(1),
            ],
            name="ratio",
        )
        self.ratio.build((None, latent_dim))

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """See the class; T has no dropout in "kl"."""
        z = self.sample(batch)
        kl = ops.mean(dist.kl_to_standard_normal(*self.moments(batch.encoded)))
        noise = keras.random.normal(ops.shape(z), seed=self.random)
        of_codes = self.ratio(ops.stop_gradient(z), training=batch.training)
        of_noise = self.ratio(noise, training=batch.training)
        told = ops.softplus(-of_codes) + ops.softplus(of_noise)
        return {"kl": kl - ops.mean(frozen(self.ratio, z)), "ratio": ops.mean(told)}

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Each is one of some candidates of N(0, I), chosen with odds exp(T)."""
        parts = [np.zeros((0, self.latent_dim))]
        at_once = max(1, AT_ONCE // self.candidates)
        for start in range(0, n, at_once):
            shape = (min(at_once, n - start), self.candidates)
            z = rng.standard_normal((*shape, self.latent_dim)).astype(np.float32)
            logits = ops.convert_to_numpy(self.ratio(z.reshape(-1, self.latent_dim)))
            chosen = np.argmax(logits.reshape(shape) + rng.gumbel(size=shape), axis=1)
            parts.append(z[np.arange(len(z)), chosen])
        return np.concatenate(parts)
