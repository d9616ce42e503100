"""Autoregressive flows as bijectors and distributions of TensorFlow Probability."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from gmae_tf.models.flows import AutoregressiveFlow


def scattered(flow: AutoregressiveFlow, size: float = 0.5, seed: int = 0) -> AutoregressiveFlow:
    """The same with random weights, for at first a flow does next to nothing."""
    rng = np.random.default_rng(seed)
    for weight in flow.trainable_variables:
        weight.assign(size * rng.normal(size=weight.shape))
    return flow


def bijector_of(flow: AutoregressiveFlow, context: Any = None) -> Any:
    """The same as a chain of bijectors: y = (x - a) exp(-b) is what their inverse computes."""
    from tensorflow_probability import bijectors as tfb

    def step(network: Any) -> Any:
        def shift_and_log_scale(x: Any) -> tuple[Any, Any]:
            shift, log_scale = network.coefficients(x, context)
            return -shift * ops.exp(-log_scale), -log_scale

        return tfb.Invert(tfb.MaskedAutoregressiveFlow(shift_and_log_scale))

    backwards = tfb.Permute(np.arange(flow.dim)[::-1].astype(np.int32))
    chain = [part for network in flow.networks for part in (step(network), backwards)]
    return tfb.Chain(chain[::-1])  # theirs is from right to left


def standard_normal(dim: int) -> Any:
    """N(0, I) in float32."""
    from tensorflow_probability import distributions as tfd

    return tfd.MultivariateNormalDiag(np.zeros(dim, np.float32))


def density_of(flow: AutoregressiveFlow) -> Any:
    """The distribution of x if y is of N(0, I)."""
    from tensorflow_probability import bijectors as tfb
    from tensorflow_probability import distributions as tfd

    return tfd.TransformedDistribution(standard_normal(flow.dim), tfb.Invert(bijector_of(flow)))
