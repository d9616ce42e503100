"""Multilayer perceptrons, plain and autoregressive."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray


def perceptron(
    widths: Sequence[int],
    outputs: int,
    name: str,
    activation: str = "relu",
    inputs: int | None = None,
) -> keras.Sequential:
    """Dense layers; `inputs` builds them at once, as weights must be before training starts."""
    network = keras.Sequential(
        [
            *(keras.layers.Dense(width, activation=activation) for width in widths),
            keras.layers.Dense(outputs),
        ],
        name=name,
    )
    if inputs is not None:
        network.build((None, inputs))
    return network


class CausalPerceptron(keras.layers.Layer):
    """Masked autoregressive perceptron: indices [N, P] -> logits [N, P, K] from earlier ones."""

    def __init__(self, positions: int, symbols: int, units: int) -> None:
        super().__init__(name="prior", dtype="float32")
        self.symbols = symbols
        self.layers_of: list[tuple[Any, Any, Any]] = []
        widths = (symbols, units, units, symbols)
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            scale = keras.initializers.RandomNormal(stddev=float((positions * inputs) ** -0.5))
            kernel = self.add_weight(
                shape=(positions, inputs, positions, outputs), initializer=scale, name=f"kernel_{i}"
            )
            bias = self.add_weight(
                shape=(positions, outputs), initializer="zeros", name=f"bias_{i}"
            )
            # The first layer looks at earlier positions, the others at these and their own.
            mask = np.triu(np.ones((positions, positions), dtype=np.float32), k=int(i == 0))
            self.layers_of.append((kernel, bias, mask[:, None, :, None]))
        self.built = True

    def call(self, indices: Any) -> Any:
        """Logits."""
        h = ops.one_hot(indices, self.symbols, dtype="float32")
        for i, (kernel, bias, mask) in enumerate(self.layers_of):
            h = ops.einsum("npa,paqb->nqb", ops.relu(h) if i else h, kernel * mask) + bias
        return h

    def predict(self, indices: NDArray[np.integer], at_once: int = 4096) -> NDArray[np.floating]:
        """The same in NumPy, some rows at a time."""
        parts = [indices[i : i + at_once] for i in range(0, max(1, len(indices)), at_once)]
        return np.concatenate([ops.convert_to_numpy(self(part)) for part in parts])
