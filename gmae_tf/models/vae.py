"""Variational autoencoders with a Gaussian posterior and a standard normal prior."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.models.config import Parts
from gmae_tf.prior import GaussianMixture


def build(parts: Parts, kl_weight: float = 0.312) -> Autoencoder:
    """Sum of squared errors + kl_weight * KL(q(z|x) || N(0, I)).

    Kingma & Welling 2014; the weight is that of Ghosh et al. 2020 for MNIST.  Theirs for CIFAR-10
    is 0.024 and for CelebA 0.09024, beside errors that are means over the three channels, hence
    three times that here.  For strings, whose loss is in nats already, 1 is the bound.
    """
    return gaussian(
        parts, parts.elements, GaussianPosterior(parts.latent_dim, kl_weight, parts.seed)
    )


def build_beta(parts: Parts, beta: float = 0.05) -> Autoencoder:
    """Half the sum of squared errors + beta * KL(q(z|x) || N(0, I)).

    Higgins et al. 2017 in the convention of pythae: -log p(x|z) of a Gaussian of unit variance.
    Tables that have this model do not give their beta.  They report far sharper reconstructions
    than of the VAE, whose weight is 0.156 in these units, so the default is below: the variance of
    a pixel that the decoder then assumes.  For strings the loss is nats + beta * KL.
    """
    method = GaussianPosterior(parts.latent_dim, beta, parts.seed)
    return gaussian(parts, likelihood_weight(parts), method)


def likelihood_weight(parts: Parts) -> float:
    """Factor of the reconstruction that makes it -log p(x|z), up to a constant.

    Of images p is N(decoded, I), and the reconstruction of strings is in nats already.
    """
    return parts.elements / 2 if parts.elements > 1 else 1.0


def gaussian(parts: Parts, reconstruction_weight: float, method: Method) -> Autoencoder:
    """Mean and log variance from the encoder, and a standard normal prior."""
    return Autoencoder(
        *parts.networks(2 * parts.latent_dim),
        parts.reconstruction,
        reconstruction_weight,
        prior=GaussianMixture.standard_normal(parts.latent_dim),
        method=method,
    )


@keras.saving.register_keras_serializable(package="gmae")
class GaussianPosterior(Method):
    """Codes are means; in training, samples of N(mean, variance) are decoded; term "kl" in nats."""

    def __init__(self, latent_dim: int, kl_weight: float = 1.0, seed: int = 0) -> None:
        super().__init__(latent_dim, {"kl": kl_weight})
        self.random = keras.random.SeedGenerator(seed)

    def moments(self, encoded: Any) -> tuple[Any, Any]:
        """Mean and log variance [N, D]."""
        mean, log_variance = dist.split(encoded)
        return mean, dist.bounded(log_variance)

    def latent_mean(self, encoded: Any) -> Any:
        """The mean."""
        return self.moments(encoded)[0]

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """A sample in training, else the mean."""
        mean, log_variance = self.moments(encoded)
        return dist.gaussian_sample(mean, log_variance, self.random) if training else mean

    def sample(self, batch: Batch) -> Any:
        """A sample [N, D] for terms that need one: what was decoded, unless that was the mean."""
        return batch.drawn if batch.training else self.sample_latent(batch.encoded, training=True)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Mean over the batch of KL(q(z|x) || N(0, I))."""
        return {"kl": ops.mean(dist.kl_to_standard_normal(*self.moments(batch.encoded)))}
