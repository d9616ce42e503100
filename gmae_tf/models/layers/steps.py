"""A counter of training steps."""

from __future__ import annotations

from typing import Any

import keras


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
