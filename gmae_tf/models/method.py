"""What one kind of autoencoder may do differently from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gmae_tf.autoencoder import Autoencoder


@dataclass(frozen=True)
class Batch:
    """One step of training or validation, as `Method.terms` sees it.

    network : the whole model.
    x : what was encoded [N, ...], or a tuple of parts of it.
    encoded : the encoder's output [N, E].
    drawn : what was decoded [N, D].
    reconstruction : the decoder's output, of the shape that the loss wants; a tuple like x.
    training : whether the weights will move.
    """

    network: Autoencoder
    x: Any
    encoded: Any
    drawn: Any
    reconstruction: Any
    training: bool


class Method(keras.layers.Layer):
    """From the encoder's output to codes, and the terms that the loss gets besides.

    This base is the plain autoencoder: the encoder's output is the code, and it is what is decoded.
    A subclass overrides what it does differently; layers and weights that it holds are trained,
    saved and resumed with the networks.  A term moves whatever its value depends on: to keep one
    from moving some part, compute it from `ops.stop_gradient` of values, or of the part's weights
    with `gmae_tf.models.layers.tools.frozen`.

    Attributes
    ----------
    term_weights : weight of each term in the loss, by name.
    rates : factors of the learning rate, by the name of a layer that this method holds.
    keep_last : keep the last weights of a training, not those of the best validation loss, which
        says little where two sides of it play against each other.
    """

    keep_last = False

    def __init__(
        self,
        latent_dim: int,
        term_weights: Mapping[str, float] | None = None,
        rates: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(name="method", dtype="float32")
        self.latent_dim = latent_dim
        self.term_weights = {name: float(weight) for name, weight in (term_weights or {}).items()}
        self.rates = dict(rates or {})
        self.built = True

    def code(self, encoded: Any) -> Any:
        """The code that stands for an example, without chance: [N, E] -> [N, D]."""
        return encoded

    def draw(self, encoded: Any, training: bool) -> Any:
        """What is decoded in training: [N, E] -> [N, D]."""
        del training
        return self.code(encoded)

    def terms(self, batch: Batch) -> dict[str, Any]:
        """Scalars by the names of `term_weights`."""
        del batch
        return {}

    def sample_codes(self, n: int, rng: np.random.Generator) -> NDArray[np.floating] | None:
        """n codes [n, D] of a prior that this method has learnt; None: it has learnt none."""
        del n, rng
        return None

    def groups(self, encoded: Any) -> Any | None:
        """Probabilities of groups [N, E] -> [N, K] by a part of the model made for it, or None."""
        del encoded
        return None

    def start_epoch(self, network: Autoencoder, batches: Any, epoch: int) -> None:
        """Called before epoch 0, 1, ... with the training batches; `batches[i][0]` are examples."""


class Steps(keras.layers.Layer):
    """Counts training steps, for terms whose weight depends on them; saved with the model."""

    def __init__(self) -> None:
        super().__init__(name="steps", dtype="float32")
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")
        self.built = True

    def next(self, training: bool) -> Any:
        """How many training steps there were before this one; call once a batch."""
        before = self.count + 0.0  # a value, which the assignment does not change
        if training:
            self.count.assign(before + 1)
        return before
