"""MNIST and Fashion-MNIST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.convert import pad
from gmae_tf.images.datasets.files import PLACE, find, need, read_arrays
from gmae_tf.images.datasets.image_data import ImageData
from gmae_tf.images.datasets.splits import assemble, last_validates, part_size

TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
CLASS_NAMES = {
    "mnist": tuple(str(digit) for digit in range(10)),
    "fashion_mnist": (
        "T-shirt/top", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
}  # fmt: skip
KEYS = ("x_train", "y_train", "x_test", "y_test")
PADDED = 32


def load_digits(name: str, data_dir: Path | None, side: int | None) -> ImageData:
    """50,000 + 10,000 + 10,000 grey images, 28 x 28 padded with zeros to 32 x 32.

    From `mnist.npz` or `fashion_mnist.npz`, else downloaded by Keras.  The last 10,000 training
    images validate.  With `side` 28 the images stay as published.

    Raises
    ------
    UserError: no file and no network, or a file of another layout.
    """
    path = find(data_dir, name, f"{name}.npz")
    arrays = _download(name) if path is None else read_arrays(path)
    where = path or Path(f"{name}.npz")
    need(arrays, KEYS, where)
    train, test = arrays["x_train"], arrays["x_test"]
    if train.shape[1:] != (28, 28) or test.shape[1:] != (28, 28) or train.dtype != np.uint8:
        raise UserError(f"{where} is not {TITLES[name]}: its images are not 28 x 28 uint8.")
    images = np.concatenate([train, test])[..., None]
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]]).reshape(-1)
    parts = last_validates(len(train), len(test), part_size(len(train), 10_000, 60_000))
    padding = "" if side == 28 else f", 28 x 28 padded with zeros to {PADDED} x {PADDED}"
    source = (
        f"{TITLES[name]} from {path.name if path else 'keras.datasets'}{padding}; "
        f"the last {len(parts.validation):,} of its {len(train):,} training images validate."
    )
    images = images if side == 28 else pad(images, PADDED)
    return assemble(name, images, labels, parts, CLASS_NAMES[name], source)


def _download(name: str) -> dict[str, NDArray[Any]]:
    import keras

    try:
        train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise UserError(
            f"{TITLES[name]} cannot be downloaded: put {name}.npz (x_train, y_train, x_test, "
            f"y_test) into {PLACE}."
        ) from error
    return dict(zip(KEYS, (*train, *test), strict=True))
