"""Variational autoencoder whose prior is the mean posterior of examples that are learnt."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch
from gmae_tf.errors import UserError
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import Steps
from gmae_tf.models.vae import GaussianPosterior

JITTER = 0.01
"""Standard deviation of the noise on the examples from which pseudo-inputs start."""


def build(
    parts: Parts, pseudo_inputs: int = 50, kl_weight: float = 0.312, warm_up: float = 0.25
) -> Autoencoder:
    """Sum of squared errors + kl_weight * E[log q(z|x) - log mean_c q(z|u_c)], u_c being learnt.

    Tomczak & Welling 2018, with the 50 pseudo-inputs of pythae for their 500.  They use a
    cross-entropy; squared errors have the weight of `vae` here, so that the prior is the only
    difference.  Their KL fades in over 100 epochs of runs that end by themselves, here over the
    first share `warm_up` of the steps.  u_c starts at an example, which is an option of theirs:
    theirs by default are clipped to 0, where there is no gradient.
    """
    encoder = parts.encoder(2 * parts.latent_dim)
    if keras.backend.is_int_dtype(encoder.inputs[0].dtype):
        raise UserError(
            f"{parts.recipe.model} learns examples by their gradient, which strings do not have: "
            "choose a model without pseudo-inputs, such as vae"
        )
    return Autoencoder(
        encoder,
        parts.decoder(parts.latent_dim),
        parts.reconstruction,
        parts.elements,
        method=PseudoInputs(
            parts.latent_dim,
            (pseudo_inputs, *encoder.input_shape[1:]),
            kl_weight,
            round(warm_up * parts.recipe.steps),
            parts.seed,
        ),
    )


@keras.saving.register_keras_serializable(package="gmae")
class PseudoInputs(GaussianPosterior):
    """p(z) = mean over c of q(z|u_c), with pseudo-inputs u [C, ...] in [0, 1].

    Their encodings are kept, as sampling does not see the encoder; validation brings them up to
    date.  The encoder sees them in evaluation mode, in which batch normalisation is the same as
    when its codes are used, and does not mix their statistics into those of the data.
    """

    def __init__(
        self,
        latent_dim: int,
        shape: tuple[int, ...],
        kl_weight: float = 1.0,
        warm_up: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(latent_dim, kl_weight, seed)
        self.shape, self.warm_up, self.seed = tuple(shape), warm_up, seed
        self.steps = Steps()
        self.inputs = self.add_weight(
            shape=self.shape,
            initializer=keras.initializers.RandomNormal(0.5, JITTER, seed=seed),
            constraint=lambda values: ops.clip(values, 0.0, 1.0),
            name="pseudo_inputs",
        )
        moments = {"shape": (shape[0], latent_dim), "initializer": "zeros", "trainable": False}
        self.means = self.add_weight(**moments, name="means")
        self.log_variances = self.add_weight(**moments, name="log_variances")

    def start_epoch(self, network: Autoencoder, batches: Any, epoch: int) -> None:
        """Let the pseudo-inputs start at training examples."""
        if epoch > 0:
            return
        found: list[NDArray[Any]] = []
        for index in range(len(batches)):
            found.append(np.asarray(batches[index][0]))
            if sum(map(len, found)) >= self.shape[0]:
                break
        noise = JITTER * np.random.default_rng(self.seed).standard_normal(self.shape)
        # Of fewer examples, some more than once.
        self.inputs.assign(np.clip(np.resize(np.concatenate(found), self.shape) + noise, 0.0, 1.0))

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """log q(z|x) - log p(z) at one sample; in the warm-up only its gradient is smaller."""
        means, log_variances = self.moments(batch.network.encoder(self.inputs, training=False))
        self.means.assign(ops.stop_gradient(means))
        self.log_variances.assign(ops.stop_gradient(log_variances))
        z = self.sample(batch)
        within = dist.gaussian_log_prob(z[:, None], means, log_variances)  # [N, C]
        log_prior = ops.logsumexp(within, axis=-1) - np.log(self.shape[0])
        kl = ops.mean(dist.gaussian_log_prob(z, *self.moments(batch.encoded)) - log_prior)
        share = ops.minimum(self.steps.next(batch.training) / max(1, self.warm_up), 1.0)
        if not self.warm_up:
            share = 1.0
        # The best validation loss must not be one of the warm-up.
        return {"kl": share * kl + ops.stop_gradient((1.0 - share) * kl)}

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """From the posteriors of pseudo-inputs at random."""
        component = rng.integers(self.shape[0], size=n)
        means, log_variances = (
            ops.convert_to_numpy(values)[component] for values in (self.means, self.log_variances)
        )
        return means + np.exp(0.5 * log_variances) * rng.standard_normal(means.shape)
