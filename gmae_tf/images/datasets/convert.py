"""Conversion of images: arrays to uint8, sides, channels; image files to arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.image_data import ImageData, Images

if TYPE_CHECKING:
    from PIL.Image import Image
GREY_MODES = ("1", "L", "LA", "La", "I", "F")


def convert(data: ImageData, side: int | None, channels: int | None) -> ImageData:
    """All three parts with that many channels, resized by Lanczos; `source` says so.

    Raises
    ------
    UserError: the images as they are have a side that is no multiple of 4.
    """
    if channels is not None and channels != data.channels:
        note = "made grey" if channels == 1 else "with their one channel repeated three times"
        data = _map(data, lambda images: to_channels(images, channels), note)
    if side is not None and side != data.side:
        data = _map(data, lambda images: resize(images, side), f"resized to {side} x {side}")
    if data.side % 4:
        raise UserError(
            f"the images of {data.name} are {data.side} x {data.side}, which 4 does not divide: "
            "give --side 64, or another multiple of 4, to resize them."
        )
    return data


def pad(images: Images, side: int) -> Images:
    """[N, h, w, C] -> [N, side, side, C] with zeros around, as equal as possible on all sides."""
    rows, columns = side - images.shape[1], side - images.shape[2]
    widths = [(0, 0), (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0)]
    return np.pad(images, widths)


def to_channels(images: Images, channels: int) -> Images:
    """Grey to RGB by repetition; RGB to grey by the luma of ITU-R 601, as Pillow has it."""
    if images.shape[-1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    return _each(images, lambda image: image.convert("L"), images.shape[1], 1)


def resize(images: Images, side: int) -> Images:
    """[N, h, w, C] -> [N, side, side, C] by Pillow's Lanczos filter."""
    from PIL import Image

    lanczos = Image.Resampling.LANCZOS
    return _each(images, lambda i: i.resize((side, side), lanczos), side, images.shape[-1])


def as_uint8(values: NDArray[Any], where: str) -> Images:
    """Images [N, H, W] or [N, H, W, C] of a user's array as uint8 [N, H, W, C].

    Floating point must lie in [0, 1]; larger integers than a byte's must fit into one.

    Raises
    ------
    UserError: another shape, type or range; `where` is named.
    """
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or values.shape[-1] not in (1, 3):
        raise UserError(
            f"{where} has the shape {list(values.shape)}: "
            "images are [N, height, width] or [N, height, width, channels], 1 or 3 channels."
        )
    if values.dtype == np.uint8 or not values.size:
        return values.astype(np.uint8, copy=False)
    floating = values.dtype.kind == "f"
    if not floating and values.dtype.kind not in "iu":  # to NumPy, a time span is an integer too
        raise UserError(f"{where} holds {values.dtype}: give uint8, or floats between 0 and 1.")
    low, high, top = values.min(), values.max(), 1 if floating else 255
    if not (low >= 0 and high <= top):  # also refuses NaN
        raise UserError(
            f"{where} has values from {low:g} to {high:g}: give uint8, or floats between 0 and 1."
        )
    return np.rint(values * 255.0 if floating else values).astype(np.uint8)


class Header(NamedTuple):
    """What a file says of its image before it is decoded."""

    width: int
    height: int
    grey: bool


def read_header(path: Path) -> Header:
    """Size and kind of an image; raises what Pillow raises."""
    from PIL import Image

    with Image.open(path) as image:
        return Header(image.width, image.height, is_grey(image))


def is_grey(image: Image) -> bool:
    """Whether the file has one channel, or a palette of greys only."""
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in GREY_MODES or image.mode.startswith("I;16")


def read_picture(path: Path, channels: int, side: int | None) -> Images:
    """The (first) image of a file, [side, side, channels] or in its own size.

    With a side: the largest centred square, resized by Lanczos.  Photographs are turned as
    their EXIF tag says, and transparent images are laid on white.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        picture = as_channels(ImageOps.exif_transpose(image), channels)
    if side is not None:
        edge = min(picture.size)
        picture = centre_crop(picture, edge).resize((side, side), Image.Resampling.LANCZOS)
    return to_array(picture)


def read_face(path: Path, crop: int, side: int) -> Images:
    """An RGB photograph cropped to its central square of `crop` pixels and resized bilinearly.

    That is what torchvision's CenterCrop and Resize do, which the published code uses.

    Raises
    ------
    ValueError: the image is smaller than the crop; and what Pillow raises.
    """
    from PIL import Image

    with Image.open(path) as image:
        if min(image.size) < crop:
            raise ValueError(f"{image.width} x {image.height}, smaller than the crop of {crop}")
        return shrink_face(image.convert("RGB"), crop, side)


def shrink_face(picture: Image, crop: int, side: int) -> Images:
    """`read_face` for an image that is read already."""
    from PIL import Image

    cropped = centre_crop(picture, crop)
    return to_array(cropped.resize((side, side), Image.Resampling.BILINEAR))


def decode_bytes(content: bytes, mode: Literal["L", "RGB"] = "RGB") -> Images:
    """The image of a file's bytes, [H, W, C]."""
    from PIL import Image

    with Image.open(BytesIO(content)) as image:
        return to_array(image.convert(mode))


def as_channels(image: Image, channels: int) -> Image:
    """In mode L (1 channel) or RGB (3)."""
    from PIL import Image as Pillow

    mode = "L" if channels == 1 else "RGB"
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Pillow would clip 16 bits at 255 instead of scaling them.
        values = np.clip(np.asarray(image, dtype=np.int64), 0, 65535) // 257
        image = Pillow.fromarray(values.astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        top = image.convert("RGBA")
        image = Pillow.alpha_composite(Pillow.new("RGBA", top.size, "white"), top)
    return image.convert(mode)


def centre_crop(image: Image, edge: int) -> Image:
    """The central square of `edge` pixels; of two middles the upper left."""
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return image.crop((left, top, left + edge, top + edge))


def to_array(image: Image) -> Images:
    """[H, W, C] uint8 of an image in mode L or RGB."""
    values = np.asarray(image, dtype=np.uint8)
    return values[..., None] if values.ndim == 2 else values


def _map(data: ImageData, change: Callable[[Images], Images], note: str) -> ImageData:
    return replace(
        data,
        train=change(data.train),
        validation=change(data.validation),
        test=change(data.test),
        source=f"{data.source.removesuffix('.')}; {note}.",
    )


def _each(images: Images, change: Callable[[Any], Any], side: int, channels: int) -> Images:
    from PIL import Image

    out = np.empty((len(images), side, side, channels), dtype=np.uint8)
    for row, image in zip(out, images, strict=True):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
        row[:] = np.asarray(change(picture)).reshape(row.shape)
    return out
