"""MNIST, Fashion-MNIST, CIFAR-10, SVHN, LFWcrop and CelebA, from files or downloaded."""

from __future__ import annotations

import hashlib
import re
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.convert import pad, read_face, shrink_face
from gmae_tf.images.datasets.decode import (
    Decoded,
    cache_name,
    decode_all,
    fingerprint,
    read_blob,
    refuse_mostly_lost,
)
from gmae_tf.images.datasets.files import PLACE, find, read_arrays, tfds_batches
from gmae_tf.images.datasets.image_data import (
    ImageData,
    Images,
    Parts,
    assemble,
    last_validates,
    part_size,
    random_parts,
)

Split = tuple[Images, NDArray[Any]]
"""Images [N, H, W, C] and labels [N]."""
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
DIGITS = tuple("0123456789")
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
FASHION_MNIST_SHA256 = "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f"
"""Of the images and labels to train with, and of those to test with."""
CIFAR_BATCHES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
CIFAR_FOLDER, CIFAR_ARCHIVE = "cifar-10-batches-bin", "cifar-10-binary.tar.gz"
CIFAR_REENCODED = "cifar10_jpeg_bytes.npz"
CIFAR_RECORD = 1 + 3 * 32 * 32
"""Bytes of an image: its label, then planes of red, green and blue."""
SVHN_FILES = ("train_32x32.mat", "test_32x32.mat")
SVHN_HOME = "http://ufldl.stanford.edu/housenumbers"
LFWCROP_FILE = "lfwcrop64_jpeg_bytes.npz"
CELEBA_CROP, CELEBA_SIDE = 140, 64
CELEBA_FOLDER = "img_align_celeba"
CELEBA_PARTITIONS = ("list_eval_partition.txt", "list_eval_partition.csv")
CELEBA_HINT = (
    f"put the unpacked folder {CELEBA_FOLDER} and {CELEBA_PARTITIONS[0]} of "
    f"https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html into {PLACE}"
)


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
        train, test = _download(name, f"put {name}.npz ({', '.join(MNIST_ARRAYS)}) into {PLACE}")
    else:
        arrays = [read_arrays(path, MNIST_ARRAYS)[key] for key in MNIST_ARRAYS]
        train, test = (arrays[0], arrays[1]), (arrays[2], arrays[3])
    if any(x.shape[1:] != (28, 28) or x.dtype != np.uint8 for x, _ in (train, test)):
        raise UserError(f"{path or name} is not {TITLES[name]}: its images are not 28 x 28 uint8.")
    train, test = (train[0][..., None], train[1]), (test[0][..., None], test[1])
    padding = ""
    if side != 28:
        train, test = ((pad(images, MNIST_PADDED), labels) for images, labels in (train, test))
        padding = f", 28 x 28 padded with zeros to {MNIST_PADDED} x {MNIST_PADDED}"
    return _last_validate(name, path, train, test, 60_000, padding)


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
    return _last_validate(name, path, train, test, 50_000)


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
        sizes, origin = [len(images) for images, _ in splits], " and ".join(SVHN_FILES)
    elif any(paths):
        raise UserError(f"{SVHN_FILES[0 if paths[0] is None else 1]} is missing: {hint}.")
    else:
        _, sizes, batches = tfds_batches("svhn_cropped", ("train", "test"), data_dir, hint)
        splits = [(batch["image"], batch["label"]) for batch in batches]
        origin = "tensorflow-datasets (svhn_cropped)"
    images, labels = (np.concatenate(both) for both in zip(*splits, strict=True))
    cut = sizes[0] + part_size(sizes[1], 10_000, 26_032)
    parts = Parts(*np.split(np.arange(len(images)), [sizes[0], cut]))
    source = (
        f"SVHN cropped from {origin}; of its {sizes[1]:,} test images the first "
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
    decoded, _ = read_blob(path, (), (64, 64, 3), label="decoding LFWcrop")
    n = len(decoded.images)
    held_out = part_size(n, 1000, 13_233)
    parts = random_parts(n, held_out, held_out, np.random.default_rng(0))
    source = (
        f"LFWcrop from {path.name}, {n:,} faces 64 x 64 drawn apart by seed 0; "
        "one person may be in several parts."
    )
    return assemble(name, decoded.images, None, parts, None, source, decoded.dropped)


def load_celeba(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """RGB faces: the centre 140 x 140 of 178 x 218, bilinear to 64 x 64 (or `side`).

    From the folder of JPEGs with its partition file, else by tensorflow-datasets; decoded once
    into the user's cache and mapped from there.  The partition file has 162,770 + 19,867 + 19,962
    images (the GMAE paper counts 162,721 + 19,866 + 19,961).

    Raises
    ------
    UserError: one of the two without the other, a partition file of another layout, or neither
        files nor tensorflow-datasets.
    """
    edge = side or CELEBA_SIDE
    folder = find(data_dir, name, CELEBA_FOLDER)
    partition = find(data_dir, name, *CELEBA_PARTITIONS)
    lines: list[str] = []
    if folder and partition:
        decoded, splits, lines = _faces_of_folder(folder, partition, edge)
        origin = f"{CELEBA_FOLDER} and {partition.name}"
    elif folder or partition:
        missing = CELEBA_PARTITIONS[0] if folder else CELEBA_FOLDER
        raise UserError(f"{missing} of CelebA is missing: {CELEBA_HINT}.")
    else:
        decoded, splits = _faces_of_tfds(data_dir, edge)
        origin = "tensorflow-datasets (celeb_a)"
    refuse_mostly_lost(str(folder or "tensorflow-datasets"), len(splits), decoded.dropped)
    parts = Parts(*(np.flatnonzero(splits[decoded.kept] == code) for code in range(3)))
    if not all(len(part) for part in parts):
        where = folder or "tensorflow-datasets"
        raise UserError(f"CelebA in {where} has an empty part: {CELEBA_HINT}.")
    source = (
        f"CelebA from {origin}, published partition, centre {CELEBA_CROP} x {CELEBA_CROP} "
        f"resized to {edge} x {edge}."
    )
    return assemble(name, decoded.images, None, parts, None, source, [*decoded.dropped, *lines])


def _last_validate(
    name: str, path: Path | None, train: Split, test: Split, published: int, note: str = ""
) -> ImageData:
    """Of `published` training images the last 10,000 validate, of fewer the same share."""
    images, labels = (np.concatenate(both) for both in zip(train, test, strict=True))
    n = len(train[0])
    parts = last_validates(n, len(test[0]), part_size(n, 10_000, published))
    source = (
        f"{TITLES[name]} from {path.name if path else 'keras.datasets'}{note}; the last "
        f"{len(parts.validation):,} of its {n:,} training images validate."
    )
    return assemble(name, images, labels.reshape(-1), parts, CLASS_NAMES[name], source)


def _download(name: str, hint: str) -> tuple[Split, Split]:
    """Training and test split of a data set that Keras has."""
    import keras

    try:
        train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise UserError(f"{TITLES[name]} cannot be downloaded: {hint}.") from error
    # Keras checks the files of the other data sets itself.
    if name == "fashion_mnist" and _checksum(*train, *test) != FASHION_MNIST_SHA256:
        raise UserError(f"what was downloaded is not {TITLES[name]} (its SHA-256 differs): {hint}.")
    return train, test


def _checksum(*arrays: NDArray[Any]) -> str:
    """SHA-256 of the bytes of arrays, one after the other."""
    whole = hashlib.sha256()
    for array in arrays:
        whole.update(array.tobytes())
    return whole.hexdigest()


def _read_cifar(path: Path) -> tuple[Split, Split]:
    try:
        contents = _cifar_batches(path)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise UserError(f"{path} cannot be read ({error}): replace it.") from error
    splits = []
    for names in (CIFAR_BATCHES[:5], CIFAR_BATCHES[5:]):
        for name in names:
            if name not in contents:
                raise UserError(f"{path} has no {name}: it needs {', '.join(CIFAR_BATCHES)}.")
            if not contents[name] or len(contents[name]) % CIFAR_RECORD:
                raise UserError(f"{path.name}/{name} is no batch of CIFAR-10: replace it.")
        joined = b"".join(contents[name] for name in names)
        records = np.frombuffer(joined, np.uint8).reshape(-1, CIFAR_RECORD)
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        splits.append((images, records[:, 0].astype(np.int64)))
    return splits[0], splits[1]


def _cifar_batches(path: Path) -> dict[str, bytes]:
    """Contents by name, of a folder or an archive."""
    if path.is_dir():
        files = (path / name for name in CIFAR_BATCHES)
        return {file.name: file.read_bytes() for file in files if file.is_file()}
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            if name in CIFAR_BATCHES and (file := archive.extractfile(member)):
                found[name] = file.read()
    return found


def _load_reencoded(name: str, path: Path) -> ImageData:
    blob, arrays = read_blob(path, ("y", "is_test"), (32, 32, 3), label="decoding CIFAR-10")
    labels, is_test = arrays["y"], arrays["is_test"].astype(bool)
    rng = np.random.default_rng(0)
    train, test = (rng.permutation(np.flatnonzero(rows)) for rows in (~is_test, is_test))
    cut = len(train) - part_size(len(train), 10_000, 50_000)
    source = (
        f"CIFAR-10 from {path.name}, a lossy re-encoding as JPEG, not the published pixels; "
        f"{len(train) - cut:,} of its {len(train):,} training images, drawn by seed 0, validate."
    )
    parts = Parts(train[:cut], train[cut:], test)
    return assemble(name, blob.images, labels, parts, CLASS_NAMES[name], source, blob.dropped)


def _read_mat(path: Path) -> Split:
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


def _faces_of_folder(
    folder: Path, partition: Path, side: int
) -> tuple[Decoded, NDArray[Any], list[str]]:
    """Faces in the order of the parts; the part of each; lines for what does not fit together."""
    if (folder / CELEBA_FOLDER).is_dir():  # some archives hold the folder twice
        folder = folder / CELEBA_FOLDER
    listed = _read_partition(partition)
    found = {p.name for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png")}
    found = {name for name in found if not name.startswith(".")}
    names = sorted(found & listed.keys(), key=lambda name: (listed[name], name))
    if not names:
        raise UserError(f"{folder} has no image that {partition} lists: {CELEBA_HINT}.")
    lines = [f"{name} is not in {partition.name}" for name in sorted(found - listed.keys())]
    if missing := sorted(listed.keys() - found):
        lines.append(f"{missing[0]} and {len(missing) - 1} more of {partition.name} are not there")
    files = fingerprint(folder, names)
    decoded = decode_all(
        [folder / name for name in names],
        names,
        lambda path: read_face(path, CELEBA_CROP, side),
        (side, side, 3),
        label="decoding CelebA",
        cache=cache_name("celeba", CELEBA_CROP, side, files, sorted(listed.items())),
    )
    return decoded, np.array([listed[name] for name in names]), lines


def _read_partition(path: Path) -> dict[str, int]:
    """File name -> 0 (training), 1 (validation) or 2 (test).  `UserError` for another line."""
    partition = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text: replace it.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("image_id"):
            continue
        match = re.fullmatch(r"(\S+?)[\s,]+([012])\s*", line)
        if match is None:
            raise UserError(
                f'{path}, line {number}: "{line.strip()[:60]}" is no file name and 0, 1 or 2.'
            )
        partition[match[1]] = int(match[2])
    return partition


def _faces_of_tfds(data_dir: Path | None, side: int) -> tuple[Decoded, NDArray[Any]]:
    from PIL import Image

    splits = ("train", "validation", "test")
    version, sizes, batches = tfds_batches("celeb_a", splits, data_dir, CELEBA_HINT)
    faces = (face for batch in batches for face in batch["image"])
    decoded = decode_all(
        range(sum(sizes)),
        [f"{split} image {i}" for split, n in zip(splits, sizes, strict=True) for i in range(n)],
        lambda _: shrink_face(Image.fromarray(next(faces)), CELEBA_CROP, side),
        (side, side, 3),
        label="reading CelebA",
        cache=cache_name("celeba", CELEBA_CROP, side, version),
        threads=1,
    )
    return decoded, np.repeat(np.arange(3), sizes)
