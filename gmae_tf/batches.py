"""Mini-batches in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


class SeededBatches(keras.utils.PyDataset):
    """Equal batches of an array, in the order default_rng([seed, epoch]).

    A resumed training thus sees what an uninterrupted one would have.  (With a global seed, the
    TensorFlow backend's own shuffling repeats one permutation in every epoch.)  The epoch changes
    by `start_epoch` alone: Keras calls `on_epoch_end` more than once in an epoch.  The last
    partial batch is dropped: batch statistics of another size would be another loss.
    """

    def __init__(self, data: NDArray[Any], batch_size: int, seed: int = 0) -> None:
        super().__init__()
        self.data = data
        self.batch_size = min(batch_size, len(data))
        self.seed = seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Set the order of epoch number `epoch`."""
        self.epoch = epoch
        self.order = np.random.default_rng([self.seed, epoch]).permutation(len(self.data))

    def __len__(self) -> int:
        return len(self.data) // self.batch_size

    def __getitem__(self, index: int) -> tuple[NDArray[Any]]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return (self.data[rows],)
