"""Images in arrays, or in an .npz or .npy file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.convert import as_uint8, resize
from gmae_tf.images.datasets.files import read_arrays
from gmae_tf.images.datasets.image_data import (
    MIN_IMAGES,
    ImageData,
    Images,
    Labels,
    Parts,
    assemble,
    random_parts,
)

LAYOUTS = "x_train and x_test (with y_train and y_test), or images (with labels)"


def load_array(path: Path, side: int | None, seed: int) -> ImageData:
    """`from_arrays` of a file; the only array of a file is `images`."""
    arrays = read_arrays(path)
    if len(arrays) == 1:
        arrays = {"images": next(iter(arrays.values()))}
    return _assemble(arrays, path.stem, str(path), path.name, side, seed)


def from_arrays(
    images: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    name: str = "images",
    side: int | None = None,
    seed: int = 0,
    **parts: ArrayLike,
) -> ImageData:
    """Image data of arrays [N, H, W] or [N, H, W, C], uint8 or floats in [0, 1].

    `images` are drawn apart 80 : 10 : 10.  Instead of them, `x_train`, `x_test` and, if it is
    given, `x_validation` are taken as they are; a tenth of the training images validates
    otherwise.  Labels `labels`, or `y_train` and so on, are class numbers from 0.

    Raises
    ------
    UserError: other shapes or values, fewer than 50 images, or images that are not square without
        a `side`.

    Examples
    --------
    >>> import numpy as np
    >>> data = from_arrays(np.zeros((100, 8, 8), np.uint8), labels=np.arange(100) % 2)
    >>> data.train.shape, data.test.shape, data.class_names
    ((80, 8, 8, 1), (10, 8, 8, 1), ('0', '1'))
    """
    given = {"images": images, "labels": labels, **parts}
    arrays = {key: np.asarray(value) for key, value in given.items() if value is not None}
    return _assemble(arrays, name, "the arguments", "arrays", side, seed)


def _assemble(
    arrays: dict[str, NDArray[Any]], name: str, where: str, origin: str, side: int | None, seed: int
) -> ImageData:
    rng = np.random.default_rng(seed)
    if "x_train" in arrays and "x_test" in arrays:
        names = [n for n in ("train", "validation", "test") if f"x_{n}" in arrays]
        stacks = [as_uint8(arrays[f"x_{n}"], f"x_{n} in {where}") for n in names]
        labels = [
            _labels(arrays, f"y_{n}", len(stack), where)
            for n, stack in zip(names, stacks, strict=True)
        ]
        split = "as given"
    elif "images" in arrays:
        stacks = [as_uint8(arrays["images"], f"images in {where}")]
        labels = [_labels(arrays, "labels", len(stacks[0]), where)]
        split = f"drawn apart 80 : 10 : 10 by seed {seed}"
    else:
        raise UserError(f"{where} holds {', '.join(sorted(arrays))}: it needs {LAYOUTS}.")
    images, classes = _join(stacks, labels, where, side)
    parts = _parts([len(stack) for stack in stacks], rng)
    class_names = None if classes is None else [str(c) for c in range(int(classes.max()) + 1)]
    source = f"{len(images):,} images from {origin}, {split}."
    return assemble(name, images, classes, parts, class_names, source)


def _labels(arrays: dict[str, NDArray[Any]], key: str, n: int, where: str) -> Labels | None:
    if key not in arrays:
        return None
    labels = arrays[key]
    if labels.ndim == 2 and labels.shape[1] > 1 and _is_one_hot(labels):
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1)
    if len(labels) != n:
        raise UserError(f"{key} in {where} has {len(labels)} labels for {n} images: correct it.")
    numeric = labels.dtype.kind in "iuf"  # to NumPy, complex numbers and time spans are numbers too
    if not numeric or not ((np.mod(labels, 1) == 0) & (labels >= 0) & (labels < 10_000)).all():
        raise UserError(f"{key} in {where} holds other things than class numbers 0, 1, ...")
    return labels.astype(np.int64)


def _is_one_hot(labels: NDArray[Any]) -> bool:
    """Whether each row [K] of labels is 1 at the class and 0 elsewhere."""
    numeric = labels.dtype.kind in "biuf"
    return numeric and bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all())


def _join(
    stacks: list[Images], labels: list[Labels | None], where: str, side: int | None
) -> tuple[Images, Labels | None]:
    shapes = {stack.shape[1:] for stack in stacks}
    if len(shapes) > 1:
        raise UserError(f"the arrays in {where} have images of different shapes: {sorted(shapes)}.")
    if sum(map(len, stacks)) < MIN_IMAGES or min(map(len, stacks)) < 1:
        raise UserError(
            f"{where} has {' + '.join(str(len(s)) for s in stacks)} images: "
            f"at least {MIN_IMAGES} are needed, and some in each part."
        )
    present = [part for part in labels if part is not None]
    if present and len(present) < len(labels):
        raise UserError(f"{where} has labels for some of its parts only: give all or none.")
    images = np.concatenate(stacks)
    if images.shape[1] != images.shape[2]:
        if side is None:
            raise UserError(
                f"the images in {where} are {images.shape[2]} x {images.shape[1]}: "
                "give --side 64, or another multiple of 4, to crop and resize them."
            )
        edge = min(images.shape[1:3])
        top, left = (images.shape[1] - edge) // 2, (images.shape[2] - edge) // 2
        images = resize(images[:, top : top + edge, left : left + edge], side)
    return images, np.concatenate(present) if present else None


def _parts(sizes: list[int], rng: np.random.Generator) -> Parts:
    """One size: 80 : 10 : 10; two: training and test; three: as they are."""
    n = sum(sizes)
    if len(sizes) == 1:
        return random_parts(n, n // 10, n // 10, rng)
    if len(sizes) == 2:
        drawn = random_parts(sizes[0], max(1, sizes[0] // 10), 0, rng)
        return Parts(drawn.train, drawn.validation, np.arange(sizes[0], n))
    return Parts(*np.split(np.arange(n), np.cumsum(sizes)[:-1]))
