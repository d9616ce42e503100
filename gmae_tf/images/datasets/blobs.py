"""Many encoded images in one .npz: image i is the file in blob[offsets[i]:offsets[i + 1]]."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmae_tf.errors import UserError
from gmae_tf.images.datasets.decode import cache_name, decode_all, fingerprint, refuse_mostly_lost
from gmae_tf.images.datasets.files import need, read_arrays
from gmae_tf.images.datasets.image_data import Images
from gmae_tf.images.datasets.pictures import decode_bytes


class Blob(NamedTuple):
    """The images that could be decoded, and what else the file says of them."""

    images: Images
    """[N, H, W, C]."""
    arrays: dict[str, NDArray[Any]]
    """[N] each, by name."""
    dropped: tuple[str, ...]
    """One line for each image that could not be decoded."""


def read_blob(
    path: Path, columns: tuple[str, ...], shape: tuple[int, int, int], *, label: str
) -> Blob:
    """All images of the file, each of that shape, and its arrays `columns`.

    Decoded once into the user's cache and mapped from there.

    Raises
    ------
    UserError: the file is damaged or of another layout, or most images are.
    """
    arrays = read_arrays(path)
    need(arrays, ("blob", "offsets", *columns), path)
    blob, offsets = arrays["blob"], arrays["offsets"].astype(np.int64)
    n = len(offsets) - 1
    whole = (
        n >= 1 and offsets[0] >= 0 and offsets[-1] <= len(blob) and (np.diff(offsets) >= 0).all()
    )
    if not whole or any(len(arrays[name]) != n for name in columns):
        raise UserError(f"{path} has offsets that do not fit its other arrays: replace it.")

    def decode(place: int) -> Images:
        image = decode_bytes(blob[offsets[place] : offsets[place + 1]].tobytes())
        if image.shape != shape:
            raise ValueError(f"it is {image.shape[1]} x {image.shape[0]}")
        return image

    decoded = decode_all(
        range(n),
        [f"image {place} of {path.name}" for place in range(n)],
        decode,
        shape,
        label=label,
        cache=cache_name(path.stem, shape, fingerprint(path.parent, [path.name])),
    )
    refuse_mostly_lost(str(path), n, decoded.dropped)
    kept = {name: arrays[name][decoded.kept] for name in columns}
    return Blob(decoded.images, kept, decoded.dropped)
