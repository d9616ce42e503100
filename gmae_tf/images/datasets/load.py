"""Any image data set by its name or path."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.arrays import load_array
from gmae_tf.images.datasets.convert import convert
from gmae_tf.images.datasets.folder import load_folder
from gmae_tf.images.datasets.image_data import ImageData, select
from gmae_tf.images.datasets.published import (
    load_celeba,
    load_cifar,
    load_lfwcrop,
    load_mnist,
    load_svhn,
)

Loader = Callable[[str, Path | None, int | None], ImageData]
_LOADERS: dict[str, Loader] = {
    "mnist": load_mnist,
    "fashion_mnist": load_mnist,
    "svhn": load_svhn,
    "cifar10": load_cifar,
    "celeba": load_celeba,
    "lfwcrop": load_lfwcrop,
}
DATASETS = tuple(_LOADERS)
"""Names of the published data sets."""


def load_images(
    dataset: str | Path,
    *,
    data_dir: str | Path | None = None,
    side: int | None = None,
    n: int | None = None,
    classes: Sequence[int] | None = None,
    seed: int = 0,
    channels: int | None = None,
) -> ImageData:
    """Images in disjoint training, validation and test parts.

    Parameters
    ----------
    dataset : one of `DATASETS`, a folder of images, or an .npz or .npy file.
    data_dir : folder with the files of published data sets; $GMAE_DATA_DIR by default.
    side : height and width in pixels, a multiple of 4; as published by default.
    n : keep at most so many training images, drawn by `seed`; at least 50.
    classes : keep only images with these labels, in all three parts; the labels stay as they are.
    seed : of `n`, and of the division of the user's own images; published sets are divided
        always in the same way.
    channels : 1 or 3; converts.

    Raises
    ------
    UserError: an unknown name, files that are missing or damaged, or options that do not fit.
    """
    if side is not None and (side < 8 or side % 4):
        raise UserError(f"side is {side}: choose a multiple of 4 that is at least 8.")
    if channels not in (None, 1, 3):
        raise UserError(f"channels is {channels}: choose 1 (grey) or 3 (RGB).")
    folder = Path(data_dir) if data_dir else None
    path = Path(dataset).expanduser()
    if str(dataset) in _LOADERS:
        data = _LOADERS[str(dataset)](str(dataset), folder, side)
    elif path.is_dir():
        data = load_folder(path, side, channels, seed)
    elif path.is_file():
        if path.suffix.lower() not in (".npz", ".npy"):
            raise UserError(f"{path} is one file: give a folder of images, or an .npz or .npy.")
        data = load_array(path, side, seed)
    else:
        near = difflib.get_close_matches(str(dataset).lower().replace("-", "_"), DATASETS, n=1)
        guess = f" (did you mean {near[0]}?)" if near else ""
        raise UserError(
            f'there is no data set, folder or file "{dataset}"{guess}: choose '
            f"{', '.join(DATASETS)}, or give the path of a folder of images."
        )
    return convert(select(data, n, classes, seed), side, channels)
