"""A term of the loss in the course of training, finer than by epochs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

from gmae_tf.utils.json import write_json

EVERY = 10


class Trace(keras.callbacks.Callback):
    """Means of a logged term over every 10 training steps, kept in a file from epoch to epoch.

    Attributes
    ----------
    points : (number of steps, mean of the last 10), from the start of the training.
    """

    def __init__(self, path: Path, term: str) -> None:
        super().__init__()
        self.path, self.term = path, term
        self.points: list[tuple[int, float]] = read_trace(path)
        self.before, self.total = 0, 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """What an interrupted training saw of this epoch counts no more."""
        self.before, self.total = epoch * self.params["steps"], 0.0
        self.points = [(step, value) for step, value in self.points if step <= self.before]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keras logs the mean since the start of the epoch."""
        if (batch + 1) % EVERY == 0:
            total = (batch + 1) * float((logs or {})[self.term])
            self.points.append((self.before + batch + 1, (total - self.total) / EVERY))
            self.total = total

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep what there is."""
        write_json(self.path, self.points, indent=None)


def read_trace(path: Path) -> list[tuple[int, float]]:
    """What a `Trace` kept; nothing if it has kept nothing."""
    if not path.exists():
        return []
    return [(int(step), float(value)) for step, value in json.loads(path.read_text())]
