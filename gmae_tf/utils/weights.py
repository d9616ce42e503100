"""Weights of Keras models in files that are written whole or not at all."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from gmae_tf.utils.files import write_atomic

if TYPE_CHECKING:
    import keras


class Hdf5InMemory(io.BytesIO):
    """A file in memory, of a name that Keras takes for weights."""

    def __str__(self) -> str:
        """The name."""
        return "memory.weights.h5"


def save_weights(model: keras.Model, path: str | Path) -> str:
    """Write weights, and the optimiser if there is one, as Keras does; returns their SHA-256.

    By way of memory: HDF5, the format, cannot close a file that it could not write, as on a full
    disk, and the process crashes when it ends.

    Raises
    ------
    UserError: the file cannot be written.
    """
    memory = Hdf5InMemory()
    model.save_weights(memory, overwrite=True)
    write_atomic(path, memory.getvalue())
    return sha256(memory.getvalue()).hexdigest()


def file_sum(path: Path) -> str:
    """SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()
