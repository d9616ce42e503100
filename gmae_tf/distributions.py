"""Densities, divergences and reparametrised samples of latent variables, differentiable."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from gmae_tf.prior import GaussianMixture

LOG_2PI = float(np.log(2 * np.pi))


def split(encoded: Any, parts: int = 2) -> tuple[Any, ...]:
    """Equal shares of the last axis, [N, parts D] -> parts of [N, D]."""
    return tuple(ops.split(encoded, parts, axis=-1))


def bounded(log_variance: Any, bound: float = 10.0) -> Any:
    """A log variance that cannot run away, smoothly within -bound and bound."""
    return bound * ops.tanh(log_variance / bound)


def gaussian_sample(mean: Any, log_variance: Any, seed: Any) -> Any:
    """mean + standard deviation * noise, with the gradient of both."""
    noise = keras.random.normal(ops.shape(mean), seed=seed)
    return mean + ops.exp(0.5 * log_variance) * noise


def gaussian_log_prob(z: Any, mean: Any, log_variance: Any) -> Any:
    """log N(z; mean, exp(log_variance)), summed over the last axis."""
    distance = ops.square(z - mean) * ops.exp(-log_variance)
    return -0.5 * ops.sum(LOG_2PI + log_variance + distance, axis=-1)


def kl_to_standard_normal(mean: Any, log_variance: Any) -> Any:
    """KL(N(mean, exp(log_variance)) || N(0, I)) in nats, [N, D] -> [N]."""
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance, axis=-1)


def gumbel_softmax(logits: Any, temperature: Any, seed: Any) -> Any:
    """Almost one-hot samples of a categorical distribution, with the gradient of its logits."""
    uniform = keras.random.uniform(ops.shape(logits), 1e-6, 1.0 - 1e-6, seed=seed)
    return ops.softmax((logits - ops.log(-ops.log(uniform))) / temperature)


def hard(logits: Any) -> Any:
    """The most probable group as one-hot, [N, K]."""
    return ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1], dtype="float32")


def kl_to_uniform(logits: Any) -> Any:
    """KL(softmax(logits) || uniform) in nats, [N, K] -> [N]."""
    log_q = ops.log_softmax(logits)
    return ops.sum(ops.exp(log_q) * log_q, axis=-1) + np.log(logits.shape[-1]).item()


def sample_mixture(prior: GaussianMixture, n: Any, seed: Any) -> Any:
    """n samples of a mixture within a loss, [n, D]."""
    logits = ops.convert_to_tensor(np.log(prior.weights)[None], dtype="float32")
    component = keras.random.categorical(logits, n, seed=seed)[0]
    choose = lambda values: ops.take(  # noqa: E731
        ops.convert_to_tensor(values, dtype="float32"), component, axis=0
    )
    noise = keras.random.normal((n, prior.dim), seed=seed)
    roots = choose(np.linalg.cholesky(prior.covariances))
    return choose(prior.means) + ops.einsum("nij,nj->ni", roots, noise)
