"""A full disk: one sentence, what was there stays, and the process lives on."""

from __future__ import annotations

import gc
import json
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest

from gmae_tf.errors import UserError
from gmae_tf.training.callbacks import ScalarLog
from gmae_tf.utils.files import atomic_path
from gmae_tf.utils.json import write_json
from gmae_tf.utils.run_dir import open_run
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


def test_event_files_on_a_full_disk(tmp_path: Path) -> None:
    log = ScalarLog(tmp_path)
    cannot = pytest.raises(UserError, match=r"cannot be written .*: make room")
    with room(1_000), cannot:
        for epoch in range(100):
            log.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 2.0})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_a_disk_that_is_full_and_then_has_room(small_disk: Path) -> None:
    kept, filling = small_disk / "kept.json", small_disk / "filling"
    write_json(kept, {"value": 1})
    with pytest.raises(OSError, match="No space left"):
        filling.write_bytes(bytes(100_000))
    for _ in range(2):
        with pytest.raises(UserError, match=r"kept.json cannot be written \(No space left"):
            write_json(kept, {"value": [0] * 9_000})
        assert json.loads(kept.read_text()) == {"value": 1}
    filling.unlink()
    write_json(kept, {"value": 2})
    assert [path.name for path in small_disk.iterdir()] == [kept.name]


def test_a_disk_that_may_only_be_read(small_disk: Path) -> None:
    write_json(small_disk / "kept.json", {"value": 1})
    before = {path.name: path.read_bytes() for path in small_disk.iterdir()}
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(UserError, match=r"json cannot be written \(Read-only file system\)"):
        open_run(small_disk, {"epochs": 3}, "train")
    with pytest.raises(UserError, match=r"new cannot be made \(Read-only file system\)"):
        open_run(small_disk / "new", {"epochs": 3}, "train")
    assert {path.name: path.read_bytes() for path in small_disk.iterdir()} == before
