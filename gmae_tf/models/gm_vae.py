"""Gaussian-mixture variational autoencoder with a style, a cluster and a code."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import perceptron


def build(
    parts: Parts,
    threshold: float = 1.5,
    style_dim: int = 2,
    hidden: int = 500,
    kl_weight: float = 0.312,
) -> Autoencoder:
    """Sum of squared errors + kl_weight * (KL of z + KL of w + max(threshold, KL of c)).

    Dilokthanakul et al. 2016: w ~ N(0, I), c uniform, z ~ N(mu_c(w), var_c(w)).  The cluster term
    only counts above a number of nats: 0.5 in their code, about 1.5 where the report on it sees
    clusters of digits.  Their w has 150 dimensions beside 200 of z, that of the report 2.  Squared
    errors stand for their cross-entropy, and the parts' networks for their perceptrons; the weight
    is that of `vae`, because with 1 the convolutional networks ignore the codes of MNIST; of
    strings, whose loss is in nats already, 1 is the bound.
    """
    dim = parts.latent_dim
    method = StyledMixture(
        dim, parts.recipe.components, style_dim, hidden, threshold, kl_weight, parts.seed
    )
    networks = parts.networks(2 * (dim + style_dim))
    return Autoencoder(*networks, parts.reconstruction, parts.elements, method=method)


@keras.saving.register_keras_serializable(package="gmae")
class StyledMixture(Method):
    """Codes are means of q(z|x); the encoder gives q(w|x), too, and q(c|x) is p(c|z, w) by Bayes.

    Terms in nats: "prior" of z given w and c, "style" of w, "cluster" of c, held at the threshold,
    and "information", the same as it is, which has no weight.
    """

    def __init__(
        self,
        latent_dim: int,
        components: int,
        style_dim: int,
        hidden: int,
        threshold: float,
        kl_weight: float,
        seed: int = 0,
    ) -> None:
        weights = dict.fromkeys(("prior", "style", "cluster"), kl_weight)
        super().__init__(latent_dim, {**weights, "information": 0.0})
        self.components, self.style_dim, self.threshold = components, style_dim, threshold
        self.priors = perceptron(
            [hidden], 2 * components * latent_dim, "priors", "tanh", inputs=style_dim
        )
        self.random = keras.random.SeedGenerator(seed)

    def moments(self, encoded: Any) -> tuple[Any, Any, Any, Any]:
        """Mean and log variance of z [N, D], and of w [N, W]."""
        of_z, of_w = ops.split(encoded, [2 * self.latent_dim], axis=-1)
        mean, log_variance = dist.split(of_z)
        style, style_log_variance = dist.split(of_w)
        return mean, dist.bounded(log_variance), style, dist.bounded(style_log_variance)

    def clusters(self, style: Any) -> tuple[Any, Any]:
        """Means and log variances of p(z|w, c), [N, W] -> two of [N, K, D]."""
        shape = (-1, self.components, 2 * self.latent_dim)
        mean, log_variance = dist.split(ops.reshape(self.priors(style), shape))
        return mean, dist.bounded(log_variance)

    def latent_mean(self, encoded: Any) -> Any:
        """The mean of z."""
        return self.moments(encoded)[0]

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """A sample of z in training, else the mean."""
        mean, log_variance, *_ = self.moments(encoded)
        return dist.gaussian_sample(mean, log_variance, self.random) if training else mean

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """With one sample of z, the decoded one, and one of w."""
        mean, log_variance, style, style_log_variance = self.moments(batch.encoded)
        style_kl = ops.mean(dist.kl_to_standard_normal(style, style_log_variance))
        if batch.training:
            style = dist.gaussian_sample(style, style_log_variance, self.random)
        centres, spreads = self.clusters(style)
        log_posterior = ops.log_softmax(
            dist.gaussian_log_prob(batch.drawn[:, None], centres, spreads)
        )
        posterior = ops.exp(log_posterior)
        # KL(q(z|x) || p(z|w, c)) is that to a standard normal after moving and scaling both.
        offset = (mean[:, None] - centres) * ops.exp(-0.5 * spreads)
        divergence = dist.kl_to_standard_normal(offset, log_variance[:, None] - spreads)
        uniform = np.log(self.components).item()
        information = uniform + ops.mean(ops.sum(posterior * log_posterior, axis=-1))
        return {
            "prior": ops.mean(ops.sum(posterior * divergence, axis=-1)),
            "style": style_kl,
            "cluster": ops.maximum(information, self.threshold),
            "information": information,
        }

    def cluster_probs(self, encoded: Any) -> Any:
        """p(c|z, w) at both means."""
        mean, _, style, _ = self.moments(encoded)
        return ops.softmax(dist.gaussian_log_prob(mean[:, None], *self.clusters(style)))

    def sample_codes(
        self,
        n: int,
        rng: np.random.Generator,
        group: int | None = None,
        style: NDArray[np.floating] | None = None,
    ) -> NDArray[np.floating]:
        """Of a random cluster and style, or of those given: a number, and w [n, W]."""
        w = rng.normal(size=(n, self.style_dim)) if style is None else style
        centres, spreads = map(ops.convert_to_numpy, self.clusters(np.asarray(w, np.float32)))
        chosen = np.full(n, group) if group is not None else rng.integers(self.components, size=n)
        rows = np.arange(n)
        noise = rng.normal(size=(n, self.latent_dim))
        return centres[rows, chosen] + np.exp(0.5 * spreads[rows, chosen]) * noise
