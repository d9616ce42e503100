"""Training of grammar autoencoders."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.models.options import ModelOptions
from grammar.errors import check_type

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder

MIN_STRINGS = 20
MANY_STEPS = 1000
"""From so many on, faster steps are worth compiling them."""
_KINDS: dict[str, tuple[type, str]] = {
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
    "bool": (bool, "True or False"),
    "str": (str, "a name"),
    "dict[str, Any]": (dict, "a dictionary"),
}


@dataclass(frozen=True)
class TrainingOptions(ModelOptions):
    """How a grammar autoencoder is trained.

    `UserError` for a value of another type, or a number that must be positive and is not.
    """

    latent_dim: int = 25
    """Dimensions of the latent space."""
    reconstruction_weight: float = 20.0
    """Weight of the cross-entropy in nats per string."""
    epochs: int = 50
    """Passes over the training strings."""
    batch_size: int = 600
    """Strings per batch; the regulariser compares each batch with the prior."""
    learning_rate: float = 2e-3
    """Start of Adam's learning rate; it falls when the validation loss stalls."""
    patience: int = 3
    """Epochs without a better validation loss before the learning rate falls."""
    xla: bool | None = None
    """Compile the training step with XLA: a slower start, faster steps.  By default where there are
    a thousand of them, and on JAX."""
    max_length: int | None = None
    """Longest sequence of rules; by default that of the data."""
    seed: int = 0
    """Seed of weights, split and batch order."""

    def __post_init__(self) -> None:
        from gmae_tf.models import entry

        for field in fields(self):
            value, (kind, *optional) = getattr(self, field.name), str(field.type).split(" | ")
            if kind in _KINDS and not (optional and value is None):
                needed, words = _KINDS[kind]
                check_type(value, needed, f"{field.name} must be {words}")
        names = ("max_length", "latent_dim", "components", "epochs", "batch_size", "learning_rate")
        for name in names:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UserError(f"{name} must be greater than 0, not {value}")
        for name in ("seed", "heads", "noise", "latent_noise", "patience"):
            if getattr(self, name) < 0:
                raise UserError(f"{name} must be 0 or greater, not {getattr(self, name)}")
        entry(self.model)


def train(
    network: Autoencoder,
    rules: NDArray[np.uint8],
    options: TrainingOptions,
    folder: Path | None = None,
    *,
    verbose: bool = True,
) -> list[dict[str, float]]:
    """Train on 90 % of the rules [N, T]; the others choose the best epoch.  Returns the logs.

    Called again with the same run `folder` it continues where it stopped; without, nothing is kept.
    """
    from gmae_tf.training.fit import fit

    kept, held_out = split(rules, options.seed)
    steps = options.epochs * (len(kept) // options.batch_size)
    return fit(
        network,
        kept,
        held_out,
        folder,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        patience=options.patience,
        xla=options.xla if options.xla is not None else steps >= MANY_STEPS,
        seed=options.seed,
        verbose=verbose,
    )


def split(rules: NDArray[np.uint8], seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Nine tenths of the rows for training, and the other, randomly chosen, tenth."""
    order = np.random.default_rng(seed).permutation(len(rules))
    held_out, kept = np.split(rules[order], [max(1, len(rules) // 10)])
    return kept, held_out
