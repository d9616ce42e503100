"""Image data in three disjoint parts: the type that loaders return, splits, subsets.

Splits are made on indices, so that parts are provably disjoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Indices = NDArray[np.int64]
MIN_IMAGES = 50
"""The fewest images that anything here works with, and the smallest `n`."""


@dataclass(frozen=True)
class ImageData:
    """Square images in three disjoint parts; a large set is mapped from the disk.

    Labels keep their numbers when only some classes are loaded: they are places in
    `class_names`, which always has all classes.
    """

    name: str
    """One of `DATASETS`, or the name of the folder or file."""
    train: Images
    """[N, side, side, channels] uint8, 1 or 3 channels; so are the other two parts."""
    validation: Images
    test: Images
    train_labels: Labels | None
    """[N] int64, or None for data without labels (then in all three parts)."""
    validation_labels: Labels | None
    test_labels: Labels | None
    class_names: tuple[str, ...] | None
    source: str
    """One sentence: where the images come from, and what was done to them."""
    dropped: tuple[str, ...] = ()
    """One line for each file that could not be used, with the reason."""

    def __post_init__(self) -> None:
        labels = (self.train_labels, self.validation_labels, self.test_labels)
        for images, numbers in zip((self.train, self.validation, self.test), labels, strict=True):
            shape = images.shape
            if images.dtype != np.uint8 or len(shape) != 4 or shape[1] != shape[2]:
                raise ValueError(f"{self.name}: images are {images.dtype} {shape}, not uint8 NHWC")
            if shape[1:] != self.train.shape[1:] or shape[3] not in (1, 3):
                raise ValueError(f"{self.name}: parts have the shapes {shape} {self.train.shape}")
            if (numbers is None) != (self.class_names is None):
                raise ValueError(f"{self.name}: labels and class_names go together")
            if numbers is not None and numbers.shape != shape[:1]:
                raise ValueError(f"{self.name}: {numbers.shape} labels for {shape[0]} images")

    @property
    def side(self) -> int:
        """Height and width, in pixels."""
        return int(self.train.shape[1])

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""
        return int(self.train.shape[3])

    @property
    def n_classes(self) -> int:
        """All classes of the data set, loaded or not; 0 without labels."""
        return len(self.class_names or ())


def pixels(images: Images) -> NDArray[np.float32]:
    """Images in uint8 as float32 in [0, 1], of the same shape."""
    return np.asarray(images, dtype=np.float32) / np.float32(255)


class Parts(NamedTuple):
    """Places of the images of each part; no place occurs twice."""

    train: Indices
    validation: Indices
    test: Indices


def part_size(n: int, part: int, published: int) -> int:
    """`part` of n images if n is the `published` number, else the same share; at least 1."""
    return max(1, n * part // published)


def last_validates(n: int, n_test: int, validation: int) -> Parts:
    """n training images, of which the last `validation` validate, followed by n_test test images.

    The order within the parts is that of the file.
    """
    train, test = np.arange(n), np.arange(n, n + n_test)
    return Parts(train[: n - validation], train[n - validation :], test)


def random_parts(
    n: int, validation: int, test: int, rng: np.random.Generator, first: int = 0
) -> Parts:
    """The images first..first + n - 1 in random order, cut in three."""
    order = first + rng.permutation(n)
    train = n - validation - test
    return Parts(order[:train], order[train : train + validation], order[train + validation :])


def assemble(
    name: str,
    images: Images,
    labels: Labels | None,
    parts: Parts,
    class_names: Sequence[str] | None,
    source: str,
    dropped: Sequence[str] = (),
) -> ImageData:
    """The parts of one stack of images [N, H, W, C] and labels [N].

    Parts that are runs of images are views, so that a mapped file stays on the disk.
    """
    kept: dict[str, Any] = {}
    for part, chosen in zip(Parts._fields, parts, strict=True):
        rows = _as_slice(chosen)
        kept[part] = images[rows]
        kept[f"{part}_labels"] = None if labels is None else labels[rows].astype(np.int64)
    names = None if labels is None else tuple(class_names or ())
    return ImageData(name, **kept, class_names=names, source=source, dropped=tuple(dropped))


def select(data: ImageData, n: int | None, classes: Sequence[int] | None, seed: int) -> ImageData:
    """Only the images of `classes`, and at most n training images, drawn by `seed`.

    Raises
    ------
    UserError: classes without labels, or not in the data; fewer than 50 images asked for or left.
    """
    if n is not None and n < MIN_IMAGES:
        raise UserError(f"n is {n}: ask for at least {MIN_IMAGES} training images.")
    if classes is not None:
        data = _only(data, classes)
    total = len(data.train) + len(data.validation) + len(data.test)
    if total < MIN_IMAGES:
        what = "" if classes is None else " of these classes"
        raise UserError(
            f"{data.name} has only {total} images{what}: at least {MIN_IMAGES} are needed."
        )
    if n is None or n >= len(data.train):
        return data
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(data.train), size=n, replace=False))
    labels = None if data.train_labels is None else data.train_labels[rows]
    return replace(data, train=data.train[rows], train_labels=labels)


def _only(data: ImageData, classes: Sequence[int]) -> ImageData:
    if data.train_labels is None or data.class_names is None:
        raise UserError(f"{data.name} has no labels: leave `classes` out.")
    present = {int(label) for label in np.unique(data.train_labels)}
    absent = sorted({int(c) for c in classes} - present)
    if absent or not classes:
        shown = ", ".join(f"{c} ({data.class_names[c]})" for c in sorted(present))
        what = f"class {absent[0]} is not" if absent else "no class is asked for"
        raise UserError(f"{what} in {data.name}: choose among {shown}.")
    kept: dict[str, Any] = {}
    for part in Parts._fields:
        labels = getattr(data, f"{part}_labels")
        rows = np.flatnonzero(np.isin(labels, list(classes)))
        kept[part], kept[f"{part}_labels"] = getattr(data, part)[rows], labels[rows]
        if not len(rows):
            raise UserError(f"the {part} images of {data.name} have none of these classes.")
    return replace(data, **kept)


def _as_slice(rows: Indices) -> slice | Indices:
    if len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
        return slice(int(rows[0]), int(rows[0]) + len(rows))
    return rows
