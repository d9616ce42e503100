"""Mini-batches of sequences with targets for prediction heads, and with augmented inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.training.batches import SeededBatches


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
