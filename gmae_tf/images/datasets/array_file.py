"""Images of the user's in an .npz or .npy file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.convert import as_uint8, resize
from gmae_tf.images.datasets.files import read_arrays
from gmae_tf.images.datasets.image_data import ImageData, Images, Labels
from gmae_tf.images.datasets.splits import MIN_IMAGES, Parts, assemble, random_parts

LAYOUTS = "x_train and x_test (with y_train and y_test), or images (with labels)"


def load_array(path: Path, side: int | None, seed: int) -> ImageData:
    """Arrays [N, H, W] or [N, H, W, C], uint8 or floats in [0, 1].

    `x_train`, `x_test` and, if it is there, `x_validation` are taken as they are; a tenth of the
    training images validates otherwise.  `images`, or the only array of the file, is drawn apart
    80 : 10 : 10.  Labels `y_train`, ... or `labels` are class numbers from 0.

    Raises
    ------
    UserError: none of these layouts, other shapes or values, fewer than 50 images, or images
        that are not square without a `side`.
    """
    arrays = read_arrays(path)
    if len(arrays) == 1:
        arrays = {"images": next(iter(arrays.values()))}
    rng = np.random.default_rng(seed)
    if "x_train" in arrays and "x_test" in arrays:
        names = [n for n in ("train", "validation", "test") if f"x_{n}" in arrays]
        stacks = [_images(arrays, f"x_{name}", path) for name in names]
        marks = [
            _labels(arrays, f"y_{name}", len(x), path)
            for name, x in zip(names, stacks, strict=True)
        ]
        split = "as the file divides them"
    elif "images" in arrays:
        stacks = [_images(arrays, "images", path)]
        marks = [_labels(arrays, "labels", len(stacks[0]), path)]
        split = f"drawn apart 80 : 10 : 10 by seed {seed}"
    else:
        raise UserError(f"{path} holds {', '.join(sorted(arrays))}: it needs {LAYOUTS}.")
    images, labels = _join(stacks, marks, path, side)
    parts = _parts([len(stack) for stack in stacks], rng)
    names_of = None if labels is None else [str(c) for c in range(int(labels.max()) + 1)]
    source = f"{len(images):,} images from {path.name}, {split}."
    return assemble(path.stem, images, labels, parts, names_of, source)


def _images(arrays: dict[str, NDArray[Any]], key: str, path: Path) -> Images:
    return as_uint8(arrays[key], f"{key} in {path}")


def _labels(arrays: dict[str, NDArray[Any]], key: str, n: int, path: Path) -> Labels | None:
    if key not in arrays:
        return None
    labels = arrays[key].reshape(-1)
    if len(labels) != n:
        raise UserError(f"{key} in {path} has {len(labels)} labels for {n} images: correct it.")
    numeric = np.issubdtype(labels.dtype, np.number)
    if not numeric or not ((np.mod(labels, 1) == 0) & (labels >= 0) & (labels < 10_000)).all():
        raise UserError(f"{key} in {path} holds other things than class numbers 0, 1, ...")
    return labels.astype(np.int64)


def _join(
    stacks: list[Images], marks: list[Labels | None], path: Path, side: int | None
) -> tuple[Images, Labels | None]:
    shapes = {stack.shape[1:] for stack in stacks}
    if len(shapes) > 1:
        raise UserError(f"the arrays in {path} have images of different shapes: {sorted(shapes)}.")
    if sum(map(len, stacks)) < MIN_IMAGES or min(map(len, stacks)) < 1:
        raise UserError(
            f"{path} has {' + '.join(str(len(s)) for s in stacks)} images: "
            f"at least {MIN_IMAGES} are needed, and some in each part."
        )
    present = [mark for mark in marks if mark is not None]
    if present and len(present) < len(marks):
        raise UserError(f"{path} has labels for some of its parts only: give all or none.")
    images = np.concatenate(stacks)
    if images.shape[1] != images.shape[2]:
        if side is None:
            raise UserError(
                f"the images in {path} are {images.shape[2]} x {images.shape[1]}: "
                "give --side 64, or another multiple of 4, to crop and resize them."
            )
        images = resize(_central(images), side)
    return images, np.concatenate(present) if present else None


def _central(images: Images) -> Images:
    edge = min(images.shape[1:3])
    top, left = (images.shape[1] - edge) // 2, (images.shape[2] - edge) // 2
    return images[:, top : top + edge, left : left + edge]


def _parts(sizes: list[int], rng: np.random.Generator) -> Parts:
    """One size: 80 : 10 : 10; two: training and test; three: as they are."""
    n = sum(sizes)
    if len(sizes) == 1:
        return random_parts(n, n // 10, n // 10, rng)
    if len(sizes) == 2:
        drawn = random_parts(sizes[0], max(1, sizes[0] // 10), 0, rng)
        return Parts(drawn.train, drawn.validation, np.arange(sizes[0], n))
    return Parts(*np.split(np.arange(n), np.cumsum(sizes)[:-1]))
