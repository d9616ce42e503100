"""Fitting a network to the rules of molecules."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder

VALIDATION = 0.02
"""Share of the training molecules that only choose the best epoch."""


def fit_network(
    network: Autoencoder,
    rules: NDArray[np.uint8],
    padding: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    schedule: Literal["plateau", "cosine"],
    length_parts: int = 2,
    seed: int = 0,
    folder: Path | None = None,
    verbose: bool = True,
) -> list[dict[str, float]]:
    """Fit to rules [N, T], a random share of which chooses the best epoch; losses by epoch.

    Parameters
    ----------
    padding : number of the rule that fills short sequences.
    length_parts : parts of similar length into which a batch is cut, to save padding.
    folder : run folder, in which a repeated call continues an interrupted training.
    """
    import keras

    from gmae_tf.training.batches import LengthBatches, SeededBatches
    from gmae_tf.training.fit import fit

    order = np.random.default_rng(seed).permutation(len(rules))
    validation, kept = np.split(order, [max(1, int(VALIDATION * len(rules)))])
    make: Any = partial(LengthBatches, padding=padding, parts=length_parts)
    # Other networks have one length, and JAX compiles anew for each.
    if not network.autoregressive or keras.backend.backend() != "tensorflow":
        make = SeededBatches
    return fit(
        network,
        rules[kept],
        rules[validation],
        folder,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        xla=False,
        seed=seed,
        make_batches=make,
        verbose=verbose,
    )
