"""Gaussian-mixture variational autoencoder whose clusters are drawn by Gumbel-softmax."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist
from gmae_tf.autoencoder import Autoencoder, Batch, Method
from gmae_tf.models.config import Parts
from gmae_tf.models.layers import Steps, perceptron


def build(
    parts: Parts,
    gaussian_weight: float = 0.312,
    categorical_weight: float = 0.312,
    features: int = 512,
    temperature: float = 0.5,
) -> Autoencoder:
    """Sum of squared errors + KL(q(z|x, y) || p(z|y)) + KL(q(y|x) || uniform), each with a weight.

    The public GMVAE of Arias Figueroa: q(z|x, y) is a perceptron of `features` of x, and p(z|y) is
    linear.  A squared error is worth about 3 nats of its cross-entropy on MNIST, so each KL has the
    weight of `vae`.  The temperature falls from 1 as it does there in 100 epochs, no lower than the
    one given.  The first KL is the closed form of a second sample of y instead of one sample of z,
    and the parts' networks stand for perceptrons.
    """
    recipe = parts.recipe
    method = GumbelMixture(
        parts.latent_dim,
        recipe.components,
        features,
        gaussian_weight,
        categorical_weight,
        temperature,
        recipe.steps,
        parts.seed,
    )
    networks = parts.networks(recipe.components + features)
    return Autoencoder(*networks, parts.reconstruction, parts.elements, method=method)


@keras.saving.register_keras_serializable(package="gmae")
class GumbelMixture(Method):
    """The encoder gives logits of y and features; codes are means of q(z|x, y) at the best y."""

    def __init__(
        self,
        latent_dim: int,
        components: int,
        features: int,
        gaussian_weight: float,
        categorical_weight: float,
        temperature: float,
        steps: int,
        seed: int = 0,
    ) -> None:
        super().__init__(
            latent_dim, {"gaussian": gaussian_weight, "categorical": categorical_weight}
        )
        self.components, self.temperature, self.planned = components, temperature, steps
        self.posterior = perceptron(
            [features], 2 * latent_dim, "posterior", inputs=features + components
        )
        self.prior = perceptron([], 2 * latent_dim, "prior", inputs=components)
        self.steps = Steps()
        self.random = keras.random.SeedGenerator(seed)

    def logits(self, encoded: Any) -> Any:
        """Of y, [N, K]."""
        return encoded[:, : self.components]

    def choose(self, encoded: Any, training: bool) -> Any:
        """A nearly one-hot sample of y [N, K] in training, else the best one."""
        logits = self.logits(encoded)
        if not training:
            return dist.hard(logits)
        share = self.steps.count / max(1, self.planned)
        temperature = ops.maximum(self.temperature, ops.exp(-1.386 * share))
        return dist.gumbel_softmax(logits, temperature, self.random)

    def moments(self, encoded: Any, y: Any) -> tuple[Any, Any]:
        """Mean and log variance of q(z|x, y), [N, D]."""
        features = ops.relu(encoded[:, self.components :])
        mean, log_variance = dist.split(self.posterior(ops.concatenate([features, y], axis=-1)))
        return mean, dist.bounded(log_variance)

    def clusters(self, y: Any) -> tuple[Any, Any]:
        """Mean and log variance of p(z|y), [N, D]."""
        mean, log_variance = dist.split(self.prior(y))
        return mean, dist.bounded(log_variance)

    def latent_mean(self, encoded: Any) -> Any:
        """The mean of q(z|x, y) for the best y."""
        return self.moments(encoded, self.choose(encoded, training=False))[0]

    def sample_latent(self, encoded: Any, training: bool) -> Any:
        """A sample of y, and one of z given it, in training; else the code."""
        if not training:
            return self.latent_mean(encoded)
        mean, log_variance = self.moments(encoded, self.choose(encoded, training))
        return dist.gaussian_sample(mean, log_variance, self.random)

    def loss_terms(self, batch: Batch) -> dict[str, Any]:
        """Divergences of z given y, and of y, in nats."""
        y = self.choose(batch.encoded, batch.training)
        self.steps.next(batch.training)
        mean, log_variance = self.moments(batch.encoded, y)
        centre, spread = self.clusters(y)
        # KL(q || p) is that to a standard normal after moving and scaling both.
        offset = (mean - centre) * ops.exp(-0.5 * spread)
        return {
            "gaussian": ops.mean(dist.kl_to_standard_normal(offset, log_variance - spread)),
            "categorical": ops.mean(dist.kl_to_uniform(self.logits(batch.encoded))),
        }

    def cluster_probs(self, encoded: Any) -> Any:
        """q(y|x)."""
        return ops.softmax(self.logits(encoded))

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating]:
        """A group, each as likely as another, and a code of p(z|y)."""
        y = np.eye(self.components, dtype=np.float32)[rng.integers(self.components, size=n)]
        mean, log_variance = map(ops.convert_to_numpy, self.clusters(y))
        return mean + np.exp(0.5 * log_variance) * rng.normal(size=(n, self.latent_dim))
