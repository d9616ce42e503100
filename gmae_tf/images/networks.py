"""Encoders and decoders of images, by the name of a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import keras
from keras import layers

from gmae_tf.errors import UserError
from gmae_tf.images.small_maps import DoublingConv2D, HalvingConv2D

ImageSize = Literal["small", "paper"]
FILTERS: dict[str, tuple[int, ...]] = {"small": (16, 32, 64), "paper": (128, 256, 512, 1024)}
DENSE: dict[str, int] = {"small": 128, "paper": 0}
MANY = 256
"""Channels from which a convolution of 4 x 4 pixels is faster as a matrix product."""
MOMENTUM = 0.9
"""Of batch normalisation, as in PyTorch; with Keras's 0.99 codes in evaluation lag behind."""


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
    if size not in get_args(ImageSize):
        raise UserError(f"{size!r} is no size of network: choose {', '.join(get_args(ImageSize))}")
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
