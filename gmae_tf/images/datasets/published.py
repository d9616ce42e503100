"""MNIST, Fashion-MNIST, CIFAR-10, SVHN and LFWcrop, from files or downloaded."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets import through_tfds
from gmae_tf.images.datasets.convert import pad
from gmae_tf.images.datasets.decode import read_blob
from gmae_tf.images.datasets.files import PLACE, find, need, read_arrays
from gmae_tf.images.datasets.image_data import (
    ImageData,
    Images,
    Labels,
    Parts,
    assemble,
    last_validates,
    part_size,
    random_parts,
)

Split = tuple[Images, Labels]
"""Images [N, H, W, C] and labels [N]."""
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
DIGITS = tuple(str(digit) for digit in range(10))
CLASS_NAMES = {
    "mnist": DIGITS,
    "fashion_mnist": (
        "T-shirt/top", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
    "cifar10": (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ),
}  # fmt: skip
MNIST_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
MNIST_PADDED = 32
CIFAR_BATCHES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
CIFAR_FOLDER, CIFAR_ARCHIVE = "cifar-10-batches-bin", "cifar-10-binary.tar.gz"
CIFAR_REENCODED = "cifar10_jpeg_bytes.npz"
CIFAR_RECORD = 1 + 3 * 32 * 32
"""Bytes of an image: its label, then planes of red, green and blue."""
SVHN_FILES = ("train_32x32.mat", "test_32x32.mat")
SVHN_HOME = "http://ufldl.stanford.edu/housenumbers"
LFWCROP_FILE = "lfwcrop64_jpeg_bytes.npz"


def load_mnist(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """50,000 + 10,000 + 10,000 grey images, 28 x 28 padded with zeros to 32 x 32.

    From `mnist.npz` or `fashion_mnist.npz`, else downloaded by Keras.  The last 10,000 training
    images validate.  With `side` 28 the images stay as published.

    Raises
    ------
    UserError: no file and no network, or a file of another layout.
    """
    path = find(data_dir, name, f"{name}.npz")
    if path is None:
        hint = f"put {name}.npz ({', '.join(MNIST_ARRAYS)}) into {PLACE}"
        (x_train, y_train), (x_test, y_test) = _download(name, hint)
    else:
        arrays = read_arrays(path)
        need(arrays, MNIST_ARRAYS, path)
        x_train, y_train, x_test, y_test = (arrays[key] for key in MNIST_ARRAYS)
    if x_train.shape[1:] != (28, 28) or x_test.shape[1:] != (28, 28) or x_train.dtype != np.uint8:
        raise UserError(f"{path or name} is not {TITLES[name]}: its images are not 28 x 28 uint8.")
    images = np.concatenate([x_train, x_test])[..., None]
    labels = np.concatenate([y_train, y_test]).reshape(-1)
    padding = ""
    if side != 28:
        images = pad(images, MNIST_PADDED)
        padding = f", 28 x 28 padded with zeros to {MNIST_PADDED} x {MNIST_PADDED}"
    parts = last_validates(len(x_train), len(x_test), part_size(len(x_train), 10_000, 60_000))
    source = (
        f"{TITLES[name]} from {path.name if path else 'keras.datasets'}{padding}; "
        f"the last {len(parts.validation):,} of its {len(x_train):,} training images validate."
    )
    return assemble(name, images, labels, parts, CLASS_NAMES[name], source)


def load_cifar(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """40,000 + 10,000 + 10,000 RGB images, 32 x 32.

    From the folder or archive of the binary version, else from `cifar10_jpeg_bytes.npz` (a lossy
    re-encoding, drawn apart by seed 0, since it is sorted by class), else downloaded by Keras.
    The version for Python is not read, since it holds pickles, which can run code.  As published,
    the last 10,000 training images validate (data_batch_5).

    Raises
    ------
    UserError: no file and no network, or a file of another layout.
    """
    path = find(data_dir, name, CIFAR_FOLDER, CIFAR_ARCHIVE, CIFAR_REENCODED)
    if path is not None and path.name == CIFAR_REENCODED:
        return _load_reencoded(name, path)
    if path is None:
        hint = f"put {CIFAR_ARCHIVE} (not the version for Python) or {CIFAR_FOLDER} into {PLACE}"
        train, test = _download(name, hint)
    else:
        train, test = _read_cifar(path)
    images, labels = np.concatenate([train[0], test[0]]), np.concatenate([train[1], test[1]])
    parts = last_validates(len(train[0]), len(test[0]), part_size(len(train[0]), 10_000, 50_000))
    source = (
        f"CIFAR-10 from {path.name if path else 'keras.datasets'}; the last "
        f"{len(parts.validation):,} of its {len(train[0]):,} training images validate."
    )
    return assemble(name, images, labels, parts, CLASS_NAMES[name], source)


def load_svhn(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """73,257 + 10,000 + 16,032 RGB images, 32 x 32: the test split divided in its order.

    From the two .mat files, else by tensorflow-datasets.  Neighbouring digits of one house stay
    together, because the division is one cut: the first 10,000 validate.

    Raises
    ------
    UserError: one file without the other, a damaged file, or no file and no tensorflow-datasets.
    """
    paths = [find(data_dir, name, file) for file in SVHN_FILES]
    hint = f"put {SVHN_FILES[0]} and {SVHN_FILES[1]} from {SVHN_HOME} into {PLACE}"
    if all(paths):
        splits = [_read_mat(path) for path in paths if path]
        origin = " and ".join(SVHN_FILES)
    elif any(paths):
        raise UserError(f"{SVHN_FILES[0 if paths[0] is None else 1]} is missing: {hint}.")
    else:
        splits = through_tfds.load_splits("svhn_cropped", ("train", "test"), data_dir, hint)
        origin = "tensorflow-datasets (svhn_cropped)"
    images, labels = (np.concatenate(both) for both in zip(*splits, strict=True))
    (train, _), (test, _) = splits
    cut = len(train) + part_size(len(test), 10_000, 26_032)
    parts = Parts(*np.split(np.arange(len(images)), [len(train), cut]))
    source = (
        f"SVHN cropped from {origin}; of its {len(test):,} test images the first "
        f"{len(parts.validation):,} validate and the others test."
    )
    return assemble(name, images, labels, parts, DIGITS, source)


def load_lfwcrop(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """11,233 + 1,000 + 1,000 RGB faces, 64 x 64, always drawn apart by seed 0.

    A small set that exercises what CelebA needs, under its own name.

    Raises
    ------
    UserError: no file, or one of another layout.
    """
    path = find(data_dir, name, LFWCROP_FILE)
    if path is None:
        raise UserError(
            f"LFWcrop cannot be downloaded: put {LFWCROP_FILE} (blob, offsets, names) into {PLACE}."
        )
    blob = read_blob(path, (), (64, 64, 3), label="decoding LFWcrop")
    n = len(blob.images)
    held_out = part_size(n, 1000, 13_233)
    parts = random_parts(n, held_out, held_out, np.random.default_rng(0))
    source = (
        f"LFWcrop from {path.name}, {n:,} faces 64 x 64 drawn apart by seed 0; "
        "one person may be in several parts."
    )
    return assemble(name, blob.images, None, parts, None, source, blob.dropped)


def _download(name: str, hint: str) -> tuple[Split, Split]:
    """Training and test split of a data set that Keras has."""
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise UserError(f"{TITLES[name]} cannot be downloaded: {hint}.") from error
    return (x_train, y_train.reshape(-1)), (x_test, y_test.reshape(-1))


def _read_cifar(path: Path) -> tuple[Split, Split]:
    try:
        contents = dict(_archived(path) if path.is_file() else _unpacked(path))
    except (OSError, EOFError, tarfile.TarError) as error:
        raise UserError(f"{path} cannot be read ({error}): replace it.") from error
    missing = [name for name in CIFAR_BATCHES if name not in contents]
    if missing:
        raise UserError(f"{path} has no {missing[0]}: it needs {', '.join(CIFAR_BATCHES)}.")
    splits = []
    for names in (CIFAR_BATCHES[:5], CIFAR_BATCHES[5:]):
        for name in names:
            if not contents[name] or len(contents[name]) % CIFAR_RECORD:
                raise UserError(f"{path.name}/{name} is no batch of CIFAR-10: replace it.")
        joined = b"".join(contents[name] for name in names)
        records = np.frombuffer(joined, np.uint8).reshape(-1, CIFAR_RECORD)
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        splits.append((images, records[:, 0].astype(np.int64)))
    return splits[0], splits[1]


def _unpacked(folder: Path) -> Iterator[tuple[str, bytes]]:
    for name in CIFAR_BATCHES:
        if (folder / name).is_file():
            yield name, (folder / name).read_bytes()


def _archived(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and Path(member.name).name in CIFAR_BATCHES:
                yield Path(member.name).name, file.read()


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
    return assemble(name, blob.images, labels, parts, CLASS_NAMES[name], source, blob.dropped)


def _read_mat(path: Path) -> tuple[Images, NDArray[Any]]:
    """X [32, 32, 3, N] and y [N, 1] of a file as [N, 32, 32, 3] and digits [N]."""
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=("X", "y"))
        images, labels = content["X"], content["y"].reshape(-1).astype(np.int64)
    except Exception as error:  # damaged files fail in a dozen ways
        raise UserError(f"{path} is not a readable .mat file of X and y: replace it.") from error
    if images.shape != (32, 32, 3, len(labels)) or images.dtype != np.uint8:
        raise UserError(
            f"{path} has X {list(images.shape)} and {len(labels)} labels: it is not SVHN cropped."
        )
    return np.ascontiguousarray(images.transpose(3, 0, 1, 2)), labels % 10  # label 10 is digit 0
