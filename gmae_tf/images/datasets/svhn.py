"""SVHN, cropped digits (Netzer et al. 2011)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets import through_tfds
from gmae_tf.images.datasets.files import PLACE, find
from gmae_tf.images.datasets.image_data import ImageData, Images
from gmae_tf.images.datasets.splits import Parts, assemble, part_size

FILES = ("train_32x32.mat", "test_32x32.mat")
HOME = "http://ufldl.stanford.edu/housenumbers"


def load_svhn(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """73,257 + 10,000 + 16,032 RGB images, 32 x 32: the test split divided in its order.

    From the two .mat files, else by tensorflow-datasets.  Neighbouring digits of one house stay
    together, because the division is one cut: the first 10,000 validate.

    Raises
    ------
    UserError: one file without the other, a damaged file, or no file and no tensorflow-datasets.
    """
    paths = [find(data_dir, name, file) for file in FILES]
    hint = f"put {FILES[0]} and {FILES[1]} from {HOME} into {PLACE}"
    if all(paths):
        stacks = [_read(path) for path in paths if path]
        origin = " and ".join(FILES)
    elif any(paths):
        raise UserError(f"{FILES[0 if paths[0] is None else 1]} is missing: {hint}.")
    else:
        stacks = through_tfds.load_splits("svhn_cropped", ("train", "test"), data_dir, hint)
        origin = "tensorflow-datasets (svhn_cropped)"
    images, labels = (np.concatenate(both) for both in zip(*stacks, strict=True))
    (train, _), (test, _) = stacks
    cut = len(train) + part_size(len(test), 10_000, 26_032)
    parts = Parts(*np.split(np.arange(len(images)), [len(train), cut]))
    source = (
        f"SVHN cropped from {origin}; of its {len(test):,} test images the first "
        f"{len(parts.validation):,} validate and the others test."
    )
    return assemble(name, images, labels, parts, [str(digit) for digit in range(10)], source)


def _read(path: Path) -> tuple[Images, NDArray[Any]]:
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
