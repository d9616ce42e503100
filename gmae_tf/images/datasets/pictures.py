"""One image file to one array: channels, transparency, rotation, crop and size."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from gmae_tf.images.datasets.image_data import Images

if TYPE_CHECKING:
    from PIL.Image import Image

GREY_MODES = ("1", "L", "LA", "La", "I", "F")


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
