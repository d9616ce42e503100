"""Convolutional encoders and decoders of images, by the name of a size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from gmae_tf.autoencoder import Autoencoder
from gmae_tf.errors import UserError
from gmae_tf.losses import MeanSquaredError
from gmae_tf.models import build_model
from gmae_tf.models.config import Parts, Recipe

FILTERS: dict[str, tuple[int, ...]] = {"small": (16, 32, 64), "paper": (128, 256, 512, 1024)}
DENSE: dict[str, int] = {"small": 128, "paper": 0}
MANY = 256
"""Channels from which a convolution of 4 x 4 pixels is faster as a matrix product.

Where a kernel has more numbers than the images of a batch, as in the last stage of the paper's
network (4 x 4 pixels, 512 and 1024 channels), libraries for processors spend most of a convolution
on rearranging the kernel; one matrix product of all windows takes a third of the time.
"""
AT_ONCE = 4096
"""Images that are floats at the same time."""
MOMENTUM = 0.9
"""Of batch normalisation, as in PyTorch; with Keras's 0.99 codes in evaluation lag behind."""
_GEOMETRY: dict[str, Any] = {"kernel_size": 4, "strides": 2, "padding": "same"}


def recipe_network(recipe: Recipe, side: int, channels: int, size: str) -> Autoencoder:
    """Untrained network of any model of `gmae_tf.models` for images [N, side, side, channels]."""
    parts = Parts(
        recipe,
        lambda width: image_networks(side, channels, width, size)[0],
        lambda width: image_networks(side, channels, width, size)[1],
        MeanSquaredError(),
        side * side * channels,
    )
    return build_model(parts)


def by_parts(
    function: Callable[[NDArray[np.float32]], NDArray[Any]], images: NDArray[np.uint8], width: int
) -> NDArray[Any]:
    """A function of pixels in [0, 1] of uint8 images, of `AT_ONCE` at a time, [N, width]."""
    parts = [
        function(images[i : i + AT_ONCE].astype(np.float32) / 255)
        for i in range(0, len(images), AT_ONCE)
    ]
    return np.concatenate(parts or [np.empty((0, width), np.float32)])


def image_networks(
    side: int, channels: int, latent_dim: int, size: str = "small"
) -> tuple[keras.Model, keras.Model]:
    """Encoder, images [N, side, side, channels] in [0, 1] -> codes [N, D], and its mirror.

    `paper`: four stages of 128 to 1024 filters (Saseendran et al. 2021, appendix Table 1).  Where
    the table and the published code differ, this is the code: no batch normalisation before the
    sigmoid, and at 64 x 64 (CelebA) it comes behind the ReLU.  `small`: 16 to 64 filters and a
    dense layer, for processors.

    Raises `UserError` for an unknown size, and a side that cannot be halved twice.
    """
    if size not in FILTERS:
        raise UserError(f"{size!r} is no size of network: choose {', '.join(FILTERS)}")
    filters = FILTERS[size][: _stages(side, len(FILTERS[size]))]
    norm_last = size == "paper" and side == 64
    dense = DENSE[size]
    return (
        image_encoder(side, channels, latent_dim, filters, dense, norm_last),
        image_decoder(side, channels, latent_dim, filters[::-1], dense, norm_last),
    )


def image_encoder(
    side: int,
    channels: int,
    latent_dim: int,
    filters: Sequence[int] = FILTERS["paper"],
    dense: int = 0,
    norm_last: bool = False,
) -> keras.Model:
    """Images [N, side, side, channels] in [0, 1] -> codes [N, D].

    Each stage halves the image: convolution 4 x 4 of stride 2, batch normalisation and ReLU, in
    this order unless `norm_last`.  `dense` puts a layer of so many units before the codes.
    """
    inputs = keras.Input((side, side, channels), name="image")
    h = inputs
    for width in filters:
        h = _normalised(_halve(width, h.shape)(h), norm_last)
    h = layers.Flatten()(h)
    if dense:
        h = layers.Dense(dense, activation="relu")(h)
    codes = layers.Dense(latent_dim, name="latent", dtype="float32")(h)
    return keras.Model(inputs, codes, name="encoder")


def image_decoder(
    side: int,
    channels: int,
    latent_dim: int,
    filters: Sequence[int] = FILTERS["paper"][::-1],
    dense: int = 0,
    norm_last: bool = False,
) -> keras.Model:
    """Codes [N, D] -> images [N, side, side, channels] in [0, 1]; mirror of `image_encoder`."""
    start = side // 2 ** len(filters)
    inputs = keras.Input((latent_dim,), name="latent")
    h = layers.Dense(dense, activation="relu")(inputs) if dense else inputs
    h = layers.Dense(start * start * filters[0], activation="relu")(h)
    h = layers.Reshape((start, start, filters[0]))(h)
    for width in filters[1:]:
        h = _normalised(_double(width, h.shape)(h), norm_last)
    h = layers.Conv2DTranspose(channels, 4, strides=2, padding="same")(h)
    image = layers.Activation("sigmoid", dtype="float32", name="image")(h)
    return keras.Model(inputs, image, name="decoder")


def _halve(width: int, shape: Any) -> keras.Layer:
    if shape[1] <= 4 and shape[3] >= MANY:
        return HalvingConv2D(width)
    return layers.Conv2D(width, 4, strides=2, padding="same")


def _double(width: int, shape: Any) -> keras.Layer:
    if shape[1] <= 2 and width >= MANY:
        return DoublingConv2D(width)
    return layers.Conv2DTranspose(width, 4, strides=2, padding="same")


def _normalised(h: Any, norm_last: bool) -> Any:
    normalize = layers.BatchNormalization(momentum=MOMENTUM)
    return normalize(layers.ReLU()(h)) if norm_last else layers.ReLU()(normalize(h))


def _stages(side: int, most: int) -> int:
    """How often an image is halved: at most `most` times, to no less than 2 pixels."""
    stages = 0
    while stages < most and side % 2 ** (stages + 1) == 0 and side >> (stages + 1) >= 2:
        stages += 1
    if stages < 2:
        raise UserError(
            f"images of {side} pixels cannot be halved twice: choose a side divisible by 4, "
            "such as --side 32"
        )
    return stages


@keras.saving.register_keras_serializable(package="gmae")
class HalvingConv2D(layers.Conv2D):
    """Conv2D 4 x 4, stride 2, "same", for images of even sides: [N, 2H, 2W, C] -> [N, H, W, F]."""

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(filters, **{**kwargs, **_GEOMETRY})

    def call(self, inputs: Any) -> Any:
        """Windows [N, H, W, 4 * 4 * C] times the kernel."""
        _, height, width, channels = inputs.shape
        padded = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
        windows = [
            padded[:, i : i + height : 2, j : j + width : 2] for i in range(4) for j in range(4)
        ]
        kernel = ops.reshape(self.kernel, (16 * channels, self.filters))
        return ops.matmul(ops.concatenate(windows, axis=-1), kernel) + self.bias


@keras.saving.register_keras_serializable(package="gmae")
class DoublingConv2D(layers.Conv2DTranspose):
    """Conv2DTranspose 4 x 4, stride 2, "same": [N, H, W, F] -> [N, 2H, 2W, C]."""

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(filters, **{**kwargs, **_GEOMETRY})

    def call(self, inputs: Any) -> Any:
        """Every pixel times the kernel gives a patch of 4 x 4; patches overlap and are added."""
        _, height, width, depth = inputs.shape
        kernel = ops.transpose(ops.reshape(self.kernel, (16 * self.filters, depth)))
        patches = ops.reshape(
            ops.matmul(inputs, kernel), (-1, height, width, 2, 2, 2, 2, self.filters)
        )
        quarters = ops.transpose(patches, (0, 3, 5, 1, 4, 2, 6, 7))  # [N, 2, 2, H, 2, W, 2, C]
        total = sum(
            ops.pad(quarters[:, i, j], ((0, 0), (i, 1 - i), (0, 0), (j, 1 - j), (0, 0), (0, 0)))
            for i in range(2)
            for j in range(2)
        )
        image = ops.reshape(total, (-1, 2 * height + 2, 2 * width + 2, self.filters))
        return image[:, 1:-1, 1:-1] + self.bias
