"""What every loader returns, and how its images become numbers for a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


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
