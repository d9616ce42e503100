"""Mini-batches in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

from dataclasses import dataclass
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

    def feed(self) -> Any:
        """What Keras is given."""
        return self

    def __len__(self) -> int:
        return len(self.data) // self.batch_size

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return (self.data[rows],)


class ImageBatches(SeededBatches):
    """The same of images: uint8 [M, ...] in memory, float32 in [0, 1] a batch at a time.

    `data` may be a pair: images, and a number for each, which then come in pairs, too.
    """

    def __init__(self, data: Any, batch_size: int, seed: int = 0) -> None:
        images, self.numbers = data if isinstance(data, tuple) else (data, None)
        super().__init__(images, batch_size, seed)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.data[rows].astype(np.float32) / 255
        return (images,) if self.numbers is None else (images, self.numbers[rows])


class ShiftedBatches(SeededBatches):
    """Batches of images, shifted by up to `shift` pixels by the seed alone, and their labels."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[Any],
        batch_size: int,
        seed: int,
        shift: int,
    ) -> None:
        super().__init__(images, batch_size, seed)
        self.labels, self.shift = labels, shift

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        offsets = rng.integers(-self.shift, self.shift + 1, (len(rows), 2))
        return shift_images(self.data[rows], offsets, self.shift), self.labels[rows]


def shift_images(
    images: NDArray[np.uint8], offsets: NDArray[np.int64], shift: int
) -> NDArray[np.uint8]:
    """Move image i of [N, H, W, C] by offsets[i] = (down, right); borders are repeated."""
    _, height, width, _ = images.shape
    border = ((0, 0), (shift, shift), (shift, shift), (0, 0))
    padded = np.pad(images, border, mode="edge")
    rows = np.arange(height)[None, :] + shift - offsets[:, :1]
    columns = np.arange(width)[None, :] + shift - offsets[:, 1:]
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


class LengthBatches(SeededBatches):
    """The same random batches, of sequences, cut into parts of similar length; TensorFlow only.

    A batch is a tuple of arrays [N / parts, T_i]: its rows sorted by length, and each part cropped
    to its longest.  Networks then compute little padding, and a batch is still a random one, which
    the penalty needs: batches of one length each would have to look like the prior one by one.

    Parameters
    ----------
    padding : the value that fills a row of `data` [M, T] behind its end.
    """

    def __init__(
        self, data: NDArray[Any], batch_size: int, seed: int, padding: int, parts: int = 4
    ) -> None:
        self.parts = max(1, min(parts, batch_size, len(data)))
        self.lengths = np.maximum(1, (data != padding).sum(axis=1))
        super().__init__(data, batch_size, seed)
        self.batch_size -= self.batch_size % self.parts

    def __getitem__(self, index: int) -> tuple[Any]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        rows = rows[np.argsort(self.lengths[rows], kind="stable")]
        parts = np.split(rows, self.parts)
        return (tuple(self.data[part, : self.lengths[part[-1]]] for part in parts),)

    def feed(self) -> Any:
        """A tf.data set: Keras takes the widths of the first two batches for those of all."""
        import tensorflow as tf

        shape = (self.batch_size // self.parts, None)
        signature = ((tf.TensorSpec(shape, self.data.dtype),) * self.parts,)
        batches = tf.data.Dataset.from_generator(
            lambda: (self[i] for i in range(len(self))), output_signature=signature
        )
        return batches.apply(tf.data.experimental.assert_cardinality(len(self))).prefetch(2)


@dataclass(frozen=True)
class AnnotatedSequences:
    """Sequences [M, T] with targets [M, K] of prediction heads and equivalent spellings [M, S, T].

    Either may be None.  `share` is the share of examples whose input is one of the spellings.
    """

    sequences: NDArray[np.uint8]
    targets: NDArray[np.floating] | None = None
    spellings: NDArray[np.uint8] | None = None
    share: float = 0.0

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, rows: Any) -> AnnotatedSequences:
        targets = None if self.targets is None else self.targets[rows]
        spellings = None if self.spellings is None else self.spellings[rows]
        return AnnotatedSequences(self.sequences[rows], targets, spellings, self.share)


class TargetBatches(SeededBatches):
    """Batches (x,) or (x, targets) of `AnnotatedSequences`.

    x [N, T], or with spellings pairs [N, 2, T] of input and sequence to reconstruct.  Which
    spelling is the input depends on seed, epoch and batch alone.
    """

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        batch: AnnotatedSequences = self.data[rows]
        x = batch.sequences
        if batch.spellings is not None:
            rng = np.random.default_rng([self.seed, self.epoch, index])
            which = rng.integers(batch.spellings.shape[1], size=len(rows))
            source = np.where(
                rng.random(len(rows))[:, None] < batch.share,
                batch.spellings[np.arange(len(rows)), which],
                x,
            )
            x = np.stack([source, x], axis=1)
        return (x,) if batch.targets is None else (x, batch.targets.astype(np.float32))
