"""Random warps of images: data augmentation within the training step."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from gmae_tf.serialization import Configured


@keras.saving.register_keras_serializable(package="gmae")
class RandomWarp(Configured):
    """Random rotation, shift, zoom, shear, flip, elastic distortion and brightness of images.

    One bilinear interpolation for all of them, within the training step, on any backend.

    Parameters
    ----------
    rotation : largest angle, in turns.
    shift : largest shift, as a share of the side.
    zoom : largest logarithm of the scale.
    elastic : standard deviation of a smooth field of displacements, as a share of the side.
    flip : mirror half of the images.
    contrast : largest logarithm of a factor of the pixels about their mean.
    """

    def __init__(
        self,
        rotation: float = 0.06,
        shift: float = 0.1,
        zoom: float = 0.12,
        elastic: float = 0.0,
        flip: bool = False,
        contrast: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.rotation, self.shift, self.zoom = float(rotation), float(shift), float(zoom)
        self.elastic, self.flip, self.contrast = float(elastic), bool(flip), float(contrast)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def __call__(self, images: Any) -> Any:
        """Images [N, H, W, C] -> as many, each warped in its own way."""
        n: Any = ops.shape(images)[0]
        height, width = images.shape[1], images.shape[2]
        uniform = lambda size: keras.random.uniform(  # noqa: E731
            (n, 1, 1), -size, size, seed=self.seed_generator
        )
        angle, scale = 2 * np.pi * uniform(self.rotation), ops.exp(uniform(self.zoom))
        cos, sin = scale * ops.cos(angle), scale * ops.sin(angle)
        mirror = 1.0
        if self.flip:
            mirror = ops.sign(uniform(1.0))
        y, x = np.meshgrid(
            np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij"
        )
        y, x = (ops.convert_to_tensor(a[None], dtype="float32") for a in (y, x))
        rows = sin * x * mirror + cos * y + height * uniform(self.shift) + (height - 1) / 2
        columns = cos * x * mirror - sin * y + width * uniform(self.shift) + (width - 1) / 2
        if self.elastic:
            coarse = keras.random.normal((n, 4, 4, 2), seed=self.seed_generator)
            smooth = ops.image.resize(coarse, (height, width), interpolation="bicubic")
            rows += height * self.elastic * smooth[..., 0]
            columns += width * self.elastic * smooth[..., 1]
        warped = bilinear(images, rows, columns)
        if self.contrast:
            factor = ops.exp(uniform(self.contrast))[..., None]
            middle = ops.mean(warped, axis=(1, 2, 3), keepdims=True)
            warped = ops.clip(middle + factor * (warped - middle), 0.0, 1.0)
        return warped


def bilinear(images: Any, rows: Any, columns: Any) -> Any:
    """Images [N, H, W, C] at places [N, H', W'] in pixels, the edge repeated outside."""
    height, width = images.shape[1], images.shape[2]
    rows = ops.clip(rows, 0.0, height - 1.0)
    columns = ops.clip(columns, 0.0, width - 1.0)
    top, left = ops.floor(rows), ops.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    n, channels = ops.shape(images)[0], images.shape[3]
    flat = ops.reshape(images, (-1, channels))
    first = ops.reshape(ops.arange(n, dtype="int32") * (height * width), (-1, 1, 1))

    def at(row: Any, column: Any) -> Any:
        row = ops.minimum(ops.cast(row, "int32"), height - 1)
        column = ops.minimum(ops.cast(column, "int32"), width - 1)
        return ops.take(flat, first + row * width + column, axis=0)

    above = (1 - right) * at(top, left) + right * at(top, left + 1)
    below = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
    return (1 - down) * above + down * below
