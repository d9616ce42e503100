"""CIFAR-10 (Krizhevsky 2009)."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.blobs import read_blob
from gmae_tf.images.datasets.files import PLACE, find
from gmae_tf.images.datasets.image_data import ImageData, Images, Labels
from gmae_tf.images.datasets.pickled import read_batch
from gmae_tf.images.datasets.splits import Parts, assemble, last_validates, part_size

CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
FOLDER, ARCHIVE, REENCODED = (
    "cifar-10-batches-py", "cifar-10-python.tar.gz", "cifar10_jpeg_bytes.npz",
)  # fmt: skip


def load_cifar(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """40,000 + 10,000 + 10,000 RGB images, 32 x 32.

    From the folder or archive of the published batches, else from `cifar10_jpeg_bytes.npz` (a
    lossy re-encoding, drawn apart by seed 0, since it is sorted by class), else downloaded by
    Keras.  As published, the last 10,000 training images validate (data_batch_5).

    Raises
    ------
    UserError: no file and no network, or a file of another layout.
    """
    path = find(data_dir, name, FOLDER, ARCHIVE, REENCODED)
    if path is not None and path.name == REENCODED:
        return _load_reencoded(name, path)
    train, test = _download() if path is None else _read(path)
    images, labels = np.concatenate([train[0], test[0]]), np.concatenate([train[1], test[1]])
    parts = last_validates(len(train[0]), len(test[0]), part_size(len(train[0]), 10_000, 50_000))
    source = (
        f"CIFAR-10 from {path.name if path else 'keras.datasets'}; the last "
        f"{len(parts.validation):,} of its {len(train[0]):,} training images validate."
    )
    return assemble(name, images, labels, parts, CLASS_NAMES, source)


def _read(path: Path) -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    try:
        contents = dict(_archived(path) if path.is_file() else _unpacked(path))
    except (OSError, EOFError, tarfile.TarError) as error:
        raise UserError(f"{path} cannot be read ({error}): replace it.") from error
    missing = [name for name in BATCHES if name not in contents]
    if missing:
        raise UserError(f"{path} has no {missing[0]}: it needs {', '.join(BATCHES)}.")
    *training, test = [_batch(contents[name], f"{path.name}/{name}") for name in BATCHES]
    images = np.concatenate([images for images, _ in training])
    return (images, np.concatenate([labels for _, labels in training])), test


def _unpacked(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name in BATCHES:
        if (folder / name).is_file():
            yield name, (folder / name).read_bytes()


def _archived(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and Path(member.name).name in BATCHES:
                yield Path(member.name).name, file.read()


def _batch(content: bytes, where: str) -> tuple[Images, Labels]:
    """[N, 3072] planes of red, green and blue as images, and the labels."""
    try:
        batch = read_batch(content)
        labels = np.asarray(batch[b"labels"], dtype=np.int64)
        images = batch[b"data"].reshape(len(labels), 3, 32, 32).transpose(0, 2, 3, 1)
    except Exception as error:  # a pickle of another layout fails anywhere
        raise UserError(
            f"{where} is not a batch of CIFAR-10 for Python ({error}): replace it."
        ) from error
    return images, labels


def _load_reencoded(name: str, path: Path) -> ImageData:
    blob = read_blob(path, ("y", "is_test"), (32, 32, 3), label="decoding CIFAR-10")
    labels, is_test = blob.arrays["y"], blob.arrays["is_test"].astype(bool)
    rng = np.random.default_rng(0)
    train, test = (rng.permutation(np.flatnonzero(rows)) for rows in (~is_test, is_test))
    cut = len(train) - part_size(len(train), 10_000, 50_000)
    source = (
        f"CIFAR-10 from {path.name}, a lossy re-encoding as JPEG, not the published pixels; "
        f"{len(train) - cut:,} of its {len(train):,} training images, drawn by seed 0, validate."
    )
    parts = Parts(train[:cut], train[cut:], test)
    return assemble(name, blob.images, labels, parts, CLASS_NAMES, source, blob.dropped)


def _download() -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.cifar10.load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise UserError(
            f"CIFAR-10 cannot be downloaded: put {ARCHIVE} or its folder {FOLDER} into {PLACE}."
        ) from error
    return (x_train, y_train.reshape(-1)), (x_test, y_test.reshape(-1))
