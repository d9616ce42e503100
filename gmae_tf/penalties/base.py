"""The protocol of latent penalties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import keras

from gmae_tf.errors import UserError


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


def check_penalty(penalty: Any) -> None:
    """`UserError` for what is no penalty."""
    if not callable(penalty) or not hasattr(penalty, "weights"):
        raise UserError(
            f"penalty is {penalty!r:.80}: give one of gmae_tf.penalties, such as NormPenalty()"
        )


def check_batch(z: Any) -> None:
    """`UserError` for what is no tensor of codes [N, D]."""
    if len(getattr(z, "shape", ())) != 2:
        what = list(z.shape) if hasattr(z, "shape") else type(z).__name__
        raise UserError(f"codes are {what}: give a tensor or array [N, D] of numbers")


def weighted_sum(penalty: Penalty, terms: Mapping[str, Any]) -> Any:
    """Sum of weight * term, the penalty's part of a loss."""
    return sum(penalty.weights[name] * term for name, term in terms.items())
