"""Weights on a full disk: one sentence, what was there stays, and the process lives on."""

from __future__ import annotations

import gc
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.utils.files import atomic_path
from gmae_tf.utils.weights import save_weights


@contextmanager
def room(size: int) -> Iterator[None]:
    """No file of this process may be larger, as on a disk that becomes full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)


def test_weights_on_a_full_disk(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = keras.Sequential([keras.Input((50,)), keras.layers.Dense(50)])
    path = tmp_path / "model.weights.h5"
    save_weights(model, path)
    before, old = path.read_bytes(), model.get_weights()
    model.set_weights([weight + 1 for weight in old])
    with (
        room(4_000),
        pytest.raises(UserError, match=r"weights.h5 cannot be written .*: make room, and the same"),
    ):
        save_weights(model, path)
    gc.collect()  # HDF5 complained of a file that it could not close
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert "file write failed" not in capfd.readouterr().err
    model.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), old, strict=True))


def test_arrays_on_a_full_disk(tmp_path: Path) -> None:
    cannot = pytest.raises(UserError, match=r"codes.npy cannot be written")
    with room(4_000), cannot, atomic_path(tmp_path / "codes.npy") as path:
        np.save(path, np.zeros(10_000))
    assert not any(tmp_path.iterdir())
