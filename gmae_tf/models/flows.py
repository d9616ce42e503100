"""Normalising flow of affine autoregressive steps, by masked perceptrons (MADE)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from gmae_tf import distributions as dist

SCALE_BOUND = 3.0
"""Largest |log scale| of a coordinate in one step: no sample runs away early in a training."""


class AutoregressiveFlow(keras.layers.Layer):
    """x -> y with y_i = exp(s_i) x_i + m_i, where s_i and m_i depend on x_1 ... x_(i-1).

    Several such steps, after each of which the order of the coordinates is reversed.  One pass
    gives y and the log-determinant; the inverse takes D passes a step.  From noise to a code this
    is an inverse autoregressive flow (Kingma et al. 2016), from a code to noise a masked
    autoregressive flow (Papamakarios et al. 2017).  At first it only changes the order.

    Parameters
    ----------
    dim : D.
    steps : how many.
    hidden : widths of the hidden layers of a step's perceptron.
    context : C, numbers on which all coefficients depend as well.
    """

    def __init__(self, dim: int, steps: int, hidden: Sequence[int], context: int = 0) -> None:
        super().__init__(name="flow", dtype="float32")
        self.dim = dim
        self.networks = [MaskedPerceptron(dim, hidden, context) for _ in range(steps)]
        self.built = True

    def forward(self, x: Any, context: Any = None) -> tuple[Any, Any]:
        """y [N, D] and log |det dy/dx| [N], of x [N, D] and a context [N, C]."""
        log_det = ops.zeros_like(x[:, 0])
        for network in self.networks:
            shift, log_scale = network.coefficients(x, context)
            x = ops.flip(ops.exp(log_scale) * x + shift, axis=-1)
            log_det = log_det + ops.sum(log_scale, axis=-1)
        return x, log_det

    def inverse(self, y: Any, context: Any = None) -> Any:
        """The x [N, D] that becomes y; each pass makes one more coordinate right."""
        for network in reversed(self.networks):
            y = ops.flip(y, axis=-1)
            x = ops.zeros_like(y)
            for _ in range(self.dim):
                shift, log_scale = network.coefficients(x, context)
                x = (y - shift) * ops.exp(-log_scale)
            y = x
        return y

    def log_prob(self, x: Any) -> Any:
        """log p(x) [N] if y is of N(0, I)."""
        y, log_det = self.forward(x)
        origin = ops.zeros_like(y)
        return dist.gaussian_log_prob(y, origin, origin) + log_det


class MaskedPerceptron(keras.layers.Layer):
    """MADE (Germain et al. 2015): coefficients i of a step from the coordinates before i.

    Each unit has a degree, up to which it sees coordinates; those of hidden units are spread evenly
    over 0 ... D-1.
    """

    def __init__(self, dim: int, hidden: Sequence[int], context: int = 0) -> None:
        super().__init__(name="made", dtype="float32")
        degrees = [np.arange(1, dim + 1), *(np.arange(units) * dim // units for units in hidden)]
        degrees.append(np.tile(np.arange(dim), 2))
        last = len(degrees) - 2
        self.masked = [
            MaskedDense(before[:, None] <= after, "zeros" if i == last else "glorot_uniform")
            for i, (before, after) in enumerate(pairwise(degrees))
        ]
        self.of_context = None
        if context:
            self.of_context = keras.layers.Dense(len(degrees[1]), use_bias=False, name="context")
            self.of_context.build((None, context))
        self.built = True

    def coefficients(self, x: Any, context: Any = None) -> tuple[Any, Any]:
        """Shift and log scale, both [N, D], of x [N, D] and a context [N, C]."""
        h = self.masked[0](x)
        if self.of_context is not None:
            h = h + self.of_context(context)
        for layer in self.masked[1:]:
            h = layer(ops.relu(h))
        shift, log_scale = dist.split(h)
        return shift, dist.bounded(log_scale, SCALE_BOUND)


class MaskedDense(keras.layers.Layer):
    """Dense layer whose kernel is multiplied with a mask [inputs, outputs]."""

    def __init__(self, mask: NDArray[np.bool_], initializer: str) -> None:
        super().__init__(name="masked", dtype="float32")
        self.mask = mask.astype(np.float32)
        self.kernel = self.add_weight(shape=mask.shape, initializer=initializer, name="kernel")
        self.bias = self.add_weight(shape=mask.shape[1:], initializer="zeros", name="bias")
        self.built = True

    def call(self, x: Any) -> Any:
        """x [N, inputs] -> [N, outputs]."""
        return ops.matmul(x, self.kernel * self.mask) + self.bias
