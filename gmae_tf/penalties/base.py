"""The protocol of latent penalties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import keras


class Penalty(Protocol):
    """Regulariser of a batch of codes [N, D]: named scalar terms, with a loss weight for each."""

    weights: dict[str, float]
    seed_generator: keras.random.SeedGenerator | None  # so that a model can track its state

    def __call__(self, z: Any) -> dict[str, Any]:
        """The terms, unweighted."""
        ...

    def get_config(self) -> dict[str, Any]:
        """For saving with the model."""
        ...


def weighted_sum(penalty: Penalty, terms: Mapping[str, Any]) -> Any:
    """Sum of weight * term, the penalty's part of a loss."""
    return sum(penalty.weights[name] * term for name, term in terms.items())
