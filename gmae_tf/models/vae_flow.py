"""Variational autoencoders with a normalising flow, as posterior or as prior."""

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
from gmae_tf.models.flows import AutoregressiveFlow
from gmae_tf.models.vae import GaussianPosterior, gaussian
from gmae_tf.prior import GaussianMixture

HIDDEN = (128, 128, 128)


def build(
    parts: Parts, kl_weight: float = 0.312, flow_steps: int = 2, hidden: Sequence[int] = HIDDEN
) -> Autoencoder:
    """Sum of squared errors + kl_weight * KL(q(z|x) || N(0, I)), q a Gaussian through a flow.

    Inverse autoregressive flow (Kingma et al. 2016; the bound is that of Rezende & Mohamed 2015).
    Two masked perceptrons of three layers of 128 are those of pythae.  As in the paper they see
    numbers of the encoder besides, here D of them; their scales are exponentials, while the paper
    also has gates, which can only shrink.  Squared errors and their weight are those of `vae`, so
    that the posterior is the only difference.
    """
    dim = parts.latent_dim
    return Autoencoder(
        *parts.networks(3 * dim),
        parts.reconstruction,
        parts.elements,
        prior=GaussianMixture.standard_normal(dim),
        method=FlowPosterior(dim, kl_weight, flow_steps, hidden, parts.seed),
    )


def build_prior(
    parts: Parts, kl_weight: float = 0.312, flow_steps: int = 2, hidden: Sequence[int] = HIDDEN
) -> Autoencoder:
    """Sum of squared errors + kl_weight * KL(q(z|x) || p(z)), p a flow that is learnt.

    The autoregressive prior of Chen et al. 2017, a masked autoregressive flow from codes to
    N(0, I), with the Gaussian posterior, squared errors and weight of `vae`, so that the prior is
    the only difference.  Theirs has a PixelCNN for a decoder; the flow has the sizes of `vae-flow`.
    """
    method = FlowPrior(parts.latent_dim, kl_weight, flow_steps, hidden, parts.seed)
    return gaussian(parts, parts.elements, method)


@keras.saving.register_keras_serializable(package="gmae")
class FlowPosterior(GaussianPosterior):
    """The encoder gives mean and log variance of z_0, and a context h; z = flow(z_0, h).

    The code of an example is what the mean of z_0 becomes.  Term "kl" in nats, from a sample of
    its own, because what was decoded does not say of which z_0 it came.
    """

    def __init__(
        self,
        latent_dim: int,
        kl_weight: float = 1.0,
        flow_steps: int = 2,
        hidden: Sequence[int] = HIDDEN,
        seed: int = 0,
    ) -> None:
        super().__init__(latent_dim, kl_weight, seed)
        self.flow = AutoregressiveFlow(latent_dim, flow_steps, hidden, context=latent_dim)

    def moments(self, encoded: Any) -> tuple[Any, Any]:
        """Mean and log variance of z_0 [N, D]."""
        mean, log_variance, _ = dist.split(encoded, 3)
        return mean, dist.bounded(log_variance)

    def through_flow(self, start: Any, encoded: Any) -> tuple[Any, Any]:
        """z [N, D] and log |det dz/dz_0| [N]."""
        return self.flow.forward(start, dist.split(encoded, 3)[2])

    def latent_mean(self, encoded: Any) -> Any:
        """Of the mean of z_0."""
        return self.through_flow(self.moments(encoded)[0], encoded)[0]

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """A sample in training, else the code."""
        return self.through_flow(super().sample_latent(encoded, training), encoded)[0]

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """log q(z|x) - log p(z); the expectation of log q(z_0|x) is in closed form."""
        mean, log_variance = self.moments(batch.encoded)
        start = dist.gaussian_sample(mean, log_variance, self.random)
        z, log_det = self.through_flow(start, batch.encoded)
        origin = ops.zeros_like(z)
        log_prior = dist.gaussian_log_prob(z, origin, origin)
        return {"kl": ops.mean(-_entropy(log_variance) - log_det - log_prior)}


@keras.saving.register_keras_serializable(package="gmae")
class FlowPrior(GaussianPosterior):
    """p(z) is what a flow takes to N(0, I); term "kl" in nats, from one sample of z."""

    def __init__(
        self,
        latent_dim: int,
        kl_weight: float = 1.0,
        flow_steps: int = 2,
        hidden: Sequence[int] = HIDDEN,
        seed: int = 0,
    ) -> None:
        super().__init__(latent_dim, kl_weight, seed)
        self.flow = AutoregressiveFlow(latent_dim, flow_steps, hidden)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """log q(z|x) - log p(z); the expectation of the first is in closed form."""
        _, log_variance = self.moments(batch.encoded)
        log_prior = self.flow.log_prob(self.sample(batch))
        return {"kl": ops.mean(-_entropy(log_variance) - log_prior)}

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """Noise, taken back through the flow."""
        noise = rng.standard_normal((n, self.latent_dim)).astype(np.float32)
        return ops.convert_to_numpy(self.flow.inverse(ops.convert_to_tensor(noise)))


def _entropy(log_variance: Any) -> Any:
    """Of a Gaussian in nats, [N, D] -> [N]."""
    return 0.5 * ops.sum(1.0 + dist.LOG_2PI + log_variance, axis=-1)
